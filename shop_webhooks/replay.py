"""The orders of a replay, as the inbox has kept them: every version whose body is still there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from conversions.entries import Mappings, Sighting, mappings_in_force
from conversions.replay import Plan, replay
from shop_webhooks import inbox
from shop_webhooks.models import WebhookDelivery
from stores.models import Store

ORDERS_AT_ONCE = 200


def replay_stores(
    *, stores: Sequence[Store], since: datetime, until: datetime, pixel_id: str, carry_out: bool
) -> Plan:
    """The plan for the orders that were placed in [since, until); with `carry_out`, done.

    `pixel_id` leaves all other pixels out; "" means every one that the stores are mapped to.
    """
    batches = (batch for store in stores for batch in _batches(store, since=since, until=until))
    mappings = _mappings(stores, pixel_id)
    return replay(batches, mappings=mappings, carry_out=carry_out)


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


def _batches(store: Store, *, since: datetime, until: datetime) -> Iterator[list[Sighting]]:
    """Orders by id, each whole: of two versions the outbox takes the later one."""
    kept = WebhookDelivery.objects.filter(
        store=store, body__isnull=False, received_at__gte=since
    ).exclude(order_id="")
    order_ids = kept.order_by("order_id").values_list("order_id", flat=True).distinct()
    last = ""
    while some := list(order_ids.filter(order_id__gt=last)[:ORDERS_AT_ONCE]):
        last = some[-1]
        readings = [
            inbox.read(delivery)
            for delivery in kept.filter(order_id__in=some).select_related("store").order_by("pk")
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
