from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from purchases.decision import Report, Skip, Wait, cut_off, decide, happened_at, held_until
from purchases.mapping import Rules, When, read_rules
from purchases.order import Address, Buyer, Line, Order, Sale, Source, Standing

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
        (When(tag=("gift", "VIP")), Report()),
        (When(tag=("vip buyer",)), Skip(reason="other_tag")),
        (When(sku=("mug-1",)), Report()),
        (When(sku=("MUG",)), Skip(reason="other_sku")),
        (When(country=("FR",), tag=("other",)), Skip(reason="other_tag")),
    ],
)
def test_the_conditions_of_a_mapping_must_all_hold(when, decision):
    tagged = order(
        tags=("vip",), lines=(Line(sku="MUG-1", quantity=Decimal(1), total=Decimal(10)),)
    )

    assert decide(tagged, rules=Rules(when=when), now=NOW) == decision


@pytest.mark.parametrize(
    ("orders_count", "source", "customer"),
    [
        (1, Source.WEB, "new"),
        (2, Source.WEB, "returning"),
        (None, Source.SUBSCRIPTION, "returning"),
        (None, Source.WEB, ""),  # neither: the shop does not say
    ],
)
def test_a_mapping_may_ask_for_new_or_for_returning_customers(orders_count, source, customer):
    of = order(buyer=Buyer(orders_count=orders_count), source=source)

    for wanted in ("new", "returning"):
        expected = Report() if wanted == customer else Skip(reason="other_customer")
        assert decide(of, rules=Rules(when=When(customer=wanted)), now=NOW) == expected
    assert decide(of, rules=Rules(), now=NOW) == Report()


@pytest.mark.parametrize(
    ("changes", "trigger", "decision"),
    [
        ({"standing": Standing.PLACED}, "completed", Wait(reason="payment")),
        ({"standing": Standing.PLACED, "completed": True}, "completed", Report()),
        ({}, "completed", Wait(reason="completion")),
        ({"completed": True}, "completed", Report()),
        ({"standing": Standing.OPEN, "completed": True}, "completed", Wait(reason="payment")),
        ({"stages": ("processing",)}, "status:shipped", Wait(reason="status")),
        ({}, "tag:Ready to tell", Wait(reason="tag")),
        ({"tags": ("x", "ready to TELL")}, "tag:Ready to tell", Report()),
        ({"stages": ("shipped",)}, "status:shipped", Report()),
        ({"stages": ("paid", "delivered")}, "status:shipped|delivered", Report()),
        ({"standing": Standing.PLACED, "stages": ("on-hold",)}, "status:on-hold", Report()),
        (
            {"standing": Standing.OPEN, "stages": ("shipped",)},
            "status:shipped",
            Wait(reason="payment"),
        ),
    ],
)
def test_completed_and_the_shops_own_statuses_are_triggers(changes, trigger, decision):
    assert decide(order(**changes), rules=Rules(trigger=trigger), now=NOW) == decision


TRIGGERS = {"cod": "completed", "bacs": "created", "Klarna  Pay": "paid", "default": "created"}


@pytest.mark.parametrize(
    ("method", "kind", "decision"),
    [
        ("cod", "", Wait(reason="payment")),
        ("COD", "", Wait(reason="payment")),
        ("Cash on Delivery (COD)", "cod", Wait(reason="payment")),
        ("bacs", "", Report()),
        ("klarna pay", "", Wait(reason="payment")),
        ("stripe", "", Report()),
        ("", "", Report()),
    ],
)
def test_each_payment_method_has_its_own_trigger(method, kind, decision):
    rules = read_rules({"trigger": TRIGGERS})
    placed = order(standing=Standing.PLACED, payment_method=method, payment_kind=kind)

    assert decide(placed, rules=rules, now=NOW) == decision


def test_a_method_that_is_not_named_waits_for_the_money_where_nothing_else_is_said():
    rules = read_rules({"trigger": {"cod": "created"}})

    assert decide(order(standing=Standing.PLACED), rules=rules, now=NOW) == Wait(reason="payment")


@pytest.mark.parametrize(
    ("changes", "kind", "reason"),
    [
        ({"test": True}, "test", "test_order"),
        ({"source": Source.ADMIN}, "staff", "staff_order"),
        ({"source": Source.DRAFT}, "staff", "staff_order"),
        ({"placed_at": NOW - 5 * DAY}, "imported", "imported"),
        ({"total": Decimal(0)}, "zero_value", "zero_value"),
    ],
)
def test_a_mapping_says_which_kinds_of_orders_are_not_reported(changes, kind, reason):
    of = order(**changes)

    assert decide(of, rules=Rules(skip=(kind,)), now=NOW) == Skip(reason=reason)
    assert decide(of, rules=Rules(skip=()), now=NOW) == Report()


@pytest.mark.parametrize(
    ("addresses", "country"),
    [
        ([("shipping", "France")], "FR"),
        ([("shipping", "USA")], "US"),
        ([("shipping", "Atlantis"), ("billing", "be")], "BE"),
        ([("shipping", "Atlantis")], ""),
    ],
)
def test_an_order_goes_to_a_country_by_its_code_whatever_the_shop_calls_it(addresses, country):
    given = tuple(Address(origin=origin, country=said) for origin, said in addresses)

    assert order(buyer=Buyer(addresses=given)).country == country


@pytest.mark.parametrize(
    ("changes", "hold", "decision"),
    [
        ({}, "30m", Report()),
        ({}, "90m", Wait(reason="hold")),
        ({}, "1h", Report()),
        ({"paid_at": NOW}, "1h", Wait(reason="hold")),
        ({"standing": Standing.PLACED}, "1h", Wait(reason="payment")),
        ({"standing": Standing.CANCELLED}, "90m", Skip(reason="cancelled")),
    ],
)
def test_an_order_that_is_due_may_be_held_back_for_a_while(changes, hold, decision):
    assert decide(order(**changes), rules=Rules(hold=hold), now=NOW) == decision


def test_a_hold_leaves_time_to_send():
    told_in_browser = order(tracked_in_browser=True)

    until = held_until(told_in_browser, rules=Rules(hold="48h"))

    assert until == told_in_browser.placed_at + 46 * HOUR


@pytest.mark.parametrize(
    ("sale", "wanted", "decision"),
    [
        (Sale.RENEWAL, (), Report()),
        (Sale.RENEWAL, (Sale.RENEWAL,), Report()),
        (Sale.RENEWAL, (Sale.ONE_OFF, Sale.FIRST), Skip(reason="other_subscription")),
        (Sale.UNCLASSIFIED, (), Skip(reason="unclassified_subscription")),
        (Sale.UNCLASSIFIED, (Sale.FIRST,), Skip(reason="unclassified_subscription")),
        (Sale.UNCLASSIFIED, (Sale.UNCLASSIFIED,), Report()),
    ],
)
def test_what_part_of_a_subscription_is_reported_is_the_mappings_choice(sale, wanted, decision):
    rules = Rules(when=When(subscription=wanted))

    assert decide(order(sale=sale), rules=rules, now=NOW) == decision


REFUND = Rules(event="Refund", trigger="refunded")


@pytest.mark.parametrize(
    ("changes", "decision"),
    [
        ({}, Skip(reason="not_refunded")),
        ({"refunded": Decimal("2.50")}, Report()),
        ({"standing": Standing.REFUNDED}, Report()),
        ({"standing": Standing.CANCELLED, "refunded": Decimal(10)}, Report()),
        ({"standing": Standing.CANCELLED}, Skip(reason="not_refunded")),
        ({"refunded": Decimal(1), "test": True}, Skip(reason="test_order")),
        ({"refunded": Decimal(1), "placed_at": NOW - DAY, "updated_at": NOW}, Report()),
        ({"refunded": Decimal(1), "updated_at": NOW - 7 * DAY}, Skip(reason="too_old")),
    ],
)
def test_a_refund_is_an_event_of_its_own(changes, decision):
    assert decide(order(**changes), rules=REFUND, now=NOW) == decision


@pytest.mark.parametrize(
    ("event", "trigger", "standing", "decision"),
    [
        ("Lead", "draft", Standing.DRAFT, Report()),
        ("Lead", "draft", Standing.PAID, Skip(reason="not_draft")),
        ("OrderCancelled", "cancelled", Standing.CANCELLED, Report()),
        ("OrderCancelled", "cancelled", Standing.PAID, Skip(reason="not_cancelled")),
    ],
)
def test_what_is_no_sale_has_an_event_of_its_own(event, trigger, standing, decision):
    rules = read_rules({"event": event, "trigger": trigger})

    assert decide(order(standing=standing), rules=rules, now=NOW) == decision
    assert decide(order(standing=standing, test=True), rules=rules, now=NOW) == Skip(
        reason="test_order"
    )


def test_a_cancellation_happened_when_the_shop_wrote_it_down_and_a_draft_when_it_was_made():
    of = order(updated_at=NOW - HOUR, placed_at=NOW - 2 * DAY)
    cancelled = Rules(event="OrderCancelled", trigger="cancelled")

    assert happened_at(of, rules=cancelled) == NOW - HOUR
    assert happened_at(of, rules=Rules(event="Lead", trigger="draft")) == NOW - 2 * DAY


def test_a_refund_happened_when_the_shop_wrote_it_down():
    given_back = order(refunded=Decimal(1), updated_at=NOW - HOUR, placed_at=NOW - 30 * DAY)

    assert happened_at(given_back, rules=REFUND) == NOW - HOUR
    assert cut_off(given_back, rules=REFUND) == NOW - HOUR + 7 * DAY - HOUR


@pytest.mark.parametrize(
    ("changes", "send_from", "decision"),
    [
        ({}, "", Report()),
        ({}, "never", Skip(reason="watched")),
        ({}, (NOW - HOUR + timedelta(seconds=1)).isoformat(), Skip(reason="before_cut_over")),
        ({}, (NOW - HOUR).isoformat(), Report()),
        ({"paid_at": NOW}, NOW.isoformat(), Skip(reason="before_cut_over")),
        ({"standing": Standing.PLACED}, "never", Wait(reason="payment")),
        ({"standing": Standing.CANCELLED}, "never", Skip(reason="cancelled")),
    ],
)
def test_an_order_of_before_the_cut_over_is_another_senders_whenever_it_is_paid(
    changes, send_from, decision
):
    assert decide(order(**changes), rules=Rules(send_from=send_from), now=NOW) == decision


def test_what_is_watched_is_not_held_back():
    rules = Rules(send_from="never", hold="24h")

    assert decide(order(), rules=rules, now=NOW) == Skip(reason="watched")
