"""What would be posted for an order now, and where each value comes from. Writes and sends nothing.

The way is that of a delivery – inbox.py reads it, outbox.py decides and builds – so that the bytes shown
are the bytes that would be posted.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from conversions import outbox, report
from conversions.entries import Entry, entries_of, mappings_in_force
from conversions.sightings import Sighting
from purchases.decision import Skip
from purchases.meta.event import Storefront, build_purchase
from purchases.meta.payload import Field, explain, request_body
from purchases.order import Order
from purchases.value import Step
from purchases.value import explain as explain_value
from shop_webhooks import inbox
from shop_webhooks.models import WebhookDelivery
from stores.models import PixelMapping, Store


class CannotPreview(Exception):
    """Says why there is nothing to preview."""


class PixelPreview(Struct, frozen=True, kw_only=True):
    """What a pixel would be told of the order: `body` is null where that is nothing."""

    pixel_id: str
    mapping: int  # its place among the store's mappings
    state: str  # what the ledger would say if the order came now
    reason: str
    body: msgspec.Raw
    value: tuple[Step, ...]  # the steps that add up to the value
    fields: tuple[Field, ...]
    ledger: report.Row | None  # what it does say


def preview_order(*, store: Store, order: str, pixel_id: str = "") -> list[PixelPreview]:
    """The previews of an order (by id or name) for each pixel of its store, or for one of them.

    Raises CannotPreview.
    """
    mappings = _mappings(store, pixel_id)
    order_id = _order_id(store, order)
    sightings = _sightings(store, order_id)
    now = outbox.database_now()
    entries = entries_of(sightings, mappings={store.pk: mappings}, now=now)
    rows = report.rows(report.events(stores=[store], order=order_id))
    said = {(row.pixel_id, row.event_name): row for row in rows}
    return [
        _preview(entry, said.get((entry.mapping.pixel.pixel_id, entry.mapping.event_name)), now)
        for entry in entries
    ]


def known_order(*, store: Store, order: str) -> Order:
    """The order (by id or name) as the shop told of it last. Raises CannotPreview."""
    sightings = _sightings(store, _order_id(store, order))
    return max(sightings, key=lambda sighting: sighting.order.updated_at).order


def _mappings(store: Store, pixel_id: str) -> dict[tuple[int, str], list[PixelMapping]]:
    mappings = mappings_in_force({store.pk}).get(store.pk, {})
    if not mappings:
        raise CannotPreview(
            f"Store {store.key} has no mapping in force: no pixel is told anything."
        )
    known = {candidates[0].pixel.pixel_id: pk for (pk, _name), candidates in mappings.items()}
    if pixel_id and pixel_id not in known:
        raise CannotPreview(
            f"Store {store.key} has no mapping in force to pixel {pixel_id}; it has to"
            f" {', '.join(known)}."
        )
    if not pixel_id:
        return mappings
    return {key: found for key, found in mappings.items() if key[0] == known[pixel_id]}


def _order_id(store: Store, order: str) -> str:
    """The shop's id of an order that is named by id or by name."""
    if WebhookDelivery.objects.filter(store=store, order_id=order).exists():
        return order
    ids = set(report.events(stores=[store], order=order).values_list("order_id", flat=True))
    if len(ids) > 1:
        raise CannotPreview(f"Several orders are called {order}: give one of {', '.join(ids)}.")
    if not ids:
        raise CannotPreview(f"No delivery of order {order!r} has been read from store {store.key}.")
    return str(ids.pop())


def _sightings(store: Store, order_id: str) -> list[Sighting]:
    """Every version of the order that is still kept; the outbox takes the latest."""
    kept = WebhookDelivery.objects.filter(store=store, order_id=order_id, body__isnull=False)
    readings = [inbox.read(delivery) for delivery in kept.select_related("store")]
    sightings = [
        Sighting(store=store, order=reading.order, received_at=reading.delivery.received_at)
        for reading in readings
        if reading.order
    ]
    if not sightings:
        reasons = {reading.reason for reading in readings} - {""}
        raise CannotPreview(
            f"Order {order_id} cannot be read again: {', '.join(reasons)}."
            if reasons
            else f"What the shop said of order {order_id} is forgotten: bodies are kept for"
            f" {inbox.KEPT_FOR.days} days."
        )
    return sightings


def _preview(entry: Entry, row: report.Row | None, now: datetime) -> PixelPreview:
    body, fields = b"null", tuple[Field, ...]()
    if entry.event_id:
        store = entry.sighting.store
        event = build_purchase(
            entry.sighting.order,
            rules=entry.rules,
            storefront=Storefront(key=store.key, url=store.url),
            now=now,
        )
        if not isinstance(event, Skip):
            fields = explain(event)
        pixel = entry.mapping.pixel
        until = pixel.test_event_code_until
        code = pixel.test_event_code if until and now < until else ""
        body = request_body([entry.payload], test_event_code=code)
    return PixelPreview(
        pixel_id=entry.mapping.pixel.pixel_id,
        mapping=entry.mapping.position,
        state=entry.state.value,
        reason=entry.reason,
        value=explain_value(entry.sighting.order, rules=entry.rules),
        body=msgspec.Raw(body),
        fields=fields,
        ledger=row,
    )
