"""The screens as a Django app."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """The app."""

    name = "dashboard"
