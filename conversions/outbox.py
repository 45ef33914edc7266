"""The outbox: what entries say is written down, where the ledger is open to it.

Called inside the transaction that closes the delivery. A row is open to news of its order (a later
version, by the shop's own clock) until Meta may have it; then only Meta's answer moves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from django.db.models import QuerySet

from conversions import visits
from conversions.entries import Entry, Key, entries_of, mappings_in_force
from conversions.evidence import keep_evidence
from conversions.models import ConversionEvent, State
from conversions.renumbering import step_aside
from conversions.sightings import Sighting
from purchases.decision import cut_off, happened_at
from stores.secrets import store_ring
from stores.sql import rows, run, run_in_parts

KEPT_FOR = timedelta(hours=48)  # docs/privacy.md
CALLED_OFF = ("cancelled", "refunded", "voided", "trashed")
REFUNDED_IN_PART = "refunded_in_part_after_send"

RECORD = """
INSERT INTO conversions_conversionevent AS event
    (store_id, pixel_id, mapping_id, order_id, order_name, event_name, event_id, state, reason,
     value, currency, event_time, order_updated_at, received_at, cut_off, lane, config_version,
     not_before, identifiers, order_mark)
SELECT * FROM unnest(
    %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::numeric[], %s::text[], %s::timestamptz[], %s::timestamptz[],
    %s::timestamptz[], %s::timestamptz[], %s::smallint[], %s::text[], %s::timestamptz[], %s::int[],
    %s::int[])
ON CONFLICT (store_id, order_id, pixel_id, event_name) DO UPDATE
SET mapping_id = EXCLUDED.mapping_id, state = EXCLUDED.state, reason = EXCLUDED.reason,
    -- It may be on its way at this moment, and Meta has the last word: then this is what Meta took.
    event_id = CASE WHEN event.event_id = '' OR EXCLUDED.event_id <> ''
                    THEN EXCLUDED.event_id ELSE event.event_id END,
    value = CASE WHEN event.event_id = '' OR EXCLUDED.event_id <> ''
                 THEN EXCLUDED.value ELSE event.value END,
    identifiers = COALESCE(EXCLUDED.identifiers, event.identifiers),
    currency = EXCLUDED.currency, event_time = EXCLUDED.event_time,
    order_updated_at = EXCLUDED.order_updated_at, cut_off = EXCLUDED.cut_off,
    not_before = EXCLUDED.not_before, lane = EXCLUDED.lane, config_version = EXCLUDED.config_version
WHERE event.order_updated_at <= EXCLUDED.order_updated_at
  AND (event.state IN ('waiting', 'skipped')
       OR event.state = 'pending' AND EXCLUDED.state = 'skipped'
          AND EXCLUDED.reason IN ('cancelled', 'refunded', 'voided', 'trashed', 'consent_refused'))
RETURNING id, store_id, order_id, pixel_id, event_name
"""

# Meta has it, and cannot give it back: the row says what the shop did afterwards.
MARK_SENT = """
UPDATE conversions_conversionevent AS event SET reason = news.reason
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::numeric[],
            %s::timestamptz[])
    AS news (store_id, order_id, pixel_id, event_name, reason, value, updated_at)
WHERE (event.store_id, event.order_id, event.pixel_id, event.event_name)
      = (news.store_id, news.order_id, news.pixel_id, news.event_name)
  AND event.state = 'accepted' AND event.reason IN ('', %s)
  AND event.order_updated_at <= news.updated_at
  AND (news.value IS NULL OR news.value < event.value)
"""

# It may be at Meta, which cannot give it back; it is never sent again.
HOLD_REFUSED = """
UPDATE conversions_conversionevent AS event SET held = TRUE, reason = 'consent_refused'
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::timestamptz[])
    AS refused (store_id, order_id, pixel_id, event_name, updated_at)
WHERE (event.store_id, event.order_id, event.pixel_id, event.event_name)
      = (refused.store_id, refused.order_id, refused.pixel_id, refused.event_name)
  AND event.state = 'in_doubt' AND event.order_updated_at <= refused.updated_at
RETURNING event.id
"""

KEEP_PAYLOADS = """
INSERT INTO conversions_eventpayload (event_id, body)
SELECT * FROM unnest(%s::bigint[], %s::bytea[])
ON CONFLICT (event_id) DO UPDATE SET body = EXCLUDED.body, written_at = now()
"""

ERASE_PAYLOADS = "DELETE FROM conversions_eventpayload WHERE event_id = ANY(%s)"

KEEP_RULES = """
INSERT INTO conversions_configversion (version, rules) SELECT * FROM unnest(%s::text[], %s::jsonb[])
ON CONFLICT DO NOTHING
"""

QUEUE_PIXELS = """
INSERT INTO conversions_pixelqueue (pixel_id) SELECT unnest(%s::bigint[]) ON CONFLICT DO NOTHING
"""

FORGET = """
DELETE FROM conversions_eventpayload WHERE event_id IN (
    SELECT payload.event_id FROM conversions_eventpayload AS payload
    JOIN conversions_conversionevent AS event ON event.id = payload.event_id
    WHERE payload.written_at < now() - %s
      AND event.state IN ('accepted', 'skipped', 'rejected', 'expired')
    ORDER BY payload.event_id LIMIT %s
    FOR UPDATE OF payload SKIP LOCKED)  -- news may be writing another payload at this moment
"""
FORGOTTEN_AT_ONCE = 5_000


def record_purchases(sightings: Sequence[Sighting]) -> set[int]:
    """Record what each sighting owes to each pixel of its store.

    Returns the ids of the stores that have no mapping in force, whose orders nobody asked for.
    Must run inside a transaction. Raises IntegrityError if another one records the same event id.
    """
    visits.meet(sightings)
    step_aside(sightings)
    mappings = mappings_in_force({sighting.store.pk for sighting in sightings})
    record(entries_of(sightings, mappings=mappings, now=database_now()))
    return {sighting.store.pk for sighting in sightings} - mappings.keys()


def record(entries: Sequence[Entry]) -> None:
    """Write what the entries say, in their order, where the ledger is open to it.

    Must run inside a transaction.
    """
    if not entries:
        return
    rules = {entry.rules.version: msgspec.json.encode(entry.rules).decode() for entry in entries}
    # Sorted, as all that two workers may write at once.
    run(KEEP_RULES, [sorted(rules), [rules[version] for version in sorted(rules)]])
    columns = [list(column) for column in zip(*map(_columns, entries), strict=True)]
    written = {
        (store_id, order_id, pixel_id, name): event_id
        for event_id, store_id, order_id, pixel_id, name in rows(RECORD, columns)
    }
    _mark_sent(entries)
    keep_evidence(entries)
    if owed := [entry for entry in entries if entry.event_id and entry.key in written]:
        events = [written[entry.key] for entry in owed]
        run(KEEP_PAYLOADS, [events, [_sealed(entry) for entry in owed]])
        run(QUEUE_PIXELS, [sorted({entry.mapping.pixel_id for entry in owed})])
    if refused := [entry for entry in entries if entry.reason == "consent_refused"]:
        _scrub(refused, written)


def _scrub(refused: Sequence[Entry], written: Mapping[Key, int]) -> None:
    """Nothing that tells of a buyer who has said no stays to be sent."""
    columns = zip(
        *[(*entry.key, entry.sighting.order.updated_at) for entry in refused], strict=True
    )
    in_doubt = rows(HOLD_REFUSED, [list(column) for column in columns])
    skipped = [written[entry.key] for entry in refused if entry.key in written]
    run(ERASE_PAYLOADS, [sorted({*skipped, *(event_id for (event_id,) in in_doubt)})])


def _mark_sent(entries: Sequence[Entry]) -> None:
    """Mark events that Meta has and whose orders were called off, or refunded in part, afterwards."""
    news = [(entry, reason) for entry in entries if (reason := _after_send(entry))]
    if news:
        columns = [
            (*entry.key, reason, value, entry.sighting.order.updated_at)
            for entry, reason in news
            for value in [entry.value if reason == REFUNDED_IN_PART else None]
        ]
        arrays = [list(column) for column in zip(*columns, strict=True)]
        run(MARK_SENT, [*arrays, REFUNDED_IN_PART])


def _after_send(entry: Entry) -> str:
    """What the order's news means for an event that Meta has: a reason, or "" for nothing."""
    if entry.reason in CALLED_OFF:
        return f"{entry.reason}_after_send"
    return REFUNDED_IN_PART if entry.sighting.order.refunded and entry.event_id else ""


def _columns(entry: Entry) -> tuple[object, ...]:
    order = entry.sighting.order
    store_id, order_id, pixel_id, event_name = entry.key
    return (
        store_id,
        pixel_id,
        entry.mapping.pk,
        order_id,
        order.name[:100],
        event_name,
        entry.event_id,
        entry.state.value,
        entry.reason,
        entry.value,
        entry.currency,
        happened_at(order, rules=entry.rules),
        order.updated_at,
        entry.sighting.received_at,
        cut_off(order, rules=entry.rules),
        entry.lane.value,
        entry.rules.version,
        entry.not_before,
        entry.identifiers,
        order.mark,
    )


def _sealed(entry: Entry) -> bytes:
    store_id, order_id, pixel_id, _event_name = entry.key
    purpose = payload_purpose(store_id=store_id, order_id=order_id, pixel_id=pixel_id)
    return store_ring(bytes(entry.sighting.store.sealed_key)).seal(entry.payload, purpose=purpose)


def forget_payloads() -> int:
    """Erase payloads that no resend and no question to Meta can need; returns how many."""
    return run_in_parts(FORGET, [KEPT_FOR], most=FORGOTTEN_AT_ONCE)


def call_off(events: QuerySet[ConversionEvent]) -> int:
    """What is owed or waits will not be sent: its buyer is to be forgotten. Returns how many.

    What is on its way ends as its answer says; what may be at Meta already is not sent again.
    """
    events.filter(state=State.IN_DOUBT).update(held=True, reason="redacted")
    owed = events.filter(state__in=(State.PENDING, State.WAITING))
    return owed.update(state=State.SKIPPED, reason="redacted", held=False)


def database_now() -> datetime:
    """The database's clock: the only one that decides about age, lease and window."""
    ((now,),) = rows("SELECT clock_timestamp()")
    return now  # type: ignore[no-any-return]  # a row holds anything


def payload_purpose(*, store_id: int, order_id: str, pixel_id: int) -> str:
    """What a payload is sealed for: also of an order that has stepped aside (renumbering.py)."""
    return f"payload.{store_id}.{pixel_id}.{order_id.partition('-')[0]}"
