"""Whatever the bytes: an order, no order, or UnreadableOrder; never anything else, never slowly."""

import json
import time
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from purchases.order import Order
from purchases.shops import PLATFORMS
from purchases.shops.delivery import NotAnOrder, UnreadableOrder

PAYLOADS = Path(__file__).parents[2] / "payloads"
TOPICS = st.sampled_from(["", "orders/paid", "orders/delete", "order.updated", "carts/create"])
VALID = {
    "shopify": json.loads((PAYLOADS / "shopify/web_paid_with_discount.json").read_bytes()),
    "woocommerce": json.loads(
        (PAYLOADS / "woocommerce/guest_card_paid_with_attribution.json").read_bytes()
    ),
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
    | st.sampled_from(["", "0", "-1", "NaN", "1e999", "2026-11-20T00:00:00Z", "\0", "9999-01-01"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def outcome(platform: str, body: bytes, topic: str = "") -> Order | NotAnOrder | str:
    """The outcome, checked for what must hold of every one of its kind."""
    try:
        read = PLATFORMS[platform].parse_order(body, topic=topic, zone=UTC)
    except UnreadableOrder as unreadable:
        return unreadable.reason
    if isinstance(read, Order):
        assert_sane(read)
    return read


def assert_sane(order: Order) -> None:
    amounts = [order.total, order.subtotal, order.tax, order.shipping, order.refunded]
    amounts += [amount for line in order.lines for amount in (line.quantity, line.total)]
    assert all(amount.is_finite() for amount in amounts)
    assert order.total >= 0
    assert all(line.quantity > 0 and line.total >= 0 for line in order.lines)
    moments = [order.placed_at, order.entered_at, order.updated_at]
    moments += [click.at for click in order.visit.clicks if click.at]
    assert all(moment.utcoffset() == timedelta(0) for moment in moments)
    assert order.shop_order_id.isdecimal()
    assert b"\\u0000" not in msgspec.json.encode(order)  # PostgreSQL refuses NUL


def changed(document: object, path: list[int], value: object) -> object:
    """`document` with the value that `path` leads to replaced by `value`."""
    if not path or not isinstance(document, dict | list) or not document:
        return value
    if isinstance(document, list):
        at = path[0] % len(document)
        return [*document[:at], changed(document[at], path[1:], value), *document[at + 1 :]]
    key = sorted(document)[path[0] % len(document)]
    return document | {key: changed(document[key], path[1:], value)}


@pytest.mark.parametrize("platform", PLATFORMS)
@given(body=st.binary(), topic=TOPICS)
def test_any_bytes_have_an_outcome(platform, body, topic):
    outcome(platform, body, topic)


@pytest.mark.parametrize("platform", PLATFORMS)
@given(document=JSON, topic=TOPICS)
def test_any_json_has_an_outcome(platform, document, topic):
    outcome(platform, json.dumps(document).encode(), topic)


@pytest.mark.parametrize("platform", PLATFORMS)
@given(
    changes=st.lists(
        st.tuples(st.lists(st.integers(0, 200), min_size=1, max_size=4), JSON),
        min_size=1,
        max_size=3,
    )
)
def test_any_mutation_of_an_order_has_an_outcome(platform, changes):
    document: object = VALID[platform]
    for path, value in changes:
        document = changed(document, path, value)

    outcome(platform, json.dumps(document).encode())


@pytest.mark.parametrize("platform", PLATFORMS)
@given(data=st.data())
def test_any_cut_of_an_order_has_an_outcome(platform, data):
    body = json.dumps(VALID[platform]).encode()
    cut = data.draw(st.integers(0, len(body) - 1))

    assert outcome(platform, body[:cut]) == "not_json"


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"  ", "not_json"),
        (b"{", "not_json"),
        (b"{}x", "not_json"),
        (b"{}{}", "not_json"),
        (b"\xff", "undecodable"),
        (b'{"id": "\xc0\xaf"}', "undecodable"),
        (b'{"unread": "\xe2\x82"}', "undecodable"),
        (b"\x1f\x8b\x08 gzip", "undecodable"),
        (b'{"id": "\\ud800"}', "bad_order_id"),
        (b'{"unread": NaN}', "not_json"),
        (b'{"id": 0123}', "not_json"),
        (b'{"id": ' + b"9" * 5000 + b"}", "not_json"),
        (
            b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
            "not_json",
        ),
        (b"null", "not_an_object"),
        (b"[]", "not_an_object"),
        (b'"x"', "not_an_object"),
        (b"1", "not_an_object"),
        (b"true", "not_an_object"),
        (b"[" * 100_000, "not_an_object"),
        (b'{"a":' * 100_000, "too_deep"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
        (b"{}", "bad_order_id"),
    ],
)
def test_bytes_that_are_no_order_say_why(platform, body, reason):
    assert outcome(platform, body) == reason


@pytest.mark.parametrize("platform", PLATFORMS)
def test_half_a_character_in_a_text_costs_no_order(platform):
    whole = json.dumps(VALID[platform] | {"note": "😀"})
    halved = json.dumps(VALID[platform] | {"note": "\ud800 cut \udc00"})

    assert outcome(platform, halved.encode()) == outcome(platform, whole.encode())


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    "key", ["__proto__", "constructor", "$where", "__class__", "", "\ufeff", "👩‍👩‍👧‍👦"]
)
def test_unknown_keys_are_passed_over(platform, key):
    plain = outcome(platform, json.dumps(VALID[platform]).encode())

    decorated = outcome(platform, json.dumps({key: {"id": 7}} | VALID[platform]).encode())

    assert decorated == plain


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_byte_order_mark_is_passed_over(platform):
    body = json.dumps(VALID[platform]).encode()

    assert outcome(platform, b"\xef\xbb\xbf" + body) == outcome(platform, body)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_last_of_two_equal_keys_counts(platform):
    body = json.dumps(VALID[platform]).encode()

    doubled = b'{"id": 7, ' + body[1:]

    assert outcome(platform, doubled) == outcome(platform, body)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_value_900_levels_deep_is_passed_over(platform):
    deep = json.dumps(VALID[platform])[:-1] + ', "unread": ' + "[" * 900 + "]" * 900 + "}"

    assert outcome(platform, deep.encode()) in (
        outcome(platform, json.dumps(VALID[platform]).encode()),
        "too_deep",
    )


@pytest.mark.parametrize("platform", PLATFORMS)
def test_ten_thousand_lines_are_read_in_no_time(platform):
    line = VALID[platform]["line_items"][0]
    body = json.dumps(VALID[platform] | {"line_items": [line] * 10_000}).encode()
    started = time.process_time()

    order = outcome(platform, body)

    assert len(order.lines) == 10_000
    assert time.process_time() - started < 2


@pytest.mark.parametrize("platform", PLATFORMS)
def test_ten_megabytes_of_unknown_keys_are_refused_in_no_time(platform):
    ballast = {f"key_{number}": "x" * 20 for number in range(300_000)}
    body = json.dumps(ballast | VALID[platform]).encode()
    started = time.process_time()

    reason = outcome(platform, body)

    assert reason == "too_many_keys"
    assert time.process_time() - started < 2


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("12.50", Decimal("12.50")),
        ('"12.50"', Decimal("12.50")),
        ("10.649999999999999", Decimal("10.650000")),
        ("12", Decimal(12)),
        ("1e2", Decimal(100)),
        ("-0", Decimal(0)),
        ('"-0.00"', Decimal(0)),
        ("0.1", Decimal("0.1")),
        ("1e999", "bad_money"),
        ("1e99999999999999999999", "bad_money"),
        ("1e-400", "bad_money"),
        ("true", "bad_money"),
        ("[]", "bad_money"),
        ("-0.01", "negative_total"),
        ("NaN", "not_json"),
        ("Infinity", "not_json"),
    ],
)
def test_a_total_is_read_from_its_digits(platform, literal, expected):
    key = {"shopify": "total_price", "woocommerce": "total"}[platform]
    body = json.dumps(VALID[platform] | {key: "TOTAL"}).replace('"TOTAL"', literal)

    read = outcome(platform, body.encode())

    assert (read.total if isinstance(read, Order) else read) == expected
