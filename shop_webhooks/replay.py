"""The orders of a replay, as the inbox has kept them: every version whose body is still there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from django.db.models import QuerySet

from conversions.entries import Mappings, mappings_in_force
from conversions.replay import Plan, replay
from conversions.sightings import Sighting
from shop_webhooks import inbox
from shop_webhooks.models import WebhookDelivery
from stores.models import Store

ORDERS_AT_ONCE = 200


def replay_stores(
    *,
    stores: Sequence[Store],
    since: datetime,
    until: datetime,
    pixel_id: str,
    carry_out: bool,
    advance: Callable[[int], None] = lambda orders: None,
) -> Plan:
    """The plan for the orders that were placed in [since, until); with `carry_out`, done.

    `pixel_id` leaves all other pixels out; "" means every one that the stores are mapped to. `advance`
    is told, as it goes on, how many more orders were looked at.
    """
    batches = (
        batch for store in stores for batch in _batches(store, since, until, advance=advance)
    )
    mappings = _mappings(stores, pixel_id)
    return replay(batches, mappings=mappings, carry_out=carry_out)


def count_orders(*, stores: Sequence[Store], since: datetime) -> int:
    """How many orders a replay has to look at."""
    return sum(_order_ids(store, since).count() for store in stores)


def _mappings(stores: Sequence[Store], pixel_id: str) -> Mappings:
    found = mappings_in_force({store.pk for store in stores})
    if not pixel_id:
        return found
    return {
        store_id: {
            key: candidates
            for key, candidates in of_store.items()
            if candidates[0].pixel.pixel_id == pixel_id
        }
        for store_id, of_store in found.items()
    }


def _batches(
    store: Store, since: datetime, until: datetime, *, advance: Callable[[int], None]
) -> Iterator[list[Sighting]]:
    """Orders by id, each whole: of two versions the outbox takes the later one."""
    last = ""
    while some := list(_order_ids(store, since).filter(order_id__gt=last)[:ORDERS_AT_ONCE]):
        last = some[-1]
        kept = _kept(store, since).filter(order_id__in=some)
        readings = [
            inbox.read(delivery) for delivery in kept.select_related("store").order_by("pk")
        ]
        yield [
            Sighting(
                store=store,
                order=reading.order,
                received_at=reading.delivery.received_at,
            )
            for reading in readings
            if reading.order and since <= reading.order.placed_at < until
        ]
        advance(len(some))


def _order_ids(store: Store, since: datetime) -> QuerySet[WebhookDelivery, str]:
    return _kept(store, since).order_by("order_id").values_list("order_id", flat=True).distinct()


def _kept(store: Store, since: datetime) -> QuerySet[WebhookDelivery]:
    kept = WebhookDelivery.objects.filter(store=store, body__isnull=False, received_at__gte=since)
    return kept.exclude(order_id="")
