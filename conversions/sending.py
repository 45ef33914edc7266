"""Claim → post → settle: the only shape in which Meta is called.

Claim (claiming.py): a short transaction takes a pixel's turn and writes the attempt down. Post: nothing
is open. Settle: a short transaction writes the answer down, if the lease is still ours, and, where a
batch was refused, the next attempt with a part of it. So every byte that may have left stands in the
ledger first, and an attempt without an answer is known to be in doubt.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import assert_never

import structlog
from django.db import OperationalError, connection, transaction

from conversions import ledger
from conversions.claiming import Claim, Owed, begin, claim_turn, put_behind
from conversions.graph import GraphClient
from conversions.models import Lane, PixelQueue, SendAttempt
from conversions.pausing import PROBE_EVERY, pause, resume
from purchases.meta.payload import MAX_EVENTS, request_body
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
from stores.sql import run

log = structlog.get_logger(__name__)

# So many batches refused and none accepted: it is not the events' fault.
MOST_REFUSALS = 12
SETTLES_AGAIN_AFTER = 5.0  # seconds: a database that was killed is back by then
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=2)
# A batch shrinks to this part where it went unanswered, and doubles when one is accepted: an event that
# Meta cannot digest is alone before long, and the others go on.
SHRINKS_TO = 0.25

RELEASE = """
UPDATE conversions_pixelqueue
SET lease_token = NULL, not_before = now() + %s, failures = %s, refusals = %s, batch_limit = %s
WHERE pixel_id = %s
"""


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
        claim = claim_turn(lane)
    except Exception:
        # A door: what is wrong with one pixel must not stop the turns of all others.
        put_behind(lane)
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
        begin(claim)
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
            resume(claim.pixel)
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
    claim.groups.clear()
    pause(claim.pixel, reason=reason)


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


OUTCOMES = {
    Accepted: SendAttempt.Outcome.ACCEPTED,
    TryLater: SendAttempt.Outcome.TRY_LATER,
    PixelBroken: SendAttempt.Outcome.PIXEL_BROKEN,
    Rejected: SendAttempt.Outcome.REJECTED,
    TooMuch: SendAttempt.Outcome.REJECTED,
    Unknown: SendAttempt.Outcome.UNKNOWN,
}
