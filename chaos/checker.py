"""The checker: what the shops were promised, against the ledger, against Meta's books.

Pure, so that its power can be tested: tests/chaos feeds it histories with each violation in them.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from chaos.history import ANY, History, Key

Kind = Literal["lost", "twice", "late", "misrouted", "imbalance"]
KINDS: tuple[Kind, ...] = ("lost", "twice", "late", "misrouted", "imbalance")


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One broken promise, and whose it was where that can be said."""

    kind: Kind
    what: str
    key: Key | None = None


@dataclass
class Verdict:
    """All violations of a run."""

    violations: list[Violation] = field(default_factory=list)

    def count(self, kind: Kind) -> int:
        """How many of a kind."""
        return sum(violation.kind == kind for violation in self.violations)


def check(history: History) -> Verdict:
    """Every violation in the history, the gravest kinds first."""
    return Verdict([
        *_lost(history),
        *_twice(history),
        *_late(history),
        *_misrouted(history),
        *_imbalances(history),
    ])  # fmt: skip


def _lost(history: History) -> list[Violation]:
    """Acknowledged and not in its end, or accepted in our books and not in Meta's."""
    found, entries = [], {entry.key: entry for entry in history.ledger}
    for order in history.sold:
        for pixel in order.pixels if order.may_end else ():
            key = order.store, order.order_id, pixel
            entry = entries.get(key)
            if entry is None:
                what = f"{order.kind}: acknowledged, and no row says what became of it"
                found.append(Violation(kind="lost", what=what, key=key))
            elif not {(entry.state, entry.reason), (entry.state, ANY)} & (order.may_end or set()):
                what = f"{order.kind}: ends as {entry.state} ({entry.reason or 'no reason'})"
                found.append(Violation(kind="lost", what=what, key=key))
    counted = {(each.pixel, each.event_id) for each in history.arrivals if each.counted}
    for entry in history.ledger:
        if entry.state == "accepted" and (entry.pixel, entry.event_id) not in counted:
            what = f"{entry.event_id} is accepted here and unknown to Meta"
            found.append(Violation(kind="lost", what=what, key=entry.key))
    return found


def _twice(history: History) -> list[Violation]:
    counted = Counter(
        (each.pixel, each.event_name, each.event_id) for each in history.arrivals if each.counted
    )
    keys = _keys_by_event(history)
    return [
        Violation(
            kind="twice",
            what=f"Meta counted {name} {event_id!r} {times} times for {pixel}",
            key=keys.get((pixel, event_id)),
        )
        for (pixel, name, event_id), times in counted.items()
        if times > 1
    ]


def _late(history: History) -> list[Violation]:
    """Whatever Meta said to it: after the cut-off not one byte of an event may leave."""
    entries = {(entry.pixel, entry.event_id): entry for entry in history.ledger if entry.event_id}
    found = []
    for post in history.posts:
        for event_id in post.event_ids:
            entry = entries.get((post.pixel, event_id))
            if entry and post.at > entry.cut_off:
                what = f"{event_id} was posted {post.at - entry.cut_off:.1f} s after its cut-off"
                found.append(Violation(kind="late", what=what, key=entry.key))
    return found


def _misrouted(history: History) -> list[Violation]:
    """At Meta, at a dataset that its store is not mapped to: another tenant's above all."""
    orders = {order.event_id: order for order in history.sold}
    found = []
    for arrival in history.arrivals:
        order = orders.get(arrival.event_id)
        if order is None:
            what = f"{arrival.event_id!r} arrived at {arrival.pixel}, and no shop has sold it"
            found.append(Violation(kind="misrouted", what=what))
        elif arrival.pixel not in order.pixels:
            owner, tenant = history.owners.get(arrival.pixel), history.owners.get(order.store)
            what = f"{arrival.event_id} of {tenant} arrived at {arrival.pixel} of {owner}"
            key = order.store, order.order_id, arrival.pixel
            found.append(Violation(kind="misrouted", what=what, key=key))
    return found


def _imbalances(history: History) -> list[Violation]:
    """What the database says against itself, and what Meta has that our books deny."""
    found = [Violation(kind="imbalance", what=what) for what in history.imbalances]
    entries = {(entry.pixel, entry.event_id): entry for entry in history.ledger}
    told = {(each.pixel, each.event_id) for each in history.arrivals if each.counted}
    for pixel, event_id in sorted(told):
        entry = entries.get((pixel, event_id))
        if entry is None:
            what = f"Meta has {event_id} at {pixel}, and no row says so"
            found.append(Violation(kind="imbalance", what=what))
        elif entry.state not in ("accepted", "in_doubt", "expired"):
            what = f"Meta has {event_id}, which is {entry.state} ({entry.reason}) here"
            found.append(Violation(kind="imbalance", what=what, key=entry.key))
    times = Counter(entry.key for entry in history.ledger)
    for key, number in times.items():
        if number > 1:
            found.append(Violation(kind="imbalance", what=f"{number} rows for one", key=key))
    return found


def _keys_by_event(history: History) -> dict[tuple[str, str], Key]:
    return {(entry.pixel, entry.event_id): entry.key for entry in history.ledger}
