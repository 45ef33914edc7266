"""V: orders that are signed and well-formed, and say what cannot be, or what nobody expected."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from stores.models import Store
from tests.bad_input.meeting import (
    meets,
    order,
    order_without,
    recorded,
    unreadable,
)

NOW = datetime.now(UTC)


def at(moment: object) -> dict[str, object]:
    return {"created_at": moment, "processed_at": moment}


CASES = [
    ("V01", order_without("id"), unreadable("bad_order_id")),
    *(("V01", order(id=value), unreadable("bad_order_id")) for value in (None, "abc", -5, 0, 1.5)),
    ("V03", order_without("total_price"), unreadable()),
    *(
        ("V04", order(total_price=value), unreadable("bad_money"))
        for value in ("", " ", "abc", "1,234.50", "$5")
    ),
    ("V05", order(total_price="-10.00"), unreadable()),
    ("V07", order(total_price="NaN"), unreadable("bad_money")),
    ("V09", order(total_price="42.500000000001"), recorded()),
    ("V10", order(currency="usd"), recorded()),
    ("V10", order_without("currency"), unreadable("bad_currency")),
    *(("V10", order(currency=value), unreadable("bad_currency")) for value in ("", "US", "€")),
    ("V11", order(currency="JPY", total_price="100.50"), recorded()),
    ("V11", order(currency="KWD", total_price="1.234"), recorded()),
    ("V14", order(created_at=None), recorded()),
    ("V14", order(created_at="garbage"), recorded()),
    (
        "V16",
        order(**at((NOW + timedelta(days=2)).isoformat())),
        recorded(("skipped", "future_time")),
    ),
    *(
        ("V17", order(**at(value)), unreadable("bad_time"))
        for value in ("10000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "1900-01-01T00:00:00Z")
    ),
    ("V18", order(**at((NOW - timedelta(days=7) + timedelta(hours=2)).isoformat())), recorded()),
    *(
        ("V21", order(**at(value)), recorded(("skipped", "too_old")))
        for value in ("2026-03-29T02:30:00", "2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00")
    ),
    (
        "V13",
        order(total_price_set={"shop_money": {"amount": "1.00", "currency_code": "EUR"}}),
        recorded(),
    ),
    ("V22", order(**at("2016-12-31T23:59:60Z")), recorded(("skipped", "too_old"))),
    ("V23", order_without("email"), recorded()),
    *(
        ("V24", order(email=value), recorded())
        for value in (
            "not-an-email",
            "a" * 320 + "@example.com",
            "zo\0e@example.com",
            " zoe@example.com ",
            "ZOE@EXAMPLE.COM",
            "zoe+tag@example.com",
            "zoé@exämple.com",
        )
    ),
    *(("V25", order(email=value), recorded()) for value in ({"a": 1}, ["zoe@example.com"], 5)),
    ("V26", order(email="a" * 64), recorded()),
    ("V28", order(phone="06 12 34 56 78", billing_address={"country_code": "FR"}), recorded()),
    *(
        ("V29", order(billing_address={"country_code": value, "country": value}), recorded())
        for value in ("Atlantis", "USA", "us")
    ),
    ("V30", order(billing_address={"country_code": "GB", "zip": "  sw1a ️ 1aa"}), recorded()),
    ("V32", order(billing_address=None), recorded()),
    ("V33", order_without("line_items"), recorded()),
    *(
        ("V33", order(line_items=value), recorded())
        for value in (
            [],
            None,
            [{"id": n, "quantity": 1, "price": "1.00"} for n in range(10_000)],
            [{"id": 1, "quantity": -1, "price": "42.50"}],
            [{"id": 1, "quantity": 1, "price": None}],
        )
    ),
    (
        "V34",
        order(
            line_items=[{"id": 1, "title": "<script>x()</script>", "quantity": 1, "price": "42.50"}]
        ),
        recorded(),
    ),
    (
        "V35",
        order(
            note_attributes=[
                {"name": "_fbp", "value": "x" * 10_000},
                {"name": "fbclid", "value": "y" * 10_000},
            ]
        ),
        recorded(),
    ),
]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(body, end, marks=pytest.mark.case(name), id=f"{name}-{number}")
        for number, (name, body, end) in enumerate(CASES)
    ],
)
def test_what_an_order_says_is_taken_mended_or_named(
    acme: SimpleNamespace, body: bytes, expected: SimpleNamespace
) -> None:
    Store.objects.filter(pk=acme.lyon.pk).update(time_zone="Europe/Paris")

    meets(body, store=acme.lyon, expected=expected)
