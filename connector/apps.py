"""The wiring as a Django app, so that its checks run."""

from django.apps import AppConfig
from django.conf import settings

from stores import failpoints


class ConnectorConfig(AppConfig):
    """The app."""

    name = "connector"
    label = "wiring"

    def ready(self) -> None:
        """Register the system checks, and arm the failpoints of a chaos run."""
        from connector import checks  # noqa: F401, PLC0415  registers on import

        if settings.LOCAL and settings.FAILPOINTS:
            failpoints.arm(settings.FAILPOINTS, folder=settings.DATA_DIR)
