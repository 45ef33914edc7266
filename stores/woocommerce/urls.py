"""The hand-over of a WooCommerce shop's key."""

from django.urls import path, re_path

from stores.woocommerce import views

urlpatterns = [
    path("", views.connect, name="connect_woocommerce"),
    re_path(r"^callback/?$", views.callback, name="woocommerce_callback"),
    path("<int:handover_id>/", views.handover, name="woocommerce_handover"),
]
