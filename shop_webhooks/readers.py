"""How each platform's orders are read back, and of which stores they can be. One line per platform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec
from django.db.models import Max, Q, QuerySet
from msgspec import Struct
from msgspec.structs import replace

from conversions.models import ConversionEvent
from stores.models import ShopifyInstallation, Store
from stores.shopify import orders as shopify
from stores.shopify.admin_api import failures_shared
from stores.shops import OrderPage, ReadChanged, ReadPlaced
from stores.woocommerce import orders as woocommerce


class Reader(Struct, frozen=True, kw_only=True):
    """`topic` is the webhook's that tells the same: equal bodies are then one delivery."""

    read_changed: ReadChanged
    read_placed: ReadPlaced
    topic: str
    has_key: Q


def _read_changed_at_shopify(*, store: Store, since: datetime) -> Iterator[OrderPage]:
    for page in _in_shared_words(shopify.read_changed(store=store, since=since)):
        yield replace(page, bodies=_untold(store, page.bodies))


def _read_placed_at_shopify(
    *, store: Store, since: datetime, until: datetime
) -> Iterator[OrderPage]:
    return _in_shared_words(shopify.read_placed(store=store, since=since, until=until))


def _in_shared_words(pages: Iterator[OrderPage]) -> Iterator[OrderPage]:
    """The shop's pages, and its failures in the words that all platforms share."""
    with failures_shared():
        yield from pages


def _untold(store: Store, bodies: list[bytes]) -> list[bytes]:
    """Those of the bodies whose order the ledger does not know in this version or a later one.

    An order that is read back lacks the shopper's user agent, which the webhook had: it must not take
    the webhook's place while the event waits to be sent.
    """
    versions = [msgspec.json.decode(body, type=_Version) for body in bodies]
    ids = [str(version.id) for version in versions]
    events = ConversionEvent.objects.filter(store=store, order_id__in=ids)
    known = dict(events.values_list("order_id").annotate(Max("order_updated_at")))
    return [
        body
        for body, version in zip(bodies, versions, strict=True)
        if (at := known.get(str(version.id))) is None or at < version.updated_at
    ]


class _Version(Struct):
    id: int
    updated_at: datetime


READERS: Mapping[str, Reader] = {
    "woocommerce": Reader(
        read_changed=woocommerce.read_changed,
        read_placed=woocommerce.read_placed,
        topic="order.updated",
        has_key=~Q(consumer_key="") & ~Q(consumer_secret=""),
    ),
    "shopify": Reader(
        read_changed=_read_changed_at_shopify,
        read_placed=_read_placed_at_shopify,
        topic="orders/updated",
        # A token that was pasted by hand counts where the app is not installed.
        has_key=Q(shopify__state=ShopifyInstallation.State.ACTIVE)
        | (~Q(access_token="") & ~Q(shopify__state=ShopifyInstallation.State.NEEDS_MERCHANT)),
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
