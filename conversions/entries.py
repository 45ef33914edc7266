"""What the ledger is to say of orders that were seen: an entry for each order, pixel and event name.

Reads the mappings and, of the ledger, what settles an entry; writes nothing, so that a preview, a
what-if and a balance say exactly what the outbox would.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from conversions.models import Lane, State
from conversions.sightings import Sighting
from conversions.visits import with_visits
from purchases.costs import codes_of, with_costs
from purchases.decision import Report, Skip, Wait, decide, held_until
from purchases.mapping import Rules, RulesError, mismatch
from purchases.meta.check import check
from purchases.meta.event import Storefront, build_purchase
from purchases.meta.match_quality import identifiers_of
from purchases.meta.payload import encode
from purchases.value import in_currency, worth
from stores.costs import find_costs
from stores.models import PixelMapping
from stores.rules import rules_in_force
from stores.sql import rows

# The shop tells of a change within seconds; what is older is being caught up with.
OLD_NEWS = timedelta(hours=6)

# By store, then by pixel and event name, in order of position.
Mappings = dict[int, dict[tuple[int, str], list[PixelMapping]]]


# Store, order, pixel, event name.
Key = tuple[int, str, int, str]


class Entry(Struct, kw_only=True):
    """What the ledger is to say of one order and one pixel."""

    sighting: Sighting
    mapping: PixelMapping
    rules: Rules
    state: State
    reason: str = ""
    event_id: str = ""
    identifiers: int | None = (
        None  # which kinds are told of the buyer (purchases.meta.match_quality)
    )
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


def entries_of(
    sightings: Sequence[Sighting], *, mappings: Mappings, now: datetime | None
) -> list[Entry]:
    """What the ledger is to say of the sightings, one entry for each row; writes nothing.

    Without `now` each is decided upon as when it came.
    """
    latest = _latest(
        _entry(sighting, candidates, now or sighting.received_at)
        for sighting in with_visits(_with_costs(sightings, mappings))
        for candidates in mappings.get(sighting.store.pk, {}).values()
    )
    _settle_refunds(latest)
    _settle_contested_ids(latest)
    return latest


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
        rules = rules_in_force(mapping, store=sighting.store)
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
        case Skip(reason="watched"):
            _build(entry, rules, now)
            if entry.state == State.PENDING:  # all is well with it, and it is not ours to send
                entry.state, entry.reason = State.SKIPPED, "watched"
                entry.event_id, entry.payload = "", b""
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
    entry.identifiers = identifiers_of(event.findings)


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
