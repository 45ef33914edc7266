"""The door and the inbox as a Django app."""

from django.apps import AppConfig


class ShopWebhooksConfig(AppConfig):
    """The app."""

    name = "shop_webhooks"
