"""The checker has power: each violation, doctored into a history that holds, is found as itself."""

import dataclasses
from collections.abc import Callable

import pytest

from chaos.checker import KINDS, Kind, check
from chaos.history import ANY, Arrival, Entry, History, Post, Sold

NOON = 1_800_000_000.0
DAY = 86_400.0
PURCHASE = frozenset({("accepted", "")})
OWNERS = {"north-0": "north", "south-0": "south", "11": "north", "12": "north", "21": "south"}


def a_sold(store: str = "north-0", order_id: str = "1", **changes: object) -> Sold:
    given = {
        "store": store, "order_id": order_id, "kind": "card", "may_end": PURCHASE,
        "pixels": ("11", "12") if store == "north-0" else ("21",), "acknowledged_at": NOON,
    }  # fmt: skip
    return Sold(**(given | changes))  # type: ignore[arg-type]  # of the fields' types


def an_entry(sold: Sold, pixel: str, **changes: object) -> Entry:
    given = {
        "store": sold.store, "order_id": sold.order_id, "pixel": pixel, "state": "accepted",
        "event_id": sold.event_id, "reason": "", "cut_off": NOON + 6 * DAY,
    }  # fmt: skip
    return Entry(**(given | changes))  # type: ignore[arg-type]


def an_arrival(sold: Sold, pixel: str, **changes: object) -> Arrival:
    given = {
        "pixel": pixel, "event_name": "Purchase", "event_id": sold.event_id, "at": NOON + 2,
        "counted": True,
    }  # fmt: skip
    return Arrival(**(given | changes))  # type: ignore[arg-type]


@pytest.fixture
def history() -> History:
    """Two tenants, one order each, of three datasets in all; one event came a second time."""
    sold = [a_sold(), a_sold("south-0")]
    pairs = [(order, pixel) for order in sold for pixel in order.pixels]
    arrivals = [an_arrival(order, pixel) for order, pixel in pairs]
    arrivals.append(an_arrival(sold[0], "11", counted=False, at=NOON + 60))
    return History(
        sold=sold,
        ledger=[an_entry(order, pixel) for order, pixel in pairs],
        arrivals=arrivals,
        posts=[
            Post(pixel=pixel, event_ids=(order.event_id,), at=NOON + 2, outcome="accepted")
            for order, pixel in pairs
        ],
        owners=OWNERS,
    )


def found(history: History) -> dict[str, int]:
    """How many of each kind, where there are any."""
    verdict = check(history)
    return {kind: verdict.count(kind) for kind in KINDS if verdict.count(kind)}


def change_entry(history: History, number: int, **changes: object) -> None:
    history.ledger[number] = dataclasses.replace(history.ledger[number], **changes)  # type: ignore[arg-type]


def test_a_history_that_holds_has_no_violation(history: History) -> None:
    assert check(history).violations == []


def no_row(history: History) -> None:
    del history.ledger[0], history.arrivals[0]


def stuck(history: History) -> None:
    change_entry(history, 0, state="in_doubt", reason="worker_lost")


def skipped(history: History) -> None:
    change_entry(history, 0, state="skipped", reason="cancelled")
    del history.arrivals[0]


def another_reason(history: History) -> None:
    waiting = frozenset({("waiting", "payment")})
    history.sold[0] = dataclasses.replace(history.sold[0], may_end=waiting)
    for number in (0, 1):
        change_entry(history, number, state="waiting", reason="consent")
    history.arrivals = [each for each in history.arrivals if each.pixel == "21"]


def unknown_to_meta(history: History) -> None:
    history.arrivals = [each for each in history.arrivals if each.pixel != "12"]


def only_discarded_at_meta(history: History) -> None:
    number = next(n for n, each in enumerate(history.arrivals) if each.pixel == "12")
    history.arrivals[number] = dataclasses.replace(history.arrivals[number], counted=False)


def counted_again(history: History) -> None:
    history.arrivals[-1] = dataclasses.replace(history.arrivals[-1], counted=True)


def posted_late(history: History) -> None:
    late = history.ledger[2].cut_off + 0.5
    history.posts[2] = dataclasses.replace(history.posts[2], at=late, outcome="accepted")


def posted_late_and_refused(history: History) -> None:
    late = history.ledger[2].cut_off + 0.5
    history.posts[2] = dataclasses.replace(history.posts[2], at=late, outcome="too_old")


def at_another_tenant(history: History) -> None:
    history.arrivals.append(an_arrival(history.sold[0], "21"))
    history.ledger.append(an_entry(history.sold[0], "21"))


def sold_by_nobody(history: History) -> None:
    stranger = a_sold("north-0", "666")
    history.arrivals.append(an_arrival(stranger, "11"))
    history.ledger.append(an_entry(stranger, "11"))


def contradicts_itself(history: History) -> None:
    history.imbalances.append("attempt 7 is open, and nobody is at work")


def denied(history: History) -> None:
    history.sold[0] = dataclasses.replace(history.sold[0], may_end=None)
    change_entry(history, 0, state="pending", reason="")


def not_in_the_ledger(history: History) -> None:
    history.sold[0] = dataclasses.replace(history.sold[0], may_end=None)
    del history.ledger[0]


def two_rows(history: History) -> None:
    history.ledger.append(history.ledger[0])


@pytest.mark.parametrize(
    ("doctor", "kinds"),
    [
        (no_row, {"lost": 1}),
        (stuck, {"lost": 1}),
        (skipped, {"lost": 1}),
        (another_reason, {"lost": 2}),
        (unknown_to_meta, {"lost": 1}),
        (only_discarded_at_meta, {"lost": 1}),
        (counted_again, {"twice": 1}),
        (posted_late, {"late": 1}),
        (posted_late_and_refused, {"late": 1}),
        (at_another_tenant, {"misrouted": 1}),
        (sold_by_nobody, {"misrouted": 1}),
        (contradicts_itself, {"imbalance": 1}),
        (denied, {"imbalance": 1}),
        (not_in_the_ledger, {"imbalance": 1}),
        (two_rows, {"imbalance": 1}),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_violation_is_found_and_called_by_its_name(
    history: History, doctor: Callable[[History], None], kinds: dict[Kind, int]
) -> None:
    doctor(history)

    assert found(history) == kinds


def test_a_violation_says_whose_it_is(history: History) -> None:
    unknown_to_meta(history)

    (violation,) = check(history).violations

    assert violation.key == ("north-0", "1", "12")


def test_an_order_of_which_too_little_was_acknowledged_cannot_be_lost(history: History) -> None:
    no_row(history)
    history.sold[0] = dataclasses.replace(history.sold[0], may_end=None)

    assert found(history) == {}


def test_a_row_may_be_told_to_end_for_any_reason(history: History) -> None:
    may_end = frozenset({("rejected", ANY)})
    history.sold[1] = dataclasses.replace(history.sold[1], may_end=may_end)
    change_entry(history, 2, state="rejected", reason="meta_100_2804019")
    history.arrivals = [each for each in history.arrivals if each.pixel != "21"]

    assert found(history) == {}


def test_the_same_event_of_two_datasets_is_two_events(history: History) -> None:
    """Deduplication is per dataset, and so is counting."""
    ids = [(each.pixel, each.event_id) for each in history.arrivals if each.counted]

    assert ids[:2] == [("11", "north-0-1"), ("12", "north-0-1")]
    assert check(history).count("twice") == 0
