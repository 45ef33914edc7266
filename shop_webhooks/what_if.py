"""Another fleet file over the orders of the last days: who would be told what, before it is applied.

The orders are read from the deliveries whose bodies are kept, and decided upon by the outbox, each
as when it came. Writes and sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from conversions.entries import Entry, entries_of, mappings_in_force
from conversions.models import State
from conversions.sightings import Sighting
from purchases.what_if import Verdict, WhatIf, compare
from shop_webhooks import inbox
from shop_webhooks.models import WebhookDelivery
from stores.fleet.entries import MappingEntry
from stores.models import Pixel, PixelMapping, Store

MOST_DAYS = inbox.KEPT_FOR.days


def what_if(
    *,
    store: Store,
    mappings: Iterable[MappingEntry],
    templates: Mapping[str, Mapping[str, Any]],
    consent: Mapping[str, Any],
    days: int,
    now: datetime,
) -> WhatIf:
    """What `mappings` (of a fleet file, with its `templates`), and the policy of `consent`, would change
    for the store's orders."""
    sightings = list(_sightings(store, since=now - timedelta(days=days)))
    asking = copy(store)
    asking.consent = dict(consent)
    in_force = mappings_in_force({store.pk})
    wanted = {store.pk: _candidates(store, mappings, templates)}
    return compare(
        _verdicts(entries_of(sightings, mappings=in_force, now=None)),
        _verdicts(entries_of(_of(asking, sightings), mappings=wanted, now=None)),
    )


def _sightings(store: Store, *, since: datetime) -> Iterable[Sighting]:
    """The latest version of each order."""
    kept = WebhookDelivery.objects.filter(
        store=store,
        received_at__gte=since,
        state=WebhookDelivery.State.RECORDED,
        body__isnull=False,
    )
    latest: dict[str, Sighting] = {}
    for delivery in kept.select_related("store").order_by("pk").iterator(chunk_size=500):
        if (order := inbox.read(delivery).order) is None:
            continue
        before = latest.get(order.shop_order_id)
        if before is None or before.order.updated_at <= order.updated_at:
            latest[order.shop_order_id] = Sighting(
                store=store, order=order, received_at=delivery.received_at
            )
    return latest.values()


def _of(store: Store, sightings: Iterable[Sighting]) -> list[Sighting]:
    return [replace(sighting, store=store) for sighting in sightings]


def _candidates(
    store: Store,
    entries: Iterable[MappingEntry],
    templates: Mapping[str, Mapping[str, Any]],
) -> dict[tuple[int, str], list[PixelMapping]]:
    """The mappings as rows that are never written. A pixel that is new has a number below zero."""
    known = {pixel.pixel_id: pixel for pixel in Pixel.objects.filter(workspace=store.workspace)}
    found: dict[tuple[int, str], list[PixelMapping]] = {}
    for position, entry in enumerate(entries):
        if not entry.enabled:
            continue
        if entry.pixel not in known:
            known[entry.pixel] = Pixel(pk=-position - 1, pixel_id=entry.pixel)
        mapping = PixelMapping(
            store=store,
            pixel=known[entry.pixel],
            position=position,
            settings={**templates.get(entry.template, {}), **entry.settings},
        )
        found.setdefault((mapping.pixel_id, mapping.event_name), []).append(mapping)
    return found


def _verdicts(entries: Iterable[Entry]) -> list[Verdict]:
    return [
        Verdict(
            order_id=entry.sighting.order.shop_order_id,
            order_name=entry.sighting.order.name,
            pixel_id=entry.mapping.pixel.pixel_id,
            event=entry.mapping.event_name,
            reported=entry.state == State.PENDING or entry.reason == "hold",
            reason="" if entry.state == State.PENDING or entry.reason == "hold" else entry.reason,
            value=entry.value,
            currency=entry.currency,
        )
        for entry in entries
    ]
