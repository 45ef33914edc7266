"""Who may come in: with an account, by invitation, and by way of Shopify."""

from django.urls import include, path

from stores.accounts.views import invited, new_workspace
from stores.joining import join
from stores.language import choose
from stores.shopify import views as shopify

urlpatterns = [
    path("", include("allauth.account.urls")),
    path("second-factor/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
    path("invited/<str:token>/", invited, name="invited"),
    path("workspaces/new/", new_workspace, name="new_workspace"),
    path("language", choose, name="language"),
    path("connect/shopify/", shopify.connect, name="connect_shopify"),
    path("join/<str:token>/", join, name="join"),
    path("shopify/bounce", shopify.bounce, name="shopify-bounce"),
    path("shopify/install", shopify.begin, name="shopify-install"),
    path("shopify/callback", shopify.callback, name="shopify-callback"),
]
