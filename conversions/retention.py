"""The end of the ledger: a row that has ended, and that nobody can ask about any more, is deleted."""

from __future__ import annotations

from datetime import timedelta

from stores.sql import run, run_in_parts

AT_ONCE = 2_000

# By when it came: a BRIN index finds it. Whoever has a row locked keeps it until the next time.
OLD_EVENTS = """
WITH old AS (
    SELECT id FROM conversions_conversionevent
    WHERE received_at < now() - %s AND state IN ('accepted', 'skipped', 'rejected', 'expired')
    LIMIT %s FOR UPDATE SKIP LOCKED
), payloads AS (
    DELETE FROM conversions_eventpayload WHERE event_id IN (SELECT id FROM old)
), attempted AS (
    DELETE FROM conversions_attemptedevent WHERE event_id IN (SELECT id FROM old)
), steps AS (
    DELETE FROM conversions_eventtransition WHERE event_id IN (SELECT id FROM old)
)
DELETE FROM conversions_conversionevent WHERE id IN (SELECT id FROM old)
"""
# Attempts none of whose events is left.
OLD_ATTEMPTS = """
DELETE FROM conversions_sendattempt WHERE id IN (
    SELECT id FROM conversions_sendattempt AS attempt
    WHERE started_at < now() - %s AND finished_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM conversions_attemptedevent WHERE attempt_id = attempt.id)
    LIMIT %s)
"""
# A day more, for the zones of the stores: a total is never of less than the rows behind it.
OLD_TOTALS = (
    "DELETE FROM conversions_ledgertotal WHERE day < (now() - %s - interval '2 days')::date"
)


def forget_ledger(kept_for: timedelta) -> int:
    """Delete what came longer ago than that; returns how many events."""
    deleted = run_in_parts(OLD_EVENTS, [kept_for], most=AT_ONCE)
    run_in_parts(OLD_ATTEMPTS, [kept_for], most=AT_ONCE)
    run(OLD_TOTALS, [kept_for])
    return deleted
