"""How each platform's orders are read back, and of which stores they can be. One line per platform."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q, QuerySet
from msgspec import Struct

from stores.models import Store
from stores.shops import ReadChanged, ReadPlaced
from stores.woocommerce import orders as woocommerce


class Reader(Struct, frozen=True, kw_only=True):
    """`topic` is the webhook's that tells the same: equal bodies are then one delivery."""

    read_changed: ReadChanged
    read_placed: ReadPlaced
    topic: str
    has_key: Q


READERS: Mapping[str, Reader] = {
    "woocommerce": Reader(
        read_changed=woocommerce.read_changed,
        read_placed=woocommerce.read_placed,
        topic="order.updated",
        has_key=~Q(consumer_key="") & ~Q(consumer_secret=""),
    ),
}


def readable_stores(platform: str = "") -> QuerySet[Store]:
    """The connected stores that we have a key to; those of one platform, if it is named."""
    which = Q()
    for name, reader in READERS.items():
        if platform in ("", name):
            which |= Q(platform=name) & reader.has_key
    stores: QuerySet[Store] = Store.objects.filter(which, connected=True)
    return stores
