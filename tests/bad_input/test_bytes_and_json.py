"""J: signed bytes that are no order. Never 4xx or 5xx: the shop would only say it again."""

import json
from contextlib import suppress
from datetime import UTC
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purchases.shops import PLATFORMS
from purchases.shops.delivery import UnreadableOrder
from shop_webhooks.models import WebhookDelivery
from tests.bad_input.meeting import (
    meets,
    order,
    order_with_raw,
    recorded,
    unreadable,
)
from tests.pipeline import post_to_shopify_door, read_all


def nested(depth: int, opens: str, closes: str) -> str:
    return opens * depth + closes * depth


NAMES = "\N{SNOWMAN} \N{RIGHT-TO-LEFT OVERRIDE}evil\N{ZERO WIDTH SPACE} e\N{COMBINING GRAVE ACCENT}"
CASES = [
    ("J01", order(email="@@").replace(b"@@", b"\xff"), unreadable()),
    ("J01", order(email="@@").replace(b"@@", b"\xc0\xaf"), unreadable()),
    ("J01", order(email="@@").replace(b"@@", b"\xe2\x82"), unreadable()),
    ("J02", b"\xef\xbb\xbf" + order(), recorded()),
    ("J04", b"", unreadable()),
    ("J04", b"   ", unreadable()),
    *(
        ("J05", body, unreadable("not_an_object"))
        for body in (b"null", b"[]", b'"x"', b"1", b"true")
    ),
    ("J06", order()[:-9], unreadable()),
    ("J08", order() + b"x", unreadable()),
    ("J08", b"{}{}", unreadable()),
    *(
        ("J09", order_with_raw("total_price", raw), unreadable())
        for raw in ("NaN", "Infinity", "-Infinity")
    ),
    ("J10", order_with_raw("total_price", "1e999"), unreadable()),
    ("J11", order_with_raw("total_price", "1e-400"), unreadable("bad_money", "not_json")),
    ("J12", order_with_raw("total_price", "9" * 5_000), unreadable()),
    ("J14", order_with_raw("note", nested(100_000, "[", "]")), unreadable()),
    (
        "J14",
        order_with_raw("note", nested(100_000, '{"a":', "}").replace(":}", ":1}", 1)),
        unreadable(),
    ),
    (
        "J22",
        order(**{"__proto__": {"a": 1}, "constructor": 1, "$where": "x", "__class__": []}),
        recorded(),
    ),
    ("J25", order(total_price="-0.00"), recorded(("skipped", "zero_value"))),
    ("J25", order_with_raw("total_price", "-0"), recorded(("skipped", "zero_value"))),
    ("J26", order_with_raw("total_price", "0123"), unreadable()),
    (
        "J27",
        order(
            name=NAMES,
            customer={"first_name": NAMES, "last_name": NAMES},
            line_items=[{"id": 1, "title": NAMES, "quantity": 1, "price": "42.50"}],
        ),
        recorded(),
    ),
    (
        "J34",
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        unreadable(),
    ),
    ("S23", b"{", unreadable()),
    ("H18", b"\x1f\x8b\x08\x00" + b"\x00" * 20, unreadable()),
]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(body, end, marks=pytest.mark.case(name), id=f"{name}-{number}")
        for number, (name, body, end) in enumerate(CASES)
    ],
)
def test_a_signed_body_that_is_no_order_is_kept_and_said_to_be_none(
    acme: SimpleNamespace, body: bytes, expected: SimpleNamespace
) -> None:
    meets(body, store=acme.lyon, expected=expected)


@pytest.mark.case("J15")
def test_a_deep_document_is_read_or_set_aside(acme: SimpleNamespace) -> None:
    post_to_shopify_door(order_with_raw("note", nested(900, "[", "]")), store=acme.lyon)
    read_all()

    assert WebhookDelivery.objects.get().state in ("recorded", "unreadable")


@pytest.mark.case("J16")
def test_a_document_of_very_many_keys_is_set_aside_or_read(acme: SimpleNamespace) -> None:
    body = order(note_attributes={str(number): 1 for number in range(300_000)})
    post_to_shopify_door(body, store=acme.lyon)
    read_all()

    assert WebhookDelivery.objects.get().state in ("recorded", "unreadable")


BROKEN = [
    "[1,]",
    '{"a":1,}',
    "{'a':1}",
    "{a:1}",
    "[1",
    "2]",
    "[,1]",
    "[1,,2]",
    '{"a"}',
    '{"a":}',
    "{:1}",
    "[",
    "{",
    "]",
    "}",
    "[1}",
    '{"a":1]}',
    '"\\x"',
    '"\\u12"',
    '"\\ud800\\u"',
    '"tab',
    'in"',
    "[-]",
    "[+1]",
    "[1.]",
    "[.5]",
    "[1e]",
    "[1e+]",
    "[0x1]",
    "[1_000]",
    "[nul]",
    "[tru]",
    "[NaN]",
    "[Infinity]",
    "[-Infinity]",
    "/**/{}",
    "{}//",
    '{"a":/*b*/1}',
    "[1]a",
    '"a"',
    '"b"',
    "['a']",
    "[\\u0022]",
    '{"a":1,"a"',
    "}",
    "{1:1}",
    "[",
    "1]",
    "\ufeff[",
    "<null>",
    "[*]",
    "[a",
    "[1,a]",
    '[""',
    '{"x"::"b"}',
    '{"a":"b",,}',
    "[1:2]",
    '["a",4',
    '{"b","c"}',
    "\x00",
    "[\x00]",
]


@pytest.mark.case("J29")
@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_json_is_said_to_be_none(acme: SimpleNamespace, text: str) -> None:
    """Of the kinds of JSONTestSuite's n_ files."""
    meets(text.encode(), store=acme.lyon, expected=unreadable())


NAUGHTY = [
    *("undefined", "NULL", "nil", "-1/0", "0x0", "1e500", "%s%s%n", "{{ 7*7 }}", "$(touch /tmp/x)"),
    *("' OR 1=1 --", "../../../etc/passwd", "file:///etc/passwd", "<svg onload=alert(1)>"),
    *("\\u0000", "\\ud800", "\\x1b[31m", "\x1b[31m", "\x7f", "\N{RIGHT-TO-LEFT OVERRIDE}test"),
    *(
        "\N{ARABIC-INDIC DIGIT ONE}\N{ARABIC-INDIC DIGIT TWO}",
        "e" + "\N{COMBINING ACUTE ACCENT}" * 50,
    ),
    *("田中さんにあげて下さい", "👩🏽‍👩‍👧", "ﷺ", "a" * 70_000),
]


@pytest.mark.case("J28")
@pytest.mark.parametrize("text", NAUGHTY)
def test_a_text_that_breaks_other_programs_is_a_text(acme: SimpleNamespace, text: str) -> None:
    place = {"first_name": text, "last_name": text, "city": text, "zip": text, "country_code": "FR"}
    line = {"id": 1, "title": text, "sku": text, "quantity": 1, "price": "42.50"}
    body = order(name=text, note=text, email=text, billing_address=place, line_items=[line])

    meets(body.replace(b"\\\\u", b"\\u"), store=acme.lyon, expected=recorded())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=6,
)
KEYS = sorted(json.loads(order()))


@pytest.mark.case("J33")
@settings(max_examples=300, deadline=None)
@given(key=st.sampled_from(KEYS), value=JSON)
def test_an_order_with_one_thing_changed_is_an_order_or_is_named(key: str, value: object) -> None:
    body = json.dumps(json.loads(order()) | {key: value}).encode()

    with suppress(UnreadableOrder):  # it names what is wrong
        assert PLATFORMS["shopify"].parse_order(body, topic="orders/paid", zone=UTC) is not None
