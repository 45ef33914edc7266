"""`ledger_imbalance`: what must never be, counted. Each check is one statement that finds violations.

Zero says that the books add up: every order has its row, every row its trail, every yes its request.
Looked for among the events that were first received within a span of time, for the ledger is long.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct

from conversions.ledger import MAY_RESEND_FOR
from stores.sql import rows

# The first violating ids are shown; the rest is counted.
MOST_SHOWN = 5

EVENTS = """
FROM conversions_conversionevent AS event WHERE event.received_at >= now() - %(span)s
"""

CHECKS: Mapping[str, str] = {
    "a delivery whose order has no row": """
SELECT delivery.id FROM shop_webhooks_webhookdelivery AS delivery
WHERE delivery.state = 'recorded' AND delivery.received_at >= now() - %(span)s
  AND NOT EXISTS (SELECT 1 FROM conversions_conversionevent AS event
                  WHERE (event.store_id, event.order_id) = (delivery.store_id, delivery.order_id))
""",
    "an event in a state that has no name": f"""
SELECT event.id {EVENTS} AND event.state NOT IN
    ('waiting', 'pending', 'in_doubt', 'accepted', 'skipped', 'rejected', 'expired')
""",
    "an event without a reason where one is due": f"""
SELECT event.id {EVENTS} AND event.state <> 'pending' AND event.state <> 'accepted'
  AND event.reason = ''
""",
    "an event whose trail ends elsewhere": f"""
SELECT id FROM (
    SELECT event.id, event.state, event.reason,
           -- + 0, or PostgreSQL may look for the highest id from the end of the whole trail, for each.
           (SELECT max(id + 0) FROM conversions_eventtransition WHERE event_id = event.id) AS last
    {EVENTS}
) AS event
WHERE NOT EXISTS (SELECT 1 FROM conversions_eventtransition AS step
                  WHERE step.id = event.last
                    AND (step.state, step.reason) = (event.state, event.reason))
""",
    "an owed event without its payload": f"""
SELECT event.id {EVENTS} AND event.state IN ('pending', 'in_doubt')
  AND NOT EXISTS (SELECT 1 FROM conversions_eventpayload WHERE event_id = event.id)
""",
    "an accepted event without Meta's yes": f"""
SELECT event.id {EVENTS} AND event.state = 'accepted' AND event.reason <> 'seen_by_a_person'
  AND NOT EXISTS (SELECT 1 FROM conversions_attemptedevent AS attempted
                  JOIN conversions_sendattempt AS attempt ON attempt.id = attempted.attempt_id
                  WHERE attempted.event_id = event.id AND attempt.outcome = 'accepted')
""",
    "Meta's yes to an event that is not accepted": f"""
SELECT event.id {EVENTS} AND event.state <> 'accepted'
  AND EXISTS (SELECT 1 FROM conversions_attemptedevent AS attempted
              JOIN conversions_sendattempt AS attempt ON attempt.id = attempted.attempt_id
              WHERE attempted.event_id = event.id AND attempt.outcome = 'accepted')
""",
    "an event sent again after Meta's yes": f"""
SELECT event.id {EVENTS} AND event.accepted_at IS NOT NULL
  AND EXISTS (SELECT 1 FROM conversions_attemptedevent AS attempted
              JOIN conversions_sendattempt AS attempt ON attempt.id = attempted.attempt_id
              WHERE attempted.event_id = event.id AND attempt.started_at > event.accepted_at
                -- What came before the yes may look later, where the clock was set back.
                AND attempt.id > (SELECT COALESCE(min(yes.attempt_id), 0)
                                  FROM conversions_attemptedevent AS yes
                                  JOIN conversions_sendattempt AS taken ON taken.id = yes.attempt_id
                                  WHERE yes.event_id = event.id AND taken.outcome = 'accepted'))
""",
    "an event sent after its cut-off": f"""
SELECT event.id {EVENTS}
  AND EXISTS (SELECT 1 FROM conversions_attemptedevent AS attempted
              JOIN conversions_sendattempt AS attempt ON attempt.id = attempted.attempt_id
              WHERE attempted.event_id = event.id AND attempt.started_at > event.cut_off)
""",
    "an event in doubt for longer than Meta matches it": f"""
SELECT event.id {EVENTS} AND event.first_unknown_at IS NOT NULL
  AND event.cut_off > event.first_unknown_at + %(window)s
""",
    "an event in doubt without the moment it began": f"""
SELECT event.id {EVENTS} AND event.state = 'in_doubt' AND event.first_unknown_at IS NULL
""",
    "an attempt that counts other events than it carried": """
SELECT attempt.id FROM conversions_sendattempt AS attempt
WHERE attempt.started_at >= now() - %(span)s AND attempt.event_count <>
    (SELECT count(*) FROM conversions_attemptedevent WHERE attempt_id = attempt.id)
""",
}


class Finding(Struct, frozen=True, kw_only=True):
    """One check: how many rows violate it, and the first of their ids."""

    what: str
    count: int
    ids: tuple[int, ...]


def find_imbalance(*, span: timedelta) -> tuple[Finding, ...]:
    """Every check over what was received in the last `span`, those that hold among them."""
    return tuple(_find(what, statement, span) for what, statement in CHECKS.items())


def imbalance(findings: tuple[Finding, ...]) -> int:
    """How many violations there are in all: 0 where the books add up."""
    return sum(finding.count for finding in findings)


def _find(what: str, statement: str, span: timedelta) -> Finding:
    found = rows(
        f"SELECT id, count(*) OVER () FROM ({statement}) AS violation ORDER BY id LIMIT {MOST_SHOWN}",
        {"span": span, "window": MAY_RESEND_FOR},
    )
    return Finding(
        what=what,
        count=int(found[0][1]) if found else 0,
        ids=tuple(int(key) for key, _count in found),
    )
