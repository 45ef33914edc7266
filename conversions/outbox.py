"""The outbox: for an order that was seen, one row per pixel says what is owed and why not.

Called inside the transaction that closes the delivery. A row is open to news of its order (a later
version, by the shop's own clock) until Meta may have it; then only Meta's answer moves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from conversions.models import Lane, State
from purchases.costs import codes_of, with_costs
from purchases.decision import Report, Skip, Wait, cut_off, decide, happened_at, held_until
from purchases.mapping import Rules, RulesError, mismatch
from purchases.meta.check import check
from purchases.meta.event import Storefront, build_purchase
from purchases.meta.payload import encode
from purchases.order import Order
from purchases.value import in_currency, worth
from stores.costs import find_costs
from stores.models import PixelMapping, Store
from stores.secrets import store_ring
from stores.sql import rows, run, run_in_parts

KEPT_FOR = timedelta(hours=48)  # docs/privacy.md
# The shop tells of a change within seconds; what is older is being caught up with.
OLD_NEWS = timedelta(hours=6)
CALLED_OFF = ("cancelled", "refunded", "voided", "trashed")
REFUNDED_IN_PART = "refunded_in_part_after_send"


# By store, then by pixel and event name, in order of position.
Mappings = dict[int, dict[tuple[int, str], list[PixelMapping]]]


# Store, order, pixel, event name.
Key = tuple[int, str, int, str]


class Sighting(Struct, frozen=True, kw_only=True):
    """An order as one delivery showed it."""

    store: Store
    order: Order
    received_at: datetime


class Entry(Struct, kw_only=True):
    """What the ledger is to say of one order and one pixel."""

    sighting: Sighting
    mapping: PixelMapping
    rules: Rules
    state: State
    reason: str = ""
    event_id: str = ""
    value: Decimal | None
    currency: str
    payload: bytes = b""
    not_before: datetime

    @property
    def lane(self) -> Lane:
        """Old news goes behind what has just happened."""
        age = self.sighting.received_at - self.sighting.order.updated_at
        return Lane.BACKFILL if age > OLD_NEWS else Lane.LIVE

    @property
    def key(self) -> Key:
        """What makes it one row."""
        return (
            self.sighting.store.pk,
            self.sighting.order.shop_order_id,
            self.mapping.pixel_id,
            self.mapping.event_name,
        )


RECORD = """
INSERT INTO conversions_conversionevent AS event
    (store_id, pixel_id, mapping_id, order_id, order_name, event_name, event_id, state, reason,
     value, currency, event_time, order_updated_at, received_at, cut_off, lane, config_version,
     not_before)
SELECT * FROM unnest(
    %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::numeric[], %s::text[], %s::timestamptz[], %s::timestamptz[],
    %s::timestamptz[], %s::timestamptz[], %s::smallint[], %s::text[], %s::timestamptz[])
ON CONFLICT (store_id, order_id, pixel_id, event_name) DO UPDATE
SET mapping_id = EXCLUDED.mapping_id, state = EXCLUDED.state, reason = EXCLUDED.reason,
    -- It may be on its way at this moment, and Meta has the last word: then this is what Meta took.
    event_id = CASE WHEN event.event_id = '' OR EXCLUDED.event_id <> ''
                    THEN EXCLUDED.event_id ELSE event.event_id END,
    value = CASE WHEN event.event_id = '' OR EXCLUDED.event_id <> ''
                 THEN EXCLUDED.value ELSE event.value END,
    currency = EXCLUDED.currency, event_time = EXCLUDED.event_time,
    order_updated_at = EXCLUDED.order_updated_at, cut_off = EXCLUDED.cut_off,
    not_before = EXCLUDED.not_before, lane = EXCLUDED.lane, config_version = EXCLUDED.config_version
WHERE event.order_updated_at <= EXCLUDED.order_updated_at
  AND (event.state IN ('waiting', 'skipped')
       OR event.state = 'pending' AND EXCLUDED.state = 'skipped'
          AND EXCLUDED.reason IN ('cancelled', 'refunded', 'voided', 'trashed'))
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

KEEP_PAYLOADS = """
INSERT INTO conversions_eventpayload (event_id, body)
SELECT * FROM unnest(%s::bigint[], %s::bytea[])
ON CONFLICT (event_id) DO UPDATE SET body = EXCLUDED.body, written_at = now()
"""

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

TOLD = """
SELECT DISTINCT event.store_id, event.order_id, event.pixel_id
FROM conversions_conversionevent AS event
JOIN unnest(%s::bigint[], %s::text[], %s::bigint[]) AS wanted (store_id, order_id, pixel_id)
USING (store_id, order_id, pixel_id)
WHERE event.event_name = 'Purchase' AND event.state = 'accepted'
"""

TAKEN = """
SELECT event.pixel_id, event.event_name, event.event_id, event.store_id, event.order_id
FROM conversions_conversionevent AS event
JOIN unnest(%s::bigint[], %s::text[], %s::text[]) AS wanted (pixel_id, event_name, event_id)
USING (pixel_id, event_name, event_id)
WHERE event.event_id <> ''  -- said again for the planner: the unique index knows no others
"""


def record_purchases(sightings: Sequence[Sighting]) -> set[int]:
    """Record what each sighting owes to each pixel of its store.

    Returns the ids of the stores that have no mapping in force, whose orders nobody asked for.
    Must run inside a transaction. Raises IntegrityError if another one records the same event id.
    """
    mappings = mappings_in_force({sighting.store.pk for sighting in sightings})
    record(entries(sightings, mappings=mappings, now=database_now()))
    return {sighting.store.pk for sighting in sightings} - mappings.keys()


def entries(
    sightings: Sequence[Sighting], *, mappings: Mappings, now: datetime | None
) -> list[Entry]:
    """What the ledger is to say of the sightings, one entry for each row; writes nothing.

    Without `now` each is decided upon as when it came.
    """
    latest = _latest(
        _entry(sighting, candidates, now or sighting.received_at)
        for sighting in _with_costs(sightings, mappings)
        for candidates in mappings.get(sighting.store.pk, {}).values()
    )
    _settle_refunds(latest)
    _settle_contested_ids(latest)
    return latest


def forget_payloads() -> int:
    """Erase payloads that no resend and no question to Meta can need; returns how many."""
    return run_in_parts(FORGET, [KEPT_FOR], most=FORGOTTEN_AT_ONCE)


def database_now() -> datetime:
    """The database's clock: the only one that decides about age, lease and window."""
    ((now,),) = rows("SELECT clock_timestamp()")
    return now  # type: ignore[no-any-return]  # a row holds anything


def payload_purpose(*, store_id: int, order_id: str, pixel_id: int) -> str:
    """What a payload is sealed for."""
    return f"payload.{store_id}.{pixel_id}.{order_id}"


def mappings_in_force(store_ids: set[int]) -> Mappings:
    """By store, then by pixel and event name, in order of position."""
    found: Mappings = {}
    for mapping in (
        PixelMapping.objects.filter(store__in=store_ids, enabled=True)
        .select_related("template")
        .order_by("position")
    ):
        of_store = found.setdefault(mapping.store_id, {})
        of_store.setdefault((mapping.pixel_id, mapping.event_name), []).append(mapping)
    return found


def _with_costs(sightings: Sequence[Sighting], mappings: Mappings) -> Sequence[Sighting]:
    """The sightings with what the goods cost, where a mapping of their store asks for it."""
    needy = {
        store_id
        for store_id, by_pixel in mappings.items()
        for candidates in by_pixel.values()
        for mapping in candidates
        if mapping.needs_costs
    }
    if not needy:
        return sightings
    wanted: dict[int, set[tuple[str, str]]] = {store_id: set() for store_id in needy}
    for sighting in sightings:
        if sighting.store.pk in needy:
            wanted[sighting.store.pk] |= codes_of(sighting.order)
    tables = find_costs(wanted)
    return [
        replace(sighting, order=with_costs(sighting.order, tables[sighting.store.pk]))
        if sighting.store.pk in tables
        else sighting
        for sighting in sightings
    ]


def _entry(sighting: Sighting, candidates: list[PixelMapping], now: datetime) -> Entry:
    """What the first mapping that matches makes of the order; if none does, why the first doesn't."""
    order, rules = sighting.order, Rules()
    mapping = candidates[0]
    try:
        for candidate in candidates:
            if not mismatch(order, candidate.rules().when):
                mapping = candidate
                break
        rules = mapping.rules()
    except RulesError:
        return Entry(
            sighting=sighting,
            mapping=candidate,
            rules=rules,
            state=State.SKIPPED,
            reason="invalid_mapping",
            value=order.total,
            currency=order.currency,
            not_before=now,
        )
    told = in_currency(order, rules.currency)
    entry = Entry(
        sighting=sighting,
        mapping=mapping,
        rules=rules,
        state=State.SKIPPED,
        value=worth(told, rules=rules),
        currency=told.currency,
        not_before=now,
    )
    match decide(order, rules=rules, now=now):
        case Skip(reason=reason):
            entry.reason = reason
        case Wait(reason="hold"):
            _build(entry, rules, now)
            if entry.state == State.PENDING:  # ready to go, and only its time is to come
                entry.state, entry.reason = State.WAITING, "hold"
                entry.not_before = held_until(order, rules=rules)
        case Wait(reason=reason):
            entry.state, entry.reason = State.WAITING, reason
        case Report():
            _build(entry, rules, now)
    return entry


def _build(entry: Entry, rules: Rules, now: datetime) -> None:
    store = entry.sighting.store
    storefront = Storefront(key=store.key, url=store.url)
    event = build_purchase(entry.sighting.order, rules=rules, storefront=storefront, now=now)
    if isinstance(event, Skip):
        entry.reason = event.reason
        return
    payload = encode(event)
    if flaw := check(payload, now=now):  # one such event would take its whole batch down
        entry.reason = flaw
        return
    entry.state, entry.event_id, entry.payload = State.PENDING, event.event_id, payload


def _latest(entries: Iterable[Entry]) -> list[Entry]:
    """One entry per row: of the order's latest version, and of two as late the one that reports.

    Sorted, so that two workers lock the same rows in the same order.
    """
    latest: dict[Key, Entry] = {}
    for entry in sorted(entries, key=_lateness):
        latest[entry.key] = entry
    return [latest[key] for key in sorted(latest)]


def _lateness(entry: Entry) -> tuple[datetime, bool, datetime]:
    order = entry.sighting.order
    return order.updated_at, entry.state == State.PENDING, entry.sighting.received_at


def _settle_refunds(entries: list[Entry]) -> None:
    """What Meta was never told of cannot be given back."""
    owed = [entry for entry in entries if entry.rules.tells_refunds and entry.event_id]
    if not owed:
        return
    wanted = zip(*[entry.key[:3] for entry in owed], strict=True)
    told = {tuple(row) for row in rows(TOLD, [list(column) for column in wanted])}
    for entry in owed:
        if entry.key[:3] not in told:
            entry.state, entry.reason, entry.event_id = State.SKIPPED, "never_sent", ""


def _settle_contested_ids(entries: list[Entry]) -> None:
    """An event id that another order has used at the pixel would make Meta discard this one."""
    owed = [entry for entry in entries if entry.event_id]
    owners: dict[tuple[int, str, str], tuple[int, str]] = {}
    if owed:
        wanted = zip(*[(*entry.key[2:], entry.event_id) for entry in owed], strict=True)
        taken = rows(TAKEN, [list(column) for column in wanted])
        owners = {
            (pixel, name, event): (store, order) for pixel, name, event, store, order in taken
        }
    for entry in owed:
        store_id, order_id, pixel_id, name = entry.key
        owner = owners.setdefault((pixel_id, name, entry.event_id), (store_id, order_id))
        if owner != (store_id, order_id):
            entry.state, entry.reason, entry.event_id = (
                State.SKIPPED,
                "event_id_taken",
                "",
            )


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
    if owed := [entry for entry in entries if entry.event_id and entry.key in written]:
        events = [written[entry.key] for entry in owed]
        run(KEEP_PAYLOADS, [events, [_sealed(entry) for entry in owed]])
        run(QUEUE_PIXELS, [sorted({entry.mapping.pixel_id for entry in owed})])


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
    )


def _sealed(entry: Entry) -> bytes:
    store_id, order_id, pixel_id, _event_name = entry.key
    purpose = payload_purpose(store_id=store_id, order_id=order_id, pixel_id=pixel_id)
    return store_ring(bytes(entry.sighting.store.sealed_key)).seal(entry.payload, purpose=purpose)
