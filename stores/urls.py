"""Who may come in: login and logout, by invitation, and by way of Shopify."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from stores.joining import join
from stores.language import choose
from stores.shopify import views as shopify
from stores.views import Login

urlpatterns = [
    path("login/", Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(next_page="login"), name="logout"),
    path("language", choose, name="language"),
    path("connect/shopify/", shopify.connect, name="connect_shopify"),
    path("join/<str:token>/", join, name="join"),
    path("shopify/bounce", shopify.bounce, name="shopify-bounce"),
    path("shopify/install", shopify.begin, name="shopify-install"),
    path("shopify/callback", shopify.callback, name="shopify-callback"),
]
