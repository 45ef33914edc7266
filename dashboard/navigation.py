"""The pages of a store, in the order of its tabs."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from msgspec import Struct


class Tab(Struct, frozen=True):
    """A page that every store has; `page` is the name of its address."""

    page: str
    label: str | Promise


TABS = (
    Tab("home", _("Home")),
    Tab("ledger", _("Orders")),
    Tab("balance", _("Balance")),
    Tab("speed", _("Speed")),
    Tab("match_quality", _("Match quality")),
    Tab("set_up", _("Set-up")),
    Tab("mappings", _("Mappings")),
    Tab("datasets", _("Datasets")),
    Tab("browser", _("Browser")),
    Tab("preview", _("Preview")),
    Tab("test_events", _("Test events")),
    Tab("deliveries", _("Deliveries")),
    Tab("connection", _("Connection")),
)
