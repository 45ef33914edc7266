"""A replay (F7): what orders would be sent if they were looked at again, as a plan, then carried out.

After a mapping was missing, a trigger wrong or a dataset added. What Meta has, or may have, is left
alone: a replay only takes up rows that are missing, waiting or skipped. A sale keeps its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from msgspec import Struct, field

from conversions import outbox
from conversions.entries import Entry, Key, Mappings, entries_of
from conversions.models import ConversionEvent, State
from conversions.sightings import Sighting

# What a replay does with a row, in the order in which a plan tells it.
FATES = ("send", "accepted", "on_its_way", "waiting", "skipped", "rejected", "too_old")
_FINAL = {
    State.ACCEPTED: "accepted",
    State.PENDING: "on_its_way",
    State.IN_DOUBT: "on_its_way",
    State.REJECTED: "rejected",
    State.EXPIRED: "too_old",
}


class Share(Struct, kw_only=True):
    """How many events of a pixel and currency have the same fate, and their money."""

    fate: str
    pixel_id: str
    event_name: str
    currency: str
    count: int = 0
    money: Decimal = Decimal()


class Plan(Struct, kw_only=True):
    """What becomes of every event, in count and money."""

    orders: int = 0
    shares: dict[tuple[str, str, str, str], Share] = field(default_factory=dict)

    def add(self, entry: Entry, fate: str) -> None:
        """One more event."""
        name, pixel_id = entry.mapping.event_name, entry.mapping.pixel.pixel_id
        key = (fate, pixel_id, name, entry.currency)
        share = self.shares.setdefault(
            key, Share(fate=fate, pixel_id=pixel_id, event_name=name, currency=entry.currency)
        )
        share.count += 1
        share.money += entry.value or Decimal()

    def count(self, fate: str) -> int:
        """How many events have this fate."""
        return sum(share.count for share in self.shares.values() if share.fate == fate)


def replay(batches: Iterable[Sequence[Sighting]], *, mappings: Mappings, carry_out: bool) -> Plan:
    """Weigh the orders batch by batch; with `carry_out`, also owe what is to be sent.

    Each batch is committed by itself: a run that is stopped goes on where it was when it is run again,
    for what is owed already is then on its way.
    """
    plan = Plan()
    for sightings in batches:
        with transaction.atomic():
            weighed = _weigh(sightings, mappings)
            if carry_out:
                outbox.record([entry for entry, fate in weighed if fate == "send"])
        for entry, fate in weighed:
            plan.add(entry, fate)
        plan.orders += len({sighting.order.shop_order_id for sighting in sightings})
    return plan


def _weigh(sightings: Sequence[Sighting], mappings: Mappings) -> list[tuple[Entry, str]]:
    entries = entries_of(sightings, mappings=mappings, now=outbox.database_now())
    known = _rows(entries)
    return [(entry, _fate(entry, known.get(entry.key))) for entry in entries]


def _rows(entries: Sequence[Entry]) -> dict[Key, ConversionEvent]:
    stores = {entry.sighting.store.pk for entry in entries}
    orders = {entry.sighting.order.shop_order_id for entry in entries}
    events = ConversionEvent.objects.filter(store__in=stores, order_id__in=orders)
    return {
        (event.store_id, event.order_id, event.pixel_id, event.event_name): event
        for event in events
    }


def _fate(entry: Entry, event: ConversionEvent | None) -> str:
    if event and (fate := _FINAL.get(State(event.state))):
        return fate
    if event and event.order_updated_at > entry.sighting.order.updated_at:
        return str(event.state)  # it was decided by a later version than is kept
    if entry.state == State.PENDING:
        return "send"
    return "too_old" if entry.reason == "too_old" else str(entry.state)


def document(plan: Plan, *, carried_out: bool) -> dict[str, Any]:
    """The plan for programs: what `replay --json` and the API tell."""
    counts = {fate: plan.count(fate) for fate in FATES}
    shares = list(plan.shares.values())
    return {"carried_out": carried_out, "orders": plan.orders, "counts": counts, "shares": shares}
