from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from purchases.decision import Report, Skip, Wait, cut_off, decide
from purchases.mapping import Rules, When
from purchases.order import Address, Buyer, Order, Source, Standing

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def order(**changes: object) -> Order:
    paid = Order(
        platform="shopify",
        shop_order_id="1",
        name="#1",
        standing=Standing.PAID,
        status="paid",
        source=Source.WEB,
        placed_at=NOW - HOUR,
        entered_at=NOW - HOUR,
        updated_at=NOW - HOUR,
        currency="EUR",
        total=Decimal("10.00"),
        subtotal=Decimal("10.00"),
        buyer=Buyer(addresses=(Address(origin="shipping", country="FR"),)),
    )
    return msgspec.structs.replace(paid, **changes)


@pytest.mark.parametrize(
    ("standing", "trigger", "decision"),
    [
        (Standing.PAID, "paid", Report()),
        (Standing.PAID, "created", Report()),
        (Standing.PLACED, "paid", Wait(reason="payment")),
        (Standing.PLACED, "created", Report()),
        (Standing.OPEN, "paid", Wait(reason="payment")),
        (Standing.OPEN, "created", Wait(reason="payment")),
        (Standing.DRAFT, "created", Skip(reason="draft")),
        (Standing.TRASHED, "created", Skip(reason="trashed")),
        (Standing.CANCELLED, "created", Skip(reason="cancelled")),
        (Standing.REFUNDED, "paid", Skip(reason="refunded")),
        (Standing.VOIDED, "created", Skip(reason="voided")),
    ],
)
def test_the_standing_and_the_trigger_decide(standing, trigger, decision):
    assert decide(order(standing=standing), rules=Rules(trigger=trigger), now=NOW) == decision


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("trigger", ["paid", "created"])
def test_every_standing_has_a_decision(standing, trigger):
    decision = decide(order(standing=standing), rules=Rules(trigger=trigger), now=NOW)

    assert isinstance(decision, Report | Wait | Skip)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"test": True}, "test_order"),
        ({"total": Decimal("0.00")}, "zero_value"),
        ({"placed_at": NOW - 5 * DAY}, "imported"),
        ({"tracked_elsewhere": "Meta for WooCommerce"}, "tracked_elsewhere"),
        ({"placed_at": NOW - 8 * DAY, "entered_at": NOW - 8 * DAY}, "too_old"),
        ({"placed_at": NOW + 2 * DAY, "entered_at": NOW + 2 * DAY}, "future_time"),
        ({"entered_at": NOW + DAY}, "future_time"),
    ],
)
def test_an_order_that_meta_must_not_hear_of_is_skipped_with_the_reason(changes, reason):
    assert decide(order(**changes), rules=Rules(), now=NOW) == Skip(reason=reason)


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(minutes=5)])
def test_a_clock_that_runs_a_little_ahead_does_not_matter(ahead):
    early = order(placed_at=NOW + ahead, entered_at=NOW + ahead)

    assert decide(early, rules=Rules(), now=NOW) == Report()


@pytest.mark.parametrize(
    ("source", "age", "decision"),
    [
        (Source.WEB, 7 * DAY - 2 * HOUR, Report()),
        (Source.WEB, 7 * DAY - HOUR, Skip(reason="too_old")),
        (Source.POS, 8 * DAY, Report()),
        (Source.POS, 62 * DAY - HOUR, Skip(reason="too_old")),
    ],
)
def test_an_order_is_too_old_an_hour_before_meta_says_so(source, age, decision):
    old = order(source=source, placed_at=NOW - age, entered_at=NOW - age)

    assert decide(old, rules=Rules(), now=NOW) == decision
    assert (cut_off(old, rules=Rules()) <= NOW) == (decision != Report())


@pytest.mark.parametrize(
    ("told", "rules"),
    [
        ({"tracked_in_browser": True}, Rules()),
        ({}, Rules(event_id="meta:_meta_event_id")),
        ({}, Rules(event_id="attribute:event_id")),
    ],
)
def test_what_a_browser_may_have_told_meta_is_too_old_when_meta_no_longer_matches_it(told, rules):
    at = {age: NOW - age for age in (46 * HOUR, 47 * HOUR)}
    decisions = [
        decide(order(placed_at=when, entered_at=when, **told), rules=rules, now=NOW)
        for when in at.values()
    ]

    assert decisions == [Report(), Skip(reason="too_old")]


def test_a_till_has_no_browser():
    old = order(source=Source.POS, placed_at=NOW - 3 * DAY, tracked_in_browser=True)

    assert cut_off(old, rules=Rules()) > NOW


def test_an_unpaid_order_does_not_wait_for_ever():
    old = order(standing=Standing.PLACED, placed_at=NOW - 7 * DAY, entered_at=NOW - 7 * DAY)

    assert decide(old, rules=Rules(), now=NOW) == Skip(reason="too_old")


def test_a_mapping_can_send_what_another_plugin_sends_too():
    rules = Rules(when_tracked_elsewhere="send")

    assert decide(order(tracked_elsewhere="x"), rules=rules, now=NOW) == Report()


@pytest.mark.parametrize(
    ("when", "decision"),
    [
        (When(), Report()),
        (When(country=("FR", "BE")), Report()),
        (When(country=("BE",)), Skip(reason="other_country")),
        (When(source=(Source.WEB,)), Report()),
        (When(source=(Source.POS,)), Skip(reason="other_source")),
        (When(min_value=Decimal(10)), Report()),
        (When(min_value=Decimal("10.01")), Skip(reason="below_min_value")),
    ],
)
def test_the_conditions_of_a_mapping_must_all_hold(when, decision):
    assert decide(order(), rules=Rules(when=when), now=NOW) == decision
