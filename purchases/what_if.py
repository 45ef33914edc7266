"""What another set of rules would have made of the same orders: gained, lost, and worth how much.

Pure: two lists of verdicts in, the difference out. Who gives the verdicts is the outbox, so that what
is told here is what a replay would come to.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

MOST_SAMPLES = 10


class Verdict(Struct, frozen=True, kw_only=True):
    """What rules make of an order for one pixel and event name."""

    order_id: str
    order_name: str
    pixel_id: str
    event: str
    reported: bool
    reason: str  # why not; "" where it is reported
    value: Decimal | None
    currency: str


class Sample(Struct, frozen=True, kw_only=True):
    """An order that changes sides, or its value."""

    order_name: str
    before: str  # a value with its currency, or the reason for none
    after: str


class Change(Struct, frozen=True, kw_only=True):
    """The difference for one pixel and event name. Money is by currency; never added across them."""

    pixel_id: str
    event: str
    reported_before: int
    reported_after: int
    gained: int
    gained_money: dict[str, Decimal]
    lost: int
    lost_money: dict[str, Decimal]
    revalued: int  # reported both times, with another value
    revalued_money: dict[str, Decimal]  # what the difference adds up to
    samples: tuple[Sample, ...]


class WhatIf(Struct, frozen=True, kw_only=True):
    """The differences of all pixels, and how many orders went to more than one of them."""

    orders: int
    changes: tuple[Change, ...]
    to_several_before: int
    to_several_after: int


def compare(before: Iterable[Verdict], after: Iterable[Verdict]) -> WhatIf:
    """What is different `after`. An order that one side does not know was not reported by it."""
    olds = {(verdict.pixel_id, verdict.event, verdict.order_id): verdict for verdict in before}
    news = {(verdict.pixel_id, verdict.event, verdict.order_id): verdict for verdict in after}
    pairs: dict[tuple[str, str], list[tuple[Verdict | None, Verdict | None]]] = {}
    for key in sorted({*olds, *news}):
        pairs.setdefault(key[:2], []).append((olds.get(key), news.get(key)))
    return WhatIf(
        orders=len({key[2] for key in (*olds, *news)}),
        changes=tuple(_change(*target, found) for target, found in pairs.items()),
        to_several_before=_to_several(olds.values()),
        to_several_after=_to_several(news.values()),
    )


def _change(
    pixel_id: str, event: str, pairs: list[tuple[Verdict | None, Verdict | None]]
) -> Change:
    gained: dict[str, Decimal] = {}
    lost: dict[str, Decimal] = {}
    revalued: dict[str, Decimal] = {}
    counts = {"before": 0, "after": 0, "gained": 0, "lost": 0, "revalued": 0}
    samples: list[Sample] = []
    for old, new in pairs:
        was, is_now = old is not None and old.reported, new is not None and new.reported
        counts["before"] += was
        counts["after"] += is_now
        if is_now and not was:
            counts["gained"] += 1
            _add(gained, new)
        elif was and not is_now:
            counts["lost"] += 1
            _add(lost, old)
        elif was and is_now and _worth(old) != _worth(new):
            counts["revalued"] += 1
            _add(revalued, new)
            _add(revalued, old, sign=-1)
        else:
            continue
        if len(samples) < MOST_SAMPLES:
            samples.append(_sample(old, new))
    return Change(
        pixel_id=pixel_id,
        event=event,
        reported_before=counts["before"],
        reported_after=counts["after"],
        gained=counts["gained"],
        gained_money=gained,
        lost=counts["lost"],
        lost_money=lost,
        revalued=counts["revalued"],
        revalued_money=revalued,
        samples=tuple(samples),
    )


def _add(money: dict[str, Decimal], verdict: Verdict | None, *, sign: int = 1) -> None:
    if verdict and verdict.value is not None:
        so_far = money.get(verdict.currency, Decimal(0))
        money[verdict.currency] = so_far + sign * verdict.value


def _worth(verdict: Verdict | None) -> tuple[Decimal | None, str]:
    return (verdict.value, verdict.currency) if verdict else (None, "")


def _sample(old: Verdict | None, new: Verdict | None) -> Sample:
    known = old or new
    return Sample(
        order_name=known.order_name if known else "", before=_in_words(old), after=_in_words(new)
    )


def _in_words(verdict: Verdict | None) -> str:
    if verdict is None:
        return "no mapping"
    return f"{verdict.value} {verdict.currency}" if verdict.reported else verdict.reason


def _to_several(verdicts: Iterable[Verdict]) -> int:
    pixels: dict[str, set[str]] = {}
    for verdict in verdicts:
        if verdict.reported:
            pixels.setdefault(verdict.order_id, set()).add(verdict.pixel_id)
    return sum(len(found) > 1 for found in pixels.values())
