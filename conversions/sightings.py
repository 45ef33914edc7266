"""What the outbox is handed: orders, each with its store and when it was seen."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from purchases.order import Order
from stores.models import Store


class Sighting(Struct, frozen=True, kw_only=True):
    """An order as one delivery showed it."""

    store: Store
    order: Order
    received_at: datetime
