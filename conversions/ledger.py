"""The moves of the ledger: what an attempt and its answer make of the events that were in it.

Every move is one statement that names the states it may leave, so that a late or repeated answer
cannot take an event out of its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from django.db.models.functions import Now

from conversions.models import Lane, SendAttempt
from purchases.meta.response import Answer
from stores.models import Pixel
from stores.sql import rows, run, run_in_parts

# Meta discards a second arrival for 48 h; the hour is for clocks and queues.
MAY_RESEND_FOR = timedelta(hours=47)
MOST_CRASHES = 5  # senders that an event may take with it

# One statement, before the first byte leaves. A test code's traffic counts like any other, so the code
# ends by itself.
BEGIN = """
WITH attempt AS (
    INSERT INTO conversions_sendattempt (pixel_id, lease_token, event_count, test_event_code)
    SELECT id, %(lease_token)s, %(count)s,
           CASE WHEN test_event_code_until > now() THEN test_event_code ELSE '' END
    FROM stores_pixel WHERE id = %(pixel)s
    RETURNING id, test_event_code
), events AS (
    INSERT INTO conversions_attemptedevent (attempt_id, event_id)
    SELECT attempt.id, unnest(%(events)s::bigint[]) FROM attempt
), lease AS (
    UPDATE conversions_pixelqueue
    SET lease_token = %(lease_token)s, not_before = clock_timestamp() + %(lease)s,
        served_at = CASE WHEN %(lane)s = 0 THEN now() ELSE served_at END,
        backfill_served_at = CASE WHEN %(lane)s = 1 THEN now() ELSE backfill_served_at END
    WHERE pixel_id = %(pixel)s
)
SELECT id, test_event_code, clock_timestamp() FROM attempt
"""

FINISH = """
UPDATE conversions_sendattempt SET outcome = %(outcome)s, reason = %(reason)s,
    http_status = %(http_status)s, fbtrace_id = %(fbtrace_id)s, message = %(message)s,
    finished_at = clock_timestamp()
WHERE id = %(attempt)s
"""

# In the order in which the outbox writes: two that lock the same rows must not wait for each other.
LOCK = """
SELECT 1 FROM conversions_conversionevent WHERE id = ANY(%s)
ORDER BY store_id, order_id COLLATE "C", pixel_id, event_name COLLATE "C" FOR UPDATE
"""

UNANSWERED = """
SELECT attempted.event_id FROM conversions_attemptedevent AS attempted
JOIN conversions_sendattempt AS attempt ON attempt.id = attempted.attempt_id
WHERE attempt.pixel_id = %s AND attempt.finished_at IS NULL
"""

STILL_OWED = """
SELECT id FROM conversions_conversionevent
WHERE id = ANY(%s) AND state IN ('pending', 'in_doubt') AND NOT held
"""

# An attempt counts once, also where it was first unanswered and then answered late; and 62 days of one
# try a minute must not run over.
COUNTED = "LEAST(attempts + (last_attempt IS DISTINCT FROM %(attempt)s)::int, 32767)"

# Whatever the row says by now (a cancellation may have come): Meta has it.
ACCEPT = f"""
UPDATE conversions_conversionevent SET state = 'accepted',
    reason = CASE WHEN state = 'skipped' AND reason IN ('cancelled', 'refunded', 'voided', 'trashed')
             THEN reason || '_after_send' ELSE '' END,
    attempts = {COUNTED}, accepted_at = now(), held = FALSE,
    last_attempt = %(attempt)s, fbtrace_id = %(fbtrace_id)s
WHERE id = ANY(%(events)s) AND state <> 'accepted'
"""

REJECT = f"""
UPDATE conversions_conversionevent SET state = 'rejected', reason = %(reason)s,
    attempts = {COUNTED}, last_attempt = %(attempt)s, fbtrace_id = %(fbtrace_id)s
WHERE id = ANY(%(events)s) AND state IN ('pending', 'in_doubt')
"""

# `not_before` also says which has been tried last: who may try a few only takes another next time.
POSTPONE = f"""
UPDATE conversions_conversionevent SET reason = %(reason)s, not_before = now() + %(pause)s,
    attempts = {COUNTED}, last_attempt = %(attempt)s, fbtrace_id = %(fbtrace_id)s
WHERE id = ANY(%(events)s) AND state IN ('pending', 'in_doubt')
"""

PUT_OFF = """
UPDATE conversions_conversionevent SET reason = %s, not_before = now() + %s
WHERE id = ANY(%s) AND state IN ('pending', 'in_doubt')
"""

# What has ended meanwhile stays so. What was called off while it was on its way may be at Meta, and is
# not sent again; no more is what has killed its senders, nor anything of a pixel that wants a person to
# decide.
DOUBT = """
UPDATE conversions_conversionevent AS event
SET state = CASE WHEN event.state IN ('expired', 'rejected') THEN event.state ELSE 'in_doubt' END,
    attempts = LEAST(event.attempts + (event.last_attempt IS DISTINCT FROM attempt.id)::int, 32767),
    last_attempt = attempt.id,
    crashes = LEAST(event.crashes + %(crashes)s, %(most_crashes)s),
    held = event.state NOT IN ('expired', 'rejected')
           AND (event.state = 'skipped' OR pixel.ambiguous_sends = 'hold'
                OR event.crashes + %(crashes)s >= %(most_crashes)s),
    reason = CASE WHEN event.state IN ('expired', 'rejected') THEN event.reason
                  WHEN event.state = 'skipped' THEN 'called_off_while_sent'
                  WHEN event.crashes + %(crashes)s >= %(most_crashes)s THEN 'kills_its_sender'
                  ELSE %(reason)s END,
    first_unknown_at = COALESCE(event.first_unknown_at, attempt.started_at),
    cut_off = LEAST(event.cut_off,
                    COALESCE(event.first_unknown_at, attempt.started_at) + %(window)s),
    not_before = now() + CASE WHEN %(is_the_events_fault)s
        THEN LEAST(%(pause)s::interval * power(2, LEAST(event.attempts, 10)), interval '15 minutes')
        ELSE %(pause)s::interval END
FROM conversions_attemptedevent AS attempted
JOIN conversions_sendattempt AS attempt ON attempt.id = attempted.attempt_id
JOIN stores_pixel AS pixel ON pixel.id = attempt.pixel_id
WHERE event.id = attempted.event_id AND attempt.pixel_id = %(pixel)s
  AND attempt.finished_at IS NULL AND event.state <> 'accepted'
"""

# A row that somebody has locked is on its way elsewhere, or is met at the next sweep.
EXPIRE = """
UPDATE conversions_conversionevent SET state = 'expired', reason = 'too_old', held = FALSE
WHERE id IN (SELECT id FROM conversions_conversionevent
             WHERE state IN ('waiting', 'pending', 'in_doubt') AND cut_off <= now()
             ORDER BY cut_off LIMIT %s FOR UPDATE SKIP LOCKED)
"""
EXPIRED_AT_ONCE = 5_000


# What was held back in case it is called off, and was not. Its payload and its pixel's turn are there.
LET_GO = """
UPDATE conversions_conversionevent SET state = 'pending', reason = ''
WHERE id IN (SELECT id FROM conversions_conversionevent
             WHERE state = 'waiting' AND reason = 'hold' AND not_before <= now() AND cut_off > now()
             ORDER BY not_before LIMIT %s FOR UPDATE SKIP LOCKED)
"""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that is written down and not yet answered."""

    id: int
    test_event_code: str
    begun_at: datetime  # by the database's clock


NOT_BEGUN = Attempt(id=0, test_event_code="", begun_at=datetime.min.replace(tzinfo=UTC))


def begin_attempt(
    *, pixel_id: int, event_ids: Sequence[int], lane: Lane, lease_token: UUID, lease: timedelta
) -> Attempt:
    """Write an attempt down and take (or renew) the pixel's lease for it."""
    values = {"lease_token": lease_token, "count": len(event_ids), "pixel": pixel_id}
    values |= {"events": list(event_ids), "lane": lane.value, "lease": lease}
    ((key, code, now),) = rows(BEGIN, values)
    return Attempt(id=key, test_event_code=code, begun_at=now)


def finish_attempt(attempt: Attempt, *, outcome: str, reason: str, answer: Answer) -> None:
    """Write down what came of the attempt."""
    values = {"attempt": attempt.id, "outcome": outcome, "reason": reason[:64]}
    kept = {"http_status": answer.http_status, "message": answer.message[:500]}
    run(FINISH, values | kept | {"fbtrace_id": answer.fbtrace_id[:64]})


def lock(event_ids: Sequence[int]) -> None:
    """Nobody else changes the events until the transaction ends."""
    rows(LOCK, [list(event_ids)])


def still_owed(event_ids: Sequence[int]) -> set[int]:
    """Those of the events that may go: a person, or news of the order, may have ended the others."""
    return {event_id for (event_id,) in rows(STILL_OWED, [list(event_ids)])}


def accept(event_ids: Sequence[int], *, attempt: Attempt, fbtrace_id: str) -> None:
    """Meta has them."""
    run(ACCEPT, _by(attempt, event_ids, fbtrace_id=fbtrace_id))


def reject(event_ids: Sequence[int], *, attempt: Attempt, reason: str, fbtrace_id: str) -> None:
    """Meta refuses them for good."""
    run(REJECT, _by(attempt, event_ids, fbtrace_id=fbtrace_id, reason=reason))


def postpone(
    event_ids: Sequence[int],
    *,
    attempt: Attempt,
    reason: str,
    fbtrace_id: str,
    pause: timedelta = timedelta(0),
) -> None:
    """Meta has taken none of them: they stay owed, and may go again after `pause`."""
    values = _by(attempt, event_ids, fbtrace_id=fbtrace_id, reason=reason)
    run(POSTPONE, values | {"pause": pause})


def put_off(event_ids: Sequence[int], *, reason: str, pause: timedelta) -> None:
    """They could not be made ready: they stay owed until their cut-off, and are tried again."""
    run(PUT_OFF, [reason, pause, list(event_ids)])


def doubt_unanswered(
    pixel: Pixel,
    *,
    reason: str,
    pause: timedelta,
    sender_died: bool = False,
    is_the_events_fault: bool = False,
) -> None:
    """Put the events of the pixel's unanswered attempts in doubt, and close these attempts.

    They may go again after `pause`, or after one that doubles each time where it is their own fault.
    """
    lock([event_id for (event_id,) in rows(UNANSWERED, [pixel.pk])])
    values = {"pixel": pixel.pk, "reason": reason, "pause": pause, "window": MAY_RESEND_FOR}
    values |= {"crashes": int(sender_died), "most_crashes": MOST_CRASHES}
    run(DOUBT, values | {"is_the_events_fault": is_the_events_fault})
    SendAttempt.objects.filter(pixel=pixel, finished_at=None).update(
        finished_at=Now(), reason=reason
    )


def let_go() -> int:
    """Let events go whose time of being held back is over; returns how many."""
    return run_in_parts(LET_GO, [], most=EXPIRED_AT_ONCE)


def expire() -> int:
    """Give up what may no longer be sent; returns how many events."""
    return run_in_parts(EXPIRE, [], most=EXPIRED_AT_ONCE)


def _by(
    attempt: Attempt, event_ids: Sequence[int], *, fbtrace_id: str, reason: str = ""
) -> dict[str, object]:
    values = {"attempt": attempt.id, "fbtrace_id": fbtrace_id[:64], "reason": reason[:64]}
    return values | {"events": list(event_ids)}
