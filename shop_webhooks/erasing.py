"""Forgetting a customer's orders: what was kept of them goes, what is owed is called off, and a stone
stands where each was, so that nothing brings one back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import QuerySet
from msgspec import Struct

from conversions import outbox, visits
from conversions.models import BrowserVisit, ConversionEvent, EventPayload
from shop_webhooks import tombstones
from shop_webhooks.inbox import unsealed_body
from shop_webhooks.models import WebhookDelivery
from stores.failpoints import failpoint
from stores.models import Store
from stores.secrets import CannotOpen

ALL = "*"  # in place of the orders: all that the stores have


class Erased(Struct, frozen=True, kw_only=True):
    """What was erased: of which orders, and how many records."""

    orders: Sequence[str]
    records: int


class Left(Struct, frozen=True, kw_only=True):
    """What is still there of orders that were forgotten: all 0 where that holds."""

    bodies: int
    payloads: int
    browser: int
    owed: int

    @property
    def nothing(self) -> bool:
        """Whether the erasing holds."""
        return not (self.bodies or self.payloads or self.browser or self.owed)


@transaction.atomic
def forget(
    stores: QuerySet[Store], *, order_ids: Iterable[str], customer: dict[str, Any]
) -> Erased:
    """Forget these orders of the stores, and every order whose kept body names the `customer` (by `id`,
    `email` or `phone`). The ledger's rows stay: they hold no person."""
    found = deliveries_of(stores, order_ids=list(order_ids), customer=customer)
    orders = sorted({*order_ids, *(delivery.order_id for delivery, _body in found)} - {""})
    tombstones.bury(stores, orders)
    kept = WebhookDelivery.objects.filter(store__in=stores, body__isnull=False)
    records = erase_bodies(
        kept.filter(pk__in=[delivery.pk for delivery, _body in found])
        | kept.filter(order_id__in=orders)
    )
    of_orders = {"store__in": stores, "order_id__in": orders}
    outbox.call_off(ConversionEvent.objects.filter(**of_orders))
    failpoint("K18")
    payloads = EventPayload.objects.filter(event__store__in=stores, event__order_id__in=orders)
    records += payloads.delete()[0] + visits.erase(BrowserVisit.objects.filter(**of_orders))
    return Erased(orders=orders, records=records)


@transaction.atomic
def forget_all(stores: QuerySet[Store], *, before: datetime) -> int:
    """Forget whatever came to these stores before the moment (aware); returns how many records.

    Without stones: a shop that comes back has new orders.
    """
    deliveries, events, told = _of(stores, orders=[ALL], before=before)
    outbox.call_off(events)
    records = erase_bodies(deliveries.filter(body__isnull=False))
    records += EventPayload.objects.filter(event__in=events.values("pk")).delete()[0]
    return records + visits.erase(told)


def erase_bodies(deliveries: QuerySet[WebhookDelivery]) -> int:
    """Erase the bodies; what was not read yet will not be."""
    ids = list(deliveries.values_list("pk", flat=True))
    found = WebhookDelivery.objects.filter(pk__in=ids)
    found.filter(state=WebhookDelivery.State.RECEIVED).update(state=WebhookDelivery.State.FORGOTTEN)
    return int(found.update(body=None))


def left_of(stores: QuerySet[Store], *, orders: Sequence[str], before: datetime) -> Left:
    """Count what is still there of these orders; of all that came before the moment (aware), where `ALL`
    is among them."""
    deliveries, events, told = _of(stores, orders=orders, before=before)
    return Left(
        bodies=deliveries.filter(body__isnull=False).count(),
        payloads=EventPayload.objects.filter(event__in=events.values("pk")).count(),
        browser=told.filter(body__isnull=False).count(),
        owed=events.filter(state__in=("pending", "waiting")).count(),
    )


def _of(
    stores: QuerySet[Store], *, orders: Sequence[str], before: datetime
) -> tuple[QuerySet[WebhookDelivery], QuerySet[ConversionEvent], QuerySet[BrowserVisit]]:
    deliveries = WebhookDelivery.objects.filter(store__in=stores)
    events = ConversionEvent.objects.filter(store__in=stores)
    told = BrowserVisit.objects.filter(store__in=stores)
    if ALL in orders:
        return (
            deliveries.filter(received_at__lte=before),
            events.filter(received_at__lte=before),
            told.filter(met_at__lte=before),
        )
    some = {"order_id__in": list(orders)}
    return deliveries.filter(**some), events.filter(**some), told.filter(**some)


def deliveries_of(
    stores: QuerySet[Store], *, order_ids: Sequence[str], customer: dict[str, Any]
) -> list[tuple[WebhookDelivery, bytes]]:
    """The kept deliveries of the orders, and those that name the customer: a body is kept 8 days."""
    kept = WebhookDelivery.objects.filter(store__in=stores, body__isnull=False)
    marks = [
        str(customer[name]).strip().lower().encode()
        for name in ("email", "phone")
        if customer.get(name)
    ]
    found = []
    for delivery in kept.select_related("store").iterator(chunk_size=200):
        try:
            body = unsealed_body(delivery)
        except CannotOpen:
            continue
        named = any(mark and mark in body.lower() for mark in marks)
        if delivery.order_id in order_ids or named or _is_customer(body, customer.get("id")):
            found.append((delivery, body))
    return found


def _is_customer(body: bytes, customer_id: object) -> bool:
    if not customer_id:
        return False
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return False
    customer = said.get("customer") if isinstance(said, dict) else None
    return isinstance(customer, dict) and str(customer.get("id")) == str(customer_id)
