"""What every platform must do: its folder of payloads, and the promises of `Shop`."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from purchases.shops import PLATFORMS
from purchases.shops.delivery import DeliveryHead, NotAnOrder, UnreadableOrder

PAYLOADS = Path(__file__).parents[2] / "payloads"
CASES = sorted(
    (platform, path)
    for platform in PLATFORMS
    for path in (PAYLOADS / platform).glob("*.json")
    if not path.name.endswith(".order.json")
)
ORDERS_TOPIC = {"shopify": "orders/paid", "woocommerce": "order.updated"}
SIGNATURE = {"shopify": "X-Shopify-Hmac-Sha256", "woocommerce": "X-WC-Webhook-Signature"}


def read(platform: str, body: bytes) -> object:
    """The outcome of a body in the form of the `.order.json` files."""
    try:
        outcome = PLATFORMS[platform].parse_order(
            body, topic=ORDERS_TOPIC[platform], zone=ZoneInfo("Europe/Warsaw")
        )
    except UnreadableOrder as unreadable:
        return {"unreadable": unreadable.reason, "field": unreadable.field}
    if isinstance(outcome, NotAnOrder):
        return {"not_an_order": outcome.reason}
    return json.loads(msgspec.json.encode(outcome))


def sign(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


@pytest.mark.parametrize(
    ("platform", "path"), [pytest.param(*case, id=f"{case[0]}-{case[1].stem}") for case in CASES]
)
def test_a_payload_becomes_what_stands_beside_it(platform, path):
    expected = json.loads(path.with_suffix(".order.json").read_bytes())

    outcome = read(platform, path.read_bytes())

    assert outcome == expected


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_platform_has_payloads_of_each_outcome(platform):
    outcomes = [read(platform, path.read_bytes()) for name, path in CASES if name == platform]

    kinds = {next(iter(outcome)) for outcome in outcomes}

    assert kinds == {"platform", "not_an_order", "unreadable"}


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize(
    ("change", "secrets", "verdict"),
    [
        (lambda right: right, ["current"], True),
        (lambda right: right, ["newer", "current"], True),
        (lambda right: f" {right} ", ["current"], True),
        (lambda right: right, ["another"], False),
        (lambda right: right, [], False),
        (lambda right: right.rstrip("="), ["current"], False),
        (lambda right: f"{right},{right}", ["current"], False),
        (lambda right: base64.b64decode(right).hex(), ["current"], False),
        (lambda right: right.swapcase(), ["current"], False),
        (lambda right: "", ["current"], False),
        (lambda right: "é" * 44, ["current"], False),
        (lambda right: "\ud800" + "☃" * 40, ["current"], False),
        (lambda right: "A" * 100_000, ["current"], False),
        (lambda right: base64.b64encode(b"x" * 31).decode(), ["current"], False),
    ],
)
def test_only_the_one_spelling_of_the_right_signature_verifies(platform, change, secrets, verdict):
    body = b'{"id": 1, "note": "\xff raw bytes"}'
    shop = PLATFORMS[platform]
    head = shop.read_headers({SIGNATURE[platform].upper(): change(sign(body, "current"))})

    verified = shop.verify(body, head=head, secrets=secrets)

    assert verified is verdict


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_empty_secret_signs_for_nobody(platform):
    shop = PLATFORMS[platform]
    head = shop.read_headers({SIGNATURE[platform]: sign(b"{}", "")})

    assert shop.verify(b"{}", head=head, secrets=["", "another"]) is False


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_headers_leave_an_empty_head(platform):
    head = PLATFORMS[platform].read_headers({})

    assert head == DeliveryHead()
