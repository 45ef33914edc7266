from decimal import Decimal

import pytest
from paid_order import ABSENT, read, reason

from purchases.order import Presented

EUR = "EUR"


def bag(amount: object) -> dict[str, object]:
    return {"shop_money": {"amount": amount, "currency_code": "EUR"}, "presentment_money": None}


@pytest.mark.parametrize("odd", ["", " ", "abc", "1,234.50", "$5", "NaN", "1e3", "1_0", "٣", True])
def test_a_total_that_is_no_number_makes_it_unreadable(odd):
    assert reason(total_price=odd) == ("bad_money", "total_price")


def test_a_negative_total_makes_it_unreadable():
    assert reason(total_price="-10.00") == ("negative_total", "total_price")


@pytest.mark.parametrize(
    ("changes", "total"),
    [
        ({"total_price": "117.40", "total_price_set": bag("1.00")}, "117.40"),
        ({"total_price": ABSENT, "total_price_set": bag("99.00")}, "99.00"),
        ({"total_price": None, "total_price_set": bag(98.5)}, "98.5"),
        ({"total_price": None, "total_price_set": None}, "117.40"),  # current_total_price
    ],
)
def test_the_total_is_that_of_the_order_in_the_shops_currency(changes, total):
    assert read(**changes).total == Decimal(total)


def test_an_order_without_any_total_is_unreadable():
    absent = {"total_price": ABSENT, "total_price_set": [], "current_total_price": None}

    assert reason(**absent) == ("no_total", "total_price")


def test_more_decimals_than_money_has_are_rounded_half_to_even():
    assert read(total_price="10.123456500000").total == Decimal("10.123456")
    assert read(total_price="10.123457500000").total == Decimal("10.123458")


@pytest.mark.parametrize("odd", [ABSENT, None, "", "US", "XXX", "XAU", "€", "uſd", 978, ["EUR"]])
def test_a_currency_that_is_none_makes_it_unreadable(odd):
    assert reason(currency=odd) == ("bad_currency", "currency")


def test_a_currency_in_lower_case_is_mended():
    assert read(currency="usd").currency == "USD"


@pytest.mark.parametrize(
    ("line", "total"),
    [
        ({"price": "49.00", "quantity": 2}, "98.00"),
        ({"price": "49.00", "quantity": 2, "total_discount": "8.00"}, "90.00"),
        (
            {
                "price": "49.00",
                "quantity": 2,
                "total_discount": "8.00",
                "discount_allocations": [{"amount": "8.00"}, {"amount": "1.50"}],
            },
            "88.50",
        ),
        (
            {
                "price": "49.00",
                "quantity": 2,
                "total_discount": "8.00",
                "discount_allocations": [],
            },
            "98.00",
        ),
        ({"price": 10.65, "quantity": 1}, "10.65"),
        ({"price": "5.00", "quantity": 1, "discount_allocations": [{"amount": "9.00"}]}, "0"),
        ({"price": "5.00", "quantity": 1, "discount_allocations": [{"amount": None}, 3]}, "5.00"),
    ],
)
def test_a_line_costs_what_is_left_after_every_discount(line, total):
    order = read(line_items=[line])

    assert [line.total for line in order.lines] == [Decimal(total)]


@pytest.mark.parametrize(
    "odd",
    [
        {"price": None, "quantity": 1},
        {"price": "x", "quantity": 1},
        {"price": "1.00", "quantity": 0},
        {"price": "1.00", "quantity": -1},
        {"price": "1.00", "quantity": None},
        {"price": "1.00", "quantity": "NaN"},
        None,
        "line",
        [],
    ],
)
def test_a_bad_line_is_left_out_and_the_good_one_stays(odd):
    order = read(line_items=[odd, {"price": "2.00", "quantity": 1, "sku": "GOOD"}])

    assert [line.sku for line in order.lines] == ["GOOD"]


@pytest.mark.parametrize("odd", [ABSENT, None, [], {}, "lines", 7])
def test_an_order_without_lines_is_still_an_order(odd):
    assert read(line_items=odd).lines == ()


@pytest.mark.parametrize(
    ("said", "subtotal"), [("111.50", "111.50"), (None, "98.00"), ("x", "98.00"), (ABSENT, "98.00")]
)
def test_the_subtotal_falls_back_to_the_lines(said, subtotal):
    order = read(subtotal_price=said, line_items=[{"price": "49.00", "quantity": 2}])

    assert order.subtotal == Decimal(subtotal)


@pytest.mark.parametrize(
    ("taxes_included", "lines", "shipping"),
    [
        (True, [{"price": "5.90", "discount_allocations": []}], "5.90"),
        (True, [{"price": "5.90", "discount_allocations": [{"amount": "0.90"}]}], "5.00"),
        (True, [{"price": "5.90", "discounted_price": "5.00"}], "5.00"),
        (True, [{"price": "5.90", "discounted_price": None}], "5.90"),
        (True, [{"price": "5.90", "tax_lines": [{"price": "1.00"}]}], "5.90"),
        (False, [{"price": "5.90", "tax_lines": [{"price": "1.00"}, {"price": "0.10"}]}], "7.00"),
        (True, [{"price": "5.90"}, {"price": "1.00"}], "6.90"),
        (True, [{"price": "5.90", "is_removed": True}, {"price": "1.00"}], "1.00"),
        (True, [], "0"),
        (True, None, "4.20"),
        (True, ABSENT, "4.20"),
    ],
)
def test_shipping_is_what_was_paid_for_it(taxes_included, lines, shipping):
    order = read(
        taxes_included=taxes_included, shipping_lines=lines, total_shipping_price_set=bag("4.20")
    )

    assert order.shipping == Decimal(shipping)


def moved(amount: str, **changes: object) -> dict[str, object]:
    return {"kind": "refund", "status": "success", "amount": amount, "currency": EUR} | changes


@pytest.mark.parametrize(
    ("refund", "refunded"),
    [
        ({"transactions": [moved("10.00"), moved("2.50")]}, "12.50"),
        ({"transactions": [moved("10.00"), moved("9.00", status="failure")]}, "10.00"),
        ({"transactions": [moved("10.00"), moved("9.00", kind="void")]}, "10.00"),
        (
            {
                "transactions": [moved("11.20", currency="USD")],  # the buyer's money
                "refund_line_items": [{"subtotal": 9.5, "total_tax": 0.5}],
            },
            "10.0",
        ),
        (
            {
                "refund_line_items": [{"subtotal": "10.00", "total_tax": "0.00"}],
                "order_adjustments": [
                    {"kind": "shipping_refund", "amount": "-5.00", "tax_amount": "-0.30"},
                    {"kind": "refund_discrepancy", "amount": "1.30", "tax_amount": "0.00"},
                ],
            },
            "14.00",
        ),
        ({}, "0"),
        (None, "0"),
    ],
)
def test_what_was_refunded_is_the_money_that_moved_else_what_the_refund_is_worth(refund, refunded):
    assert read(refunds=[refund]).refunded == Decimal(refunded)


def both(shop, presented):
    money = (
        {"amount": shop, "currency_code": "EUR"},
        {
            "amount": presented,
            "currency_code": "USD",
        },
    )
    return {"shop_money": money[0], "presentment_money": money[1]}


IN_DOLLARS = {
    "presentment_currency": "usd",
    "taxes_included": False,
    "total_price": "62.00",
    "total_price_set": both("62.00", "68.20"),
    "subtotal_price": "45.00",
    "subtotal_price_set": both("45.00", "49.50"),
    "total_tax": "10.00",
    "total_tax_set": both("10.00", "11.00"),
    "total_tip_received": "2.00",
    "line_items": [
        {
            "quantity": 2,
            "price": "25.00",
            "price_set": both("25.00", "27.50"),
            "discount_allocations": [{"amount": "5.00", "amount_set": both("5.00", "5.50")}],
        },
        {"quantity": 0, "price": "1.00"},
    ],
    "shipping_lines": [
        {
            "price": "5.00",
            "price_set": both("5.00", "5.50"),
            "discount_allocations": [],
            "tax_lines": [{"price": "1.00", "price_set": both("1.00", "1.10")}],
        }
    ],
    "refunds": [],
}


def test_the_buyers_currency_is_read_from_the_sets():
    order = read(**IN_DOLLARS)

    assert (order.currency, order.total, order.shipping, order.tips) == (
        "EUR",
        Decimal("62.00"),
        Decimal("6.00"),
        Decimal("2.00"),
    )
    assert order.presented == Presented(
        currency="USD",
        total=Decimal("68.20"),
        subtotal=Decimal("49.50"),
        tax=Decimal("11.00"),
        shipping=Decimal("6.60"),
        shipping_tax=Decimal("1.10"),
        tips=Decimal("2.20"),
        duties=Decimal(0),
        fees=Decimal(0),
        refunded=Decimal("0.00"),
        lines=(Decimal("49.50"),),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"presentment_currency": "EUR"},
        {"presentment_currency": None},
        {"presentment_currency": "XXX"},
        {"total_price_set": bag("62.00")},
        {"total_tax_set": "11.00"},
        {"line_items": [{"quantity": 1, "price": "25.00"}]},
    ],
)
def test_a_second_currency_that_is_not_whole_is_none(changes):
    assert read(**IN_DOLLARS | changes).presented is None


def test_tips_duties_fees_and_rounding_are_read_apart():
    order = read(
        total_tip_received="3.00",
        original_total_duties_set=bag("4.00"),
        original_total_additional_fees_set=bag("2.00"),
        total_cash_rounding_payment_adjustment_set=bag("-0.02"),
        line_items=[{"quantity": 1, "price": "50.00", "gift_card": True}],
    )

    assert (order.tips, order.duties, order.fees, order.rounding) == (
        Decimal("3.00"),
        Decimal("4.00"),
        Decimal("2.00"),
        Decimal("-0.02"),
    )
    assert order.lines[0].gift_card is True
