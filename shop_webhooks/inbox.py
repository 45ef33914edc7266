"""The inbox: keep a delivery, read it once, hand its order to the outbox, forget its body.

Reading is claim → read → settle, like sending: the claim is counted and committed first, so that a
body that kills its reader is noticed, read alone and, after `MOST_CLAIMS` tries, set aside.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from msgspec import Struct

from conversions import outbox
from conversions.sightings import Sighting
from purchases.order import Order
from purchases.shops import PLATFORMS
from purchases.shops.delivery import DeliveryHead, NotAnOrder, UnreadableOrder
from shop_webhooks import tombstones
from shop_webhooks.doors import Door
from shop_webhooks.models import WebhookDelivery
from stores.failpoints import failpoint
from stores.models import Store
from stores.secrets import CannotOpen, SecretField, store_ring
from stores.sql import rows, run, run_alone, run_in_parts

log = structlog.get_logger(__name__)

State = WebhookDelivery.State

BATCH = 200
LEASE = timedelta(seconds=60)
MOST_CLAIMS = 5
# A body is kept as long as its event may be sent, and a day: docs/privacy.md.
KEPT_FOR = timedelta(days=8)
FORGOTTEN_AT_ONCE = 5_000  # an arrear of weeks must not run into a time-out

SECRETS = [
    f"store__{field.name}" for field in Store._meta.get_fields() if isinstance(field, SecretField)
]

KEEP = """
INSERT INTO shop_webhooks_webhookdelivery (store_id, delivery_key, topic, delivery_id, body)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (store_id, delivery_key)
DO UPDATE SET repeats = shop_webhooks_webhookdelivery.repeats + 1
RETURNING repeats
"""

KEEP_SWEPT = """
INSERT INTO shop_webhooks_webhookdelivery (store_id, delivery_key, topic, source, body)
SELECT %s, key, %s, 'sweep', body FROM unnest(%s::bytea[], %s::bytea[]) AS swept (key, body)
ON CONFLICT (store_id, delivery_key) DO NOTHING
"""

# The oldest first. One that was claimed before is read alone: a body that kills its reader must not
# take others with it. And after a wait of its own, longer each time: were all due again at once with
# what the dead process was sending, whatever kills the sender would be blamed on the oldest delivery.
CLAIM = """
WITH next AS (
    SELECT id, claims FROM shop_webhooks_webhookdelivery
    WHERE state = 'received' AND not_before <= now()
    ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
), oldest AS (
    SELECT id, claims FROM next ORDER BY id LIMIT 1
), batch AS (
    SELECT next.id FROM next, oldest
    WHERE oldest.claims = 0 AND next.claims = 0 OR next.id = oldest.id
)
UPDATE shop_webhooks_webhookdelivery AS delivery
SET claims = delivery.claims + 1, not_before = now() + %(lease)s * (1 + delivery.claims * random())
FROM batch WHERE delivery.id = batch.id
RETURNING delivery.id
"""

CLOSE = """
UPDATE shop_webhooks_webhookdelivery AS delivery
SET state = outcome.state, reason = outcome.reason, detail = outcome.detail,
    order_id = outcome.order_id, processed_at = now()
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[])
    AS outcome (id, state, reason, detail, order_id)
WHERE delivery.id = outcome.id AND delivery.state = 'received'
"""


REOPEN = """
UPDATE shop_webhooks_webhookdelivery
SET state = 'received', claims = 0, not_before = now(), processed_at = now()
WHERE store_id = %s AND order_id = %s AND state = 'recorded' AND body IS NOT NULL
"""


def store_delivery(*, door: Door | None, head: DeliveryHead, body: bytes) -> bool:
    """Keep one row per delivery, however often the shop sends it; True if it is new.

    One statement and one commit. `door` is None for an authentic delivery that names no shop: its
    body could never be read, so none is kept. Raises django.db.Error when nothing could be kept.
    """
    key = delivery_key(head=head, body=body)
    sealed = (
        door.ring.seal(zlib.compress(body, 1), purpose=f"delivery.{key.hex()}") if door else None
    )
    values = (
        door.store_id if door else None,
        key,
        head.topic[:100],
        head.delivery_id[:100],
        sealed,
    )
    return bool(run_alone(KEEP, values)[0] == 0)


def store_swept(*, store: Store, topic: str, bodies: Sequence[bytes]) -> int:
    """Keep orders that were read back; returns how many were not known in just this form.

    With the `topic` of the webhook that would have told the same, so that equal bodies are one row;
    that a row was read back again is no news, and is not counted.
    """
    head = DeliveryHead(topic=topic)
    keys = {delivery_key(head=head, body=body): body for body in bodies}
    known = WebhookDelivery.objects.filter(store=store, delivery_key__in=list(keys))
    for key in known.values_list("delivery_key", flat=True):
        keys.pop(bytes(key))
    ring = store_ring(bytes(store.sealed_key))
    sealed = [
        ring.seal(zlib.compress(body, 1), purpose=f"delivery.{key.hex()}")
        for key, body in sorted(keys.items())
    ]
    return run(KEEP_SWEPT, [store.pk, topic, sorted(keys), sealed]) if keys else 0


def delivery_key(*, head: DeliveryHead, body: bytes) -> bytes:
    """What makes two deliveries the same: content, and Shopify's webhook id where there is one.

    The id alone would lose data (it is not signed; WooCommerce's repeats within a second), the body
    alone would merge topics whose bodies are alike.
    """
    digest = hashlib.sha256(body)
    digest.update(f"\0{head.topic}\0{head.delivery_id}".encode(errors="replace"))
    return digest.digest()[:16]


def process_batch() -> int:
    """Read the next deliveries that are due and record their orders; returns how many were read."""
    if deliveries := _claim():
        failpoint("K07")
        readings = [read(delivery) for delivery in deliveries]
        try:
            _settle(readings)
        except (IntegrityError, OperationalError):
            # Another worker has just recorded an order with the same event id, or locks in another
            # order; now its rows can be seen. A second failure leaves the claim to run out.
            _settle(readings)
        failpoint("K09")
    return len(deliveries)


FORGET_ROWS = """
DELETE FROM shop_webhooks_webhookdelivery WHERE id IN (
    SELECT id FROM shop_webhooks_webhookdelivery
    WHERE received_at < now() - %s AND body IS NULL AND state <> 'received'
    LIMIT %s FOR UPDATE SKIP LOCKED)
"""
ROWS_AT_ONCE = 5_000


def forget_bodies() -> int:
    """Erase bodies older than `KEPT_FOR`; their rows stay. Returns how many."""
    old = WebhookDelivery.objects.filter(body__isnull=False, received_at__lt=Now() - KEPT_FOR)
    forgotten = 0
    while some := list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]):
        rows_of = WebhookDelivery.objects.filter(pk__in=some)
        rows_of.filter(state=State.RECEIVED).update(state=State.FORGOTTEN)
        failpoint("K19")
        forgotten += rows_of.update(body=None)
    return forgotten


def forget_rows(kept_for: timedelta) -> int:
    """Delete the deliveries that came longer ago than that; returns how many."""
    return run_in_parts(FORGET_ROWS, [kept_for], most=ROWS_AT_ONCE)


def read_again(*, deliveries: WebhookDelivery.Tenants) -> int:
    """Have those of `deliveries` read anew that could not be read, or that nobody had asked for.

    For after a fix, while their bodies are kept; an order that is in the ledger already stays one.
    Returns how many.
    """
    given_up = Q(state=State.UNREADABLE) | Q(state=State.SKIPPED, reason="no_mapping")
    return int(
        deliveries.filter(given_up, body__isnull=False).update(
            state=State.RECEIVED,
            reason="",
            detail="",
            claims=0,
            not_before=Now(),
            processed_at=Now(),
        )
    )


def reopen(*, store_id: int, order_id: str) -> int:
    """Have the order's deliveries read anew, because the ledger would now say something else of it.

    Returns how many; none, once their bodies are forgotten. Must run inside the transaction that keeps
    the news.
    """
    return run(REOPEN, [store_id, order_id])


class Reading(Struct, kw_only=True):
    """A claimed delivery and what its body turned out to be."""

    delivery: WebhookDelivery
    state: WebhookDelivery.State = State.SKIPPED
    reason: str = ""
    detail: str = ""
    order: Order | None = None


def _claim() -> list[WebhookDelivery]:
    ids = [delivery_id for (delivery_id,) in rows(CLAIM, {"batch": BATCH, "lease": LEASE})]
    # Without the store's secrets: one that cannot be opened must not take the batch with it.
    deliveries = WebhookDelivery.objects.select_related("store").defer(*SECRETS)
    return list(deliveries.filter(pk__in=ids).order_by("pk"))


def read(delivery: WebhookDelivery) -> Reading:
    """What the delivery's body turns out to be; writes nothing."""
    if delivery.store is None:
        return Reading(delivery=delivery, state=State.UNREADABLE, reason="no_shop")
    if reason := _set_aside(delivery, delivery.store):
        return Reading(delivery=delivery, state=State.UNREADABLE, reason=reason)
    try:
        body = unsealed_body(delivery)
        order = PLATFORMS[delivery.store.platform].parse_order(
            body, topic=delivery.topic, zone=ZoneInfo(delivery.store.time_zone)
        )
    except CannotOpen:
        return Reading(delivery=delivery, state=State.UNREADABLE, reason="cannot_be_decrypted")
    except UnreadableOrder as error:
        return Reading(
            delivery=delivery,
            state=State.UNREADABLE,
            reason=error.reason,
            detail=error.field[:200],
        )
    if isinstance(order, NotAnOrder):
        return Reading(delivery=delivery, reason=order.reason)
    return Reading(delivery=delivery, state=State.RECORDED, order=order)


def _set_aside(delivery: WebhookDelivery, store: Store) -> str:
    """Why the body is not even opened, or ""."""
    # Shopify always names it: what does not is not what Shopify has sent, whatever its signature.
    told = delivery.source == WebhookDelivery.Source.WEBHOOK
    if told and not delivery.topic and store.platform == Store.Platform.SHOPIFY:
        return "no_topic"
    return "kills_its_reader" if delivery.claims > MOST_CLAIMS else ""


def unsealed_body(delivery: WebhookDelivery) -> bytes:
    """The body as the shop sent it, of a delivery that has a store. Raises CannotOpen."""
    key = bytes(delivery.delivery_key)
    ring = store_ring(bytes(delivery.store.sealed_key))  # type: ignore[union-attr]  # it has one
    return zlib.decompress(ring.open(bytes(delivery.body or b""), purpose=f"delivery.{key.hex()}"))


@transaction.atomic
def _settle(readings: list[Reading]) -> None:
    gone = _forget_the_buried(readings)
    sightings = [
        Sighting(
            store=reading.delivery.store,
            order=reading.order,
            received_at=reading.delivery.received_at,
        )
        for reading in readings
        if reading.state == State.RECORDED and reading.order and reading.delivery.store
    ]
    unmapped = outbox.record_purchases(sightings)
    outcomes = [_outcome(reading, unmapped) for reading in readings]
    run(CLOSE, [list(column) for column in zip(*outcomes, strict=True)])
    tombstones.erase(gone)
    failpoint("K08")
    log.info("deliveries.processed", count=len(readings), orders=len(sightings))


def _forget_the_buried(readings: list[Reading]) -> list[int]:
    """The readings of orders that are to stay forgotten are skipped; returns their deliveries' ids."""
    buried = tombstones.among({_place(reading) for reading in readings if reading.order})
    found = [reading for reading in readings if reading.order and _place(reading) in buried]
    for reading in found:
        reading.state, reading.reason = State.SKIPPED, "redacted"
    return [reading.delivery.pk for reading in found]


def _place(reading: Reading) -> tuple[int, str]:
    return reading.delivery.store_id or 0, reading.order.shop_order_id if reading.order else ""


def _outcome(reading: Reading, unmapped: set[int]) -> tuple[int, str, str, str, str]:
    state, reason = reading.state, reading.reason
    if state == State.RECORDED and reading.delivery.store_id in unmapped:
        state, reason = State.SKIPPED, "no_mapping"
    order_id = reading.order.shop_order_id if reading.order else ""
    return reading.delivery.pk, state.value, reason, reading.detail, order_id
