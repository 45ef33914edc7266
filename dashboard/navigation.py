"""The pages of a store, in the order of its tabs."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from stores.models import Store

EVERYWHERE = tuple(Store.Platform)


class Tab(Struct, frozen=True):
    """A page that every store of some platforms has; `page` is the name of its address."""

    page: str
    label: str | Promise
    platforms: tuple[str, ...] = EVERYWHERE


TABS = (
    Tab("home", _("Home")),
    Tab("ledger", _("Orders")),
    Tab("balance", _("Balance")),
    Tab("speed", _("Speed")),
    Tab("match_quality", _("Match quality")),
    Tab("set_up", _("Set-up")),
    Tab("mappings", _("Mappings")),
    Tab("datasets", _("Datasets")),
    Tab("preview", _("Preview")),
    Tab("test_events", _("Test events")),
    Tab("deliveries", _("Deliveries")),
    Tab("connection", _("Connection"), platforms=(Store.Platform.WOOCOMMERCE,)),
)


def tabs_of(store: Store) -> list[Tab]:
    """The tabs that the pages of `store` show."""
    return [tab for tab in TABS if store.platform in tab.platforms]
