"""The way to the first order at Meta: what is done, what comes next."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from conversions.models import ConversionEvent
from dashboard import queries
from dashboard.connection import Beside, read_connection
from dashboard.mappings import Told, told_mappings
from stores.models import Store, User


class SetUp(Struct, frozen=True, kw_only=True):
    """What the page shows; `mapping` is the one to go live with, the first of the store."""

    heard_of: bool  # the shop has sent something
    readable: bool  # or we can read its orders
    mapping: Told | None
    others: Sequence[Beside]  # plug-ins of the shop that tell Meta too
    order: ConversionEvent | None  # the latest one

    @property
    def live(self) -> bool:
        """Whether orders are sent."""
        return bool(self.mapping and self.mapping.mapping.enabled and not self.mapping.watches)

    @property
    def watches(self) -> bool:
        """Whether orders are watched."""
        return bool(self.mapping and self.mapping.mapping.enabled and self.mapping.watches)


def read_set_up(*, store: Store, user: User) -> SetUp:
    """Six queries at most."""
    told = told_mappings(store=store)
    found = read_connection(store=store, user=user)
    orders = queries.recent_orders(store=store, most=1)
    return SetUp(
        heard_of=store.last_delivery_at is not None,  # type: ignore[attr-defined]  # annotated
        readable=found.has_key,
        mapping=next(iter(told), None),
        others=[plugin for plugin in found.plugins if plugin.sends],
        order=next(iter(orders), None),
    )
