"""The tenants and their settings as a Django app."""

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_migrate


class StoresConfig(AppConfig):
    """The app."""

    name = "stores"

    def ready(self) -> None:
        """After each migration the wall between tenants is as high as the tables; a login has a time."""
        from stores.accounts.presence import begin  # noqa: PLC0415  as below

        user_logged_in.connect(begin, dispatch_uid="stores.presence")
        post_migrate.connect(_raise_wall, sender=self, dispatch_uid="stores.wall")


def _raise_wall(**told: Any) -> None:
    """The tables of every app are there by now."""
    from stores.wall import raise_wall  # noqa: PLC0415  models are not loaded yet when this module is

    raise_wall()
