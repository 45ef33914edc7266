"""S: nobody is believed but who has signed these very bytes; every refusal is the same."""

import base64
import hashlib
import hmac
from types import SimpleNamespace
from typing import Any

import pytest

from conversions.models import ConversionEvent
from shop_webhooks.models import WebhookDelivery
from tests.bad_input.meeting import order
from tests.pipeline import APP_SECRET, post_to_shopify_door, read_all, signed

BODY = order()
GOOD = signed(BODY)
RAW = base64.b64decode(GOOD)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


WRONG = [
    ("S02", ""),
    ("S04", GOOD.rstrip("=")),
    ("S07", b64(RAW[:31])),
    ("S07", b64(RAW + b"x")),
    ("S09", "A" * 100_000),
    ("S10", f"{GOOD},{signed(BODY, 'another')}"),
    ("S10", f"{signed(BODY, 'another')},{GOOD}"),
    ("S11", signed(order(total_price="1.00"))),
    ("S12", signed(BODY, "secret of another app")),
    ("S02", None),
    ("S02", "\x00é"),
    ("S04", RAW.hex()),
    ("S04", base64.urlsafe_b64encode(RAW).decode().replace("=", "")),
    ("S12", b64(hmac.digest(APP_SECRET.encode(), BODY, "sha1"))),
    ("S12", b64(hashlib.sha256(BODY).digest())),
    ("S12", signed(BODY, "")),
]


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(header, marks=pytest.mark.case(name), id=f"{name}-{number}")
        for number, (name, header) in enumerate(WRONG)
    ],
)
def test_a_signature_that_is_not_the_one_is_refused_and_nothing_is_kept(
    acme: SimpleNamespace, header: str | None
) -> None:
    answer = post_to_shopify_door(
        BODY,
        store=acme.lyon,
        headers={"X-Shopify-Hmac-Sha256": header},
    )

    refused(answer)


@pytest.mark.case("S27")
def test_a_session_token_signs_no_body(acme: SimpleNamespace) -> None:
    refused(
        post_to_shopify_door(
            BODY,
            store=acme.lyon,
            headers={
                "X-Shopify-Hmac-Sha256": None,
                "Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x",
            },
        )
    )


def refused(answer: Any) -> None:
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_signature"
    assert set(answer.json()["error"]) == {"code", "request_id"}
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert not WebhookDelivery.objects.exists()


@pytest.mark.case("S16")
def test_the_previous_secret_is_good_while_it_is_set(acme: SimpleNamespace, settings: Any) -> None:
    settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_PREVIOUS = "new", APP_SECRET
    answer = post_to_shopify_door(BODY, store=acme.lyon)
    read_all()

    assert answer.status_code == 200
    assert ConversionEvent.objects.count() == 1


@pytest.mark.case("S20")
def test_without_a_secret_nothing_is_verified_with_an_empty_one(
    acme: SimpleNamespace, settings: Any
) -> None:
    settings.SHOPIFY_API_SECRET = settings.SHOPIFY_API_SECRET_PREVIOUS = ""

    answer = post_to_shopify_door(
        BODY, store=acme.lyon, headers={"X-Shopify-Hmac-Sha256": signed(BODY, "")}
    )

    assert answer.status_code == 503
    assert not WebhookDelivery.objects.exists()


@pytest.mark.case("S21")
def test_with_the_secret_of_staging_every_order_is_refused(
    acme: SimpleNamespace, settings: Any
) -> None:
    settings.SHOPIFY_API_SECRET = "the secret of staging"

    for _number in range(3):
        refused(post_to_shopify_door(BODY, store=acme.lyon))
