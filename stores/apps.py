"""The tenants and their settings as a Django app."""

from django.apps import AppConfig


class StoresConfig(AppConfig):
    """The app."""

    name = "stores"
