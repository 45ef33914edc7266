"""Whose turn it is, and what is posted in it: a lease that ends by itself, and a batch that fits.

A turn is a pixel's. The attempt is written down with the lease, in one transaction, before anything is
posted: an attempt without an answer is known to be in doubt.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from django.db import transaction
from django.db.models.functions import Now

from conversions import ledger
from conversions.graph import DEADLINE_SECONDS
from conversions.models import Lane, PixelQueue
from conversions.outbox import payload_purpose
from conversions.pausing import PROBE_EVERY
from purchases.meta.payload import MAX_EVENTS, take_batch
from stores.failpoints import failpoint
from stores.models import Pixel
from stores.secrets import CannotOpen, Secret, store_ring
from stores.sql import rows, run

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)  # longer than a post and its settling may take
# After so many failures in a row the breaker is open: one event asks whether Meta is well again.
OPEN_AFTER = 5
# How many events may share a request with one that so many senders have died with.
MOST_BESIDE_A_CRASH = (MAX_EVENTS, 100, 10, 1, 1)

TURN = """
SELECT queue.pixel_id, queue.failures, queue.batch_limit,
       EXISTS (SELECT 1 FROM conversions_sendattempt AS attempt
               WHERE attempt.pixel_id = queue.pixel_id AND finished_at IS NULL)
FROM conversions_pixelqueue AS queue JOIN stores_pixel AS pixel ON pixel.id = queue.pixel_id
WHERE queue.not_before <= now() AND (pixel.broken_reason = '' OR queue.probe_at <= now())
  AND (EXISTS (SELECT 1 FROM conversions_conversionevent AS event
               WHERE event.pixel_id = queue.pixel_id AND event.lane = %(lane)s
                 AND event.state IN ('pending', 'in_doubt') AND NOT event.held
                 AND event.not_before <= now() AND event.cut_off > now() + %(lease)s
               -- Ask pixel by pixel: PostgreSQL would gather all that anybody is owed, at each turn.
               OFFSET 0)
       -- Or nobody would learn that an order may be at Meta which was cancelled while it was sent.
       OR EXISTS (SELECT 1 FROM conversions_sendattempt AS attempt
                  WHERE attempt.pixel_id = queue.pixel_id AND finished_at IS NULL))
ORDER BY CASE %(lane)s WHEN 0 THEN queue.served_at ELSE queue.backfill_served_at END
LIMIT 2 FOR UPDATE OF queue SKIP LOCKED
"""

# The next of a million owed events are read off their index, in its order. PostgreSQL takes them for
# few, and would fetch all with their payloads to sort them.
READ_IN_ORDER = "SET LOCAL enable_sort = off"

# A back-fill's turn takes the pixel's live events along, and first; a live turn is not kept waiting
# by a back-fill's. Who may send a few only takes those that were tried longest ago: one that goes wrong
# each time must not stand in the way of the others.
OWED = """
SELECT event.id, event.cut_off, event.crashes, event.store_id, event.order_id, store.sealed_key,
       payload.body
FROM (SELECT * FROM conversions_conversionevent
      WHERE pixel_id = %(pixel)s AND lane <= %(lane)s
        AND state IN ('pending', 'in_doubt') AND NOT held
        AND not_before <= now() AND cut_off > now() + %(lease)s
      ORDER BY lane, id LIMIT %(among)s) AS event
LEFT JOIN conversions_eventpayload AS payload ON payload.event_id = event.id
JOIN stores_store AS store ON store.id = event.store_id
ORDER BY CASE WHEN %(most)s < %(among)s THEN event.not_before END, event.lane, event.id
LIMIT %(most)s
"""


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a batch, ready to be posted."""

    id: int
    cut_off: datetime
    payload: bytes


class Claim(msgspec.Struct, kw_only=True):
    """A pixel's turn, and what is to be posted in it."""

    pixel: Pixel
    access_token: Secret | None  # None: no key of ours opens it
    lane: Lane
    groups: list[list[Owed]]  # what is still to be posted, the next one last
    others_wait: bool
    lease_token: uuid.UUID = msgspec.field(default_factory=uuid.uuid4)
    attempt: ledger.Attempt = ledger.NOT_BEGUN  # the one under way
    boot_time: float = 0.0  # when it began, on a clock that goes on while we are frozen

    def may_send(self, group: Sequence[Owed]) -> bool:
        """Whether lease and cut-offs leave time for one more post, by the database's clock."""
        passed = timedelta(seconds=_boot_time() - self.boot_time)
        done_by = passed + timedelta(seconds=DEADLINE_SECONDS)
        earliest = min(event.cut_off for event in group)
        return done_by < LEASE and self.attempt.begun_at + done_by < earliest


@transaction.atomic
def claim_turn(lane: Lane = Lane.LIVE) -> Claim | None:
    """Take the turn of a pixel, end what a dead worker left open, and write the attempt down."""
    if not (turns := rows(TURN, {"lane": lane.value, "lease": LEASE})):
        return None
    pixel_key, failures, most, is_left_open = turns[0]
    pixel = Pixel.objects.defer("access_token").get(pk=pixel_key)
    if is_left_open:
        ledger.doubt_unanswered(pixel, reason="worker_lost", pause=timedelta(0), sender_died=True)
        PixelQueue.objects.filter(pk=pixel.pk).update(lease_token=None)  # it may be only frozen
    if pixel.broken_reason or failures >= OPEN_AFTER:
        most = 1
    run(READ_IN_ORDER)
    values = {"pixel": pixel.pk, "lane": lane.value, "lease": LEASE}
    owed = rows(OWED, values | {"most": min(most, MAX_EVENTS), "among": MAX_EVENTS})
    claim = Claim(
        pixel=pixel,
        access_token=_token(pixel),
        lane=lane,
        groups=[],
        others_wait=len(turns) > 1,
    )
    if batch := _batch(owed, pixel):
        claim.groups.append(batch)
        begin(claim)
        failpoint("K10")
    return claim


@transaction.atomic
def put_behind(lane: Lane) -> None:
    """Let the others go first for a minute: the pixel whose turn cannot be taken would be the next one
    again."""
    if turns := rows(TURN, {"lane": lane.value, "lease": LEASE}):
        PixelQueue.objects.filter(pk=turns[0][0]).update(not_before=Now() + LEASE)


def _token(pixel: Pixel) -> Secret | None:
    """The pixel's token, read before the attempt is written down: what fails here has sent nothing."""
    try:
        return Secret(Pixel.objects.only("access_token").get(pk=pixel.pk).access_token)
    except CannotOpen:
        return None


def _batch(owed: Sequence[Any], pixel: Pixel) -> list[Owed]:
    """As many of the rows as one request may hold, unsealed; what no key opens waits for its key."""
    batch: list[Owed] = []
    lost: list[int] = []
    most = MAX_EVENTS
    for event_id, cut_off, crashes, store_id, order_id, sealed_key, body in owed:
        most = min(most, MOST_BESIDE_A_CRASH[min(crashes, len(MOST_BESIDE_A_CRASH) - 1)])
        if batch and len(batch) >= most:
            break
        purpose = payload_purpose(store_id=store_id, order_id=order_id, pixel_id=pixel.pk)
        try:
            payload = store_ring(bytes(sealed_key)).open(bytes(body or b""), purpose=purpose)
        except CannotOpen:
            lost.append(event_id)
        else:
            batch.append(Owed(id=event_id, cut_off=cut_off, payload=payload))
    if lost:
        log.error("payloads.cannot_be_decrypted", pixel=pixel.pixel_id, events=len(lost))
        ledger.put_off(lost, reason="cannot_be_decrypted", pause=PROBE_EVERY)
    return batch[: take_batch(len(event.payload) for event in batch)]


def begin(claim: Claim) -> None:
    """Write the next attempt down, and renew the lease for it."""
    claim.attempt = ledger.begin_attempt(
        pixel_id=claim.pixel.pk,
        event_ids=[event.id for event in claim.groups[-1]],
        lane=claim.lane,
        lease_token=claim.lease_token,
        lease=LEASE,
    )
    claim.boot_time = _boot_time()


def _boot_time() -> float:
    """Seconds on a clock that goes on while the machine or this process sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
