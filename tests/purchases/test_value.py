"""What a sale is worth, and the steps that lead there."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from purchases.mapping import Rules
from purchases.order import Line, Order, Presented, Source, Standing
from purchases.value import explain, in_currency, money, worth

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def line(total, **fields):
    return Line(quantity=Decimal(2), total=Decimal(total), **fields)


# Two lamps, a gift card and a tip, from a shop whose prices have 20 % tax in them.
ORDER = Order(
    platform="shopify",
    shop_order_id="1",
    name="#1",
    standing=Standing.PAID,
    status="paid",
    source=Source.WEB,
    placed_at=AT,
    entered_at=AT,
    updated_at=AT,
    currency="EUR",
    total=Decimal("191.00"),
    subtotal=Decimal("170.00"),
    tax=Decimal("22.00"),
    taxes_included=True,
    shipping=Decimal("12.00"),
    shipping_tax=Decimal("2.00"),
    tips=Decimal("3.00"),
    duties=Decimal("4.00"),
    fees=Decimal("2.40"),
    fees_tax=Decimal("0.40"),
    rounding=Decimal("-0.40"),
    lines=(
        line("120.00", sku="LAMP", cost=Decimal("60.00")),
        line("50.00", variant_id="7", gift_card=True, cost=Decimal(0)),
    ),
)


@pytest.mark.parametrize(
    ("rules", "value"),
    [
        ({"value": "total"}, "191.00"),
        ({"value": "subtotal"}, "170.00"),
        ({"value": "total_less_tax"}, "169.00"),
        ({"value": "total_less_shipping"}, "179.00"),
        ({"value": "net"}, "159.00"),  # shipping's tax is taken away once
        ({"value": "margin"}, "99.00"),
        ({"leave_out": ("tips",)}, "188.00"),
        ({"leave_out": ("tips", "duties", "gift_cards", "fees")}, "131.60"),
        ({"value": "net", "leave_out": ("fees",)}, "157.00"),  # their tax is gone already
        ({"value": "subtotal", "leave_out": ("tips", "gift_cards")}, "120.00"),
    ],
)
def test_the_value_follows_the_rules(rules, value):
    assert worth(ORDER, rules=Rules(**rules)) == Decimal(value)


def steps(order, **rules):
    return [(step.what, str(step.amount)) for step in explain(order, rules=Rules(**rules))]


def test_the_value_is_explained_line_by_line():
    assert steps(ORDER, value="margin", leave_out=("tips",)) == [
        ("line 1, LAMP", "120.00"),
        ("line 2, 7", "50.00"),
        ("shipping", "12.00"),
        ("fees", "2.40"),
        ("tips", "3.00"),
        ("duties", "4.00"),
        ("cash rounding", "-0.40"),
        ("tax", "-22.00"),
        ("shipping without tax", "-10.00"),
        ("tips", "-3.00"),
        ("cost of LAMP", "-60.00"),
    ]


def test_tax_that_comes_on_top_is_a_step_of_the_total():
    of = replace(
        ORDER,
        taxes_included=False,
        total=Decimal("209.40"),
        rounding=Decimal(0),
        fees=Decimal(0),
        fees_tax=Decimal(0),
    )

    assert steps(of)[2:] == [
        ("shipping", "12.00"),
        ("tax", "20.00"),
        ("tips", "3.00"),
        ("duties", "4.00"),
        ("other", "0.40"),
    ]


def test_a_loss_is_no_value_and_the_steps_say_so():
    of = replace(ORDER, lines=(line("120.00", cost=Decimal("500.00")),))

    assert worth(of, rules=Rules(value="margin")) == 0
    assert steps(of, value="margin")[-1] == ("to zero", "341.00")


def test_without_a_cost_there_is_no_margin_rather_than_a_wrong_one():
    of = replace(ORDER, lines=(line("120.00", cost=Decimal(1)), line("1.00")))

    assert worth(of, rules=Rules(value="margin")) is None
    assert explain(of, rules=Rules(value="margin")) == ()


@pytest.mark.parametrize(
    ("rules", "value"),
    [
        ({}, "171.90"),
        ({"refunds": "full"}, "191.00"),
        ({"value": "net"}, "143.10"),  # a tenth of the total is a tenth of it too
    ],
)
def test_what_was_given_back_before_it_is_sent_is_no_value(rules, value):
    of = replace(ORDER, refunded=Decimal("19.10"))

    assert worth(of, rules=Rules(**rules)) == Decimal(value)


def test_more_than_the_total_cannot_be_given_back():
    of = replace(ORDER, refunded=Decimal("500.00"))

    assert worth(of, rules=Rules()) == 0


SEEN = Presented(
    currency="USD",
    total=Decimal("210.10"),
    subtotal=Decimal("187.00"),
    tax=Decimal("24.20"),
    shipping=Decimal("13.20"),
    shipping_tax=Decimal("2.20"),
    tips=Decimal("3.30"),
    duties=Decimal("4.40"),
    fees=Decimal("2.64"),
    refunded=Decimal(0),
    lines=(Decimal("132.00"), Decimal("55.00")),
)


def test_the_buyers_currency_has_amounts_of_its_own_down_to_the_lines():
    order = in_currency(replace(ORDER, presented=SEEN), "presentment")

    assert (order.currency, worth(order, rules=Rules(value="net"))) == ("USD", Decimal("174.90"))
    assert [line.total for line in order.lines] == [Decimal("132.00"), Decimal("55.00")]


def test_a_shop_of_one_currency_has_no_other():
    assert in_currency(ORDER, "presentment") is ORDER
    assert in_currency(replace(ORDER, presented=SEEN), "shop").currency == "EUR"


amounts = st.decimals(min_value=0, max_value=10**9, places=6)
orders = st.builds(
    lambda lines, refunded, currency, included, numbers: replace(
        ORDER,
        currency=currency,
        taxes_included=included,
        refunded=refunded,
        lines=tuple(line(total, cost=cost, gift_card=card) for total, cost, card in lines),
        **dict(
            zip(
                ("total", "subtotal", "tax", "shipping", "shipping_tax", "tips", "duties", "fees"),
                numbers,
                strict=True,
            )
        ),
    ),
    st.lists(st.tuples(amounts, amounts, st.booleans()), max_size=4),
    amounts,
    st.sampled_from(["EUR", "JPY", "KWD"]),
    st.booleans(),
    st.tuples(*[amounts] * 8),
)
rules = st.builds(
    Rules,
    value=st.sampled_from(
        ["total", "subtotal", "total_less_tax", "total_less_shipping", "net", "margin"]
    ),
    leave_out=st.lists(st.sampled_from(["tips", "duties", "gift_cards", "fees"]), unique=True).map(
        tuple
    ),
    refunds=st.sampled_from(["net", "full"]),
)


@given(order=orders, rules=rules)
def test_the_steps_add_up_to_the_value_to_the_cent(order, rules):
    value = worth(order, rules=rules)

    assert value == sum(step.amount for step in explain(order, rules=rules))
    assert value == money(value, order.currency) >= 0


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"refunded": Decimal("12.50")}, "12.50"),
        ({"standing": Standing.REFUNDED}, "191.00"),
        ({"refunded": Decimal("500.00")}, "191.00"),
    ],
)
def test_a_refund_is_worth_what_was_given_back_and_never_below_zero(changes, value):
    rules = Rules(event="Refund", trigger="refunded", value="net")
    of = replace(ORDER, **changes)

    assert worth(of, rules=rules) == Decimal(value)
    assert [(step.what, str(step.amount)) for step in explain(of, rules=rules)] == [
        ("given back", value)
    ]
