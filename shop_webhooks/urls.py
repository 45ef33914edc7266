"""The doors' addresses, each with and without the slash: a redirect would lose the order."""

from django.urls import re_path

from shop_webhooks import collector, views

collector_patterns = [re_path(r"^(?P<key>[\w-]{1,50})/?$", collector.collect)]
urlpatterns = [
    re_path(r"^shopify/?$", views.receive_shopify),
    re_path(r"^woocommerce/(?P<token>[\w-]{1,100})/?$", views.receive_woocommerce),
    re_path(r"", views.no_such_door),
]
