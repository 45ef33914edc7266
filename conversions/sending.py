"""Claim → post → settle: the only shape in which Meta is called.

Claim: a short transaction takes a pixel's turn (a lease that ends by itself) and writes the attempt
down. Post: nothing is open. Settle: a short transaction writes the answer down, if the lease is still
ours, and, where a batch was refused, the next attempt with a part of it. So every byte that may have
left stands in the ledger first, and an attempt without an answer is known to be in doubt.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, assert_never

import msgspec
import structlog
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now

from conversions import ledger
from conversions.graph import DEADLINE_SECONDS, GraphClient
from conversions.models import Lane, PixelQueue, SendAttempt
from conversions.outbox import payload_purpose
from purchases.meta.payload import MAX_EVENTS, request_body, take_batch
from purchases.meta.response import (
    Accepted,
    Answer,
    Outcome,
    PixelBroken,
    Rejected,
    TooMuch,
    TryLater,
    Unknown,
)
from stores.failpoints import failpoint
from stores.models import Pixel
from stores.secrets import CannotOpen, Secret, store_ring
from stores.sql import rows, run

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)  # longer than a post and its settling may take
# So many batches refused and none accepted: it is not the events' fault.
MOST_REFUSALS = 12
PROBE_EVERY = timedelta(minutes=15)  # a broken pixel is tried with one event
SETTLES_AGAIN_AFTER = 5.0  # seconds: a database that was killed is back by then
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=2)
# After so many failures in a row the breaker is open: one event asks whether Meta is well again.
OPEN_AFTER = 5
# A batch shrinks to this part where it went unanswered, and doubles when one is accepted: an event that
# Meta cannot digest is alone before long, and the others go on.
SHRINKS_TO = 0.25
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

RELEASE = """
UPDATE conversions_pixelqueue
SET lease_token = NULL, not_before = now() + %s, failures = %s, refusals = %s, batch_limit = %s
WHERE pixel_id = %s
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


def send_next(
    *,
    graph: GraphClient,
    call_colleague: Callable[[], None],
    lane: Lane = Lane.LIVE,
    may_go_on: Callable[[], bool] = lambda: True,
) -> bool:
    """Serve the pixel that has waited longest in `lane`; False if none is owed anything there now.

    `call_colleague` is called if another pixel waits too, so that it need not wait for Meta. When
    `may_go_on` says no, the request under way is the last one, and the turn is given up.
    """
    try:
        claim = _claim(lane)
    except Exception:
        # A door: what is wrong with one pixel must not stop the turns of all others.
        _put_behind(lane)
        raise
    if claim is None:
        return False
    if claim.others_wait:
        call_colleague()
    while claim.groups:
        group = claim.groups.pop()
        failpoint("K11")
        outcome, answer = _post(claim, group, graph)
        failpoint("K14")
        if not _settle_surely(claim, group, outcome, answer, may_go_on=may_go_on()):
            break  # another worker holds the turn now; what we know is in its books
        failpoint("K16" if claim.groups else "K15")
    return True


@transaction.atomic
def _claim(lane: Lane = Lane.LIVE) -> Claim | None:
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
        _begin(claim)
        failpoint("K10")
    return claim


@transaction.atomic
def _put_behind(lane: Lane) -> None:
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


def _begin(claim: Claim) -> None:
    """Write the next attempt down, and renew the lease for it."""
    claim.attempt = ledger.begin_attempt(
        pixel_id=claim.pixel.pk,
        event_ids=[event.id for event in claim.groups[-1]],
        lane=claim.lane,
        lease_token=claim.lease_token,
        lease=LEASE,
    )
    claim.boot_time = _boot_time()


def _post(claim: Claim, group: list[Owed], graph: GraphClient) -> tuple[Outcome, Answer]:
    if claim.access_token is None:  # this pixel waits for its key; the others go on
        return PixelBroken(reason="token_cannot_be_decrypted"), Answer()
    return graph.post_events(
        pixel_id=claim.pixel.pixel_id,
        access_token=claim.access_token,
        body=request_body(
            [event.payload for event in group],
            test_event_code=claim.attempt.test_event_code,
        ),
        sent=len(group),
        may_send=partial(claim.may_send, group),
    )


def _settle_surely(
    claim: Claim, group: list[Owed], outcome: Outcome, answer: Answer, *, may_go_on: bool
) -> bool:
    """Settle, and once more if the database was away for a moment: an answer that is not written down
    is a doubt for two days."""
    attempt, groups = claim.attempt, list(claim.groups)
    try:
        return _settle(claim, group, outcome, answer, may_go_on=may_go_on)
    except OperationalError as error:
        claim.attempt, claim.groups = attempt, groups  # as they were: nothing of it is written
        log.warning("attempt.settled_again", error=type(error).__name__)
        connection.close()
        time.sleep(SETTLES_AGAIN_AFTER)
        return _settle(claim, group, outcome, answer, may_go_on=may_go_on)


@transaction.atomic
def _settle(
    claim: Claim, group: list[Owed], outcome: Outcome, answer: Answer, *, may_go_on: bool = True
) -> bool:
    """Write down what became of the group; False if the lease is no longer ours."""
    queue = PixelQueue.objects.select_for_update().get(pk=claim.pixel.pk)
    if queue.lease_token != claim.lease_token:
        log.warning("attempt.superseded", pixel=claim.pixel.pixel_id, events=len(group))
        if isinstance(outcome, Accepted):  # a yes is a yes, however late: it ends the resending
            ledger.lock([event.id for event in group])
            ledger.accept(
                [event.id for event in group], attempt=claim.attempt, fbtrace_id=answer.fbtrace_id
            )
            _finish(claim, outcome, answer)
        return False
    ledger.lock([event.id for event in group])
    pause = _apply(claim, queue, group, outcome, answer)
    if queue.refusals >= MOST_REFUSALS:
        queue.refusals = 0
        _break(claim, "everything_refused")
    _finish(claim, outcome, answer)
    if not may_go_on:
        claim.groups.clear()  # what is left stays owed
    if _next_group(claim):
        _begin(claim)
        queue.save(update_fields=["failures", "refusals", "batch_limit"])
    else:
        run(RELEASE, [pause, queue.failures, queue.refusals, queue.batch_limit, queue.pk])
    return True


def _next_group(claim: Claim) -> bool:
    """Whether a part of the batch is left to post, of what is still owed by now."""
    if not claim.groups:
        return False
    left = ledger.still_owed([event.id for group in claim.groups for event in group])
    groups = [[event for event in group if event.id in left] for group in claim.groups]
    claim.groups = [group for group in groups if group]
    return bool(claim.groups)


def _apply(
    claim: Claim, queue: PixelQueue, group: list[Owed], outcome: Outcome, answer: Answer
) -> timedelta:
    """Move the group's rows; returns how long the pixel is to be left alone."""
    ids = [event.id for event in group]
    match outcome:
        case Accepted():
            ledger.accept(ids, attempt=claim.attempt, fbtrace_id=answer.fbtrace_id)
            _mend(claim.pixel)
            queue.refusals = queue.failures = 0
            queue.batch_limit = min(queue.batch_limit * 2, MAX_EVENTS)
        case TryLater(reason=reason, retry_after=retry_after):
            _postpone(claim, ids, reason, answer)
            return _fail(claim, queue, retry_after)
        case Unknown(reason=reason, retry_after=retry_after):
            # Alone, and others were accepted just before: it is likely to be the event.
            is_the_events_fault = len(group) == 1 and queue.failures == 0
            queue.batch_limit = max(1, int(len(group) * SHRINKS_TO))
            pause = _fail(claim, queue, retry_after)
            ledger.doubt_unanswered(
                claim.pixel, reason=reason, pause=pause, is_the_events_fault=is_the_events_fault
            )
            return pause
        case PixelBroken(reason=reason):
            _postpone(claim, ids, reason, answer)
            _break(claim, reason)
        case Rejected(reason=reason) if claim.pixel.broken_reason:
            # A probe says nothing of its event while all are refused; the next one is another's.
            _postpone(claim, ids, reason, answer, pause=2 * PROBE_EVERY)
            _break(claim, reason)
        case Rejected(reason=reason, index=index):
            queue.refusals = min(queue.refusals + 1, MOST_REFUSALS)
            _isolate(claim, group, reason, index, answer)
        case TooMuch(reason=reason):
            _isolate(claim, group, reason, None, answer)
        case _:
            assert_never(outcome)
    return timedelta(0)


def _postpone(
    claim: Claim, ids: list[int], reason: str, answer: Answer, *, pause: timedelta = timedelta(0)
) -> None:
    ledger.postpone(
        ids, attempt=claim.attempt, reason=reason, fbtrace_id=answer.fbtrace_id, pause=pause
    )


def _isolate(
    claim: Claim, group: list[Owed], reason: str, index: int | None, answer: Answer
) -> None:
    """One bad event makes Meta refuse all: set it aside if it is known, else look for it by halves.

    The largest group goes first, so that the good ones are soon through, and a batch of bad ones only
    is known as such before the first of them is set aside.
    """
    if len(group) == 1:
        index = 0
    if index is None:
        half = len(group) // 2
        claim.groups += [group[half:], group[:half]]
    else:
        ledger.reject(
            [group[index].id],
            attempt=claim.attempt,
            reason=reason,
            fbtrace_id=answer.fbtrace_id,
        )
        claim.groups += [rest for rest in [group[:index] + group[index + 1 :]] if rest]
    claim.groups.sort(key=len)


def _fail(claim: Claim, queue: PixelQueue, retry_after: timedelta | None) -> timedelta:
    """Give the turn up; the pause is what Meta asks for, else anything up to a doubling limit."""
    claim.groups.clear()
    queue.failures = min(queue.failures + 1, 12)
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2**queue.failures)
    return retry_after or timedelta(seconds=random.uniform(1.0, longest.total_seconds()))


def _break(claim: Claim, reason: str) -> None:
    """Pause the pixel: its events wait, and one of them is tried now and then."""
    claim.groups.clear()
    PixelQueue.objects.filter(pk=claim.pixel.pk).update(probe_at=Now() + PROBE_EVERY)
    if not claim.pixel.broken_reason:
        Pixel.objects.filter(pk=claim.pixel.pk).update(broken_reason=reason, broken_at=Now())
        log.error("pixel.broken", pixel=claim.pixel.pixel_id, reason=reason)


def _mend(pixel: Pixel) -> None:
    if pixel.broken_reason:
        Pixel.objects.filter(pk=pixel.pk).update(broken_reason="", broken_at=None)
        log.info("pixel.mended", pixel=pixel.pixel_id)


def _finish(claim: Claim, outcome: Outcome, answer: Answer) -> None:
    word, reason = OUTCOMES[type(outcome)].value, getattr(outcome, "reason", "")
    ledger.finish_attempt(claim.attempt, outcome=word, reason=reason, answer=answer)
    log.info(
        "events.sent",
        pixel=claim.pixel.pixel_id,
        attempt=claim.attempt.id,
        outcome=word,
        reason=reason,
        fbtrace_id=answer.fbtrace_id,
    )


def _boot_time() -> float:
    """Seconds on a clock that goes on while the machine or this process sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


OUTCOMES = {
    Accepted: SendAttempt.Outcome.ACCEPTED,
    TryLater: SendAttempt.Outcome.TRY_LATER,
    PixelBroken: SendAttempt.Outcome.PIXEL_BROKEN,
    Rejected: SendAttempt.Outcome.REJECTED,
    TooMuch: SendAttempt.Outcome.REJECTED,
    Unknown: SendAttempt.Outcome.UNKNOWN,
}
