"""The wiring as a Django app, so that its checks run."""

from django.apps import AppConfig


class ConnectorConfig(AppConfig):
    """The app."""

    name = "connector"
    label = "wiring"

    def ready(self) -> None:
        """Register the system checks."""
        from connector import checks  # noqa: F401, PLC0415  registers on import
