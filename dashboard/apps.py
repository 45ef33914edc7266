"""The screens as a Django app."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DashboardConfig(AppConfig):
    """The app."""

    name = "dashboard"

    def ready(self) -> None:
        """The key of the audit chains is there from the first migration on: pages only read."""
        post_migrate.connect(_make_key, sender=self, dispatch_uid="dashboard.audit")


def _make_key(**told: Any) -> None:
    from dashboard.audit.sealing import public_key  # noqa: PLC0415  models are not loaded yet above

    public_key()
