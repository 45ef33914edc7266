"""I: who speaks and what of is not signed: names are looked up, and never trusted."""

from types import SimpleNamespace
from typing import Any

import pytest

from conversions.models import ConversionEvent
from shop_webhooks.models import WebhookDelivery
from tests.bad_input.meeting import ACCEPTED, meets, order, recorded, unreadable
from tests.pipeline import post_to_shopify_door, read_all

DOMAIN = "X-Shopify-Shop-Domain"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({DOMAIN: None}, unreadable("no_shop"), marks=pytest.mark.case("I01")),
        pytest.param(
            {"X-Shopify-Topic": None}, unreadable("no_topic"), marks=pytest.mark.case("I08")
        ),
        pytest.param({"X-Shopify-Event-Id": None}, recorded(), marks=pytest.mark.case("I13")),
        *(
            pytest.param({"X-Shopify-Event-Id": value}, recorded(), marks=pytest.mark.case("I16"))
            for value in ("x" * 10_000, "é\N{SNOWMAN}", "a\0b")
        ),
        *(
            pytest.param(
                {"X-Shopify-Triggered-At": value}, recorded(), marks=pytest.mark.case("I17")
            )
            for value in ("2126-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "garbage")
        ),
        pytest.param({"X-Shopify-Test": "true"}, recorded(), marks=pytest.mark.case("I19")),
        *(
            pytest.param({"X-Forwarded-For": value}, recorded(), marks=pytest.mark.case("H29"))
            for value in ("127.0.0.1", ", ".join(["198.51.100.7"] * 1000), "not-an-IP")
        ),
    ],
)
def test_a_header_that_nobody_signed_decides_nothing(
    acme: SimpleNamespace, headers: dict[str, Any], expected: SimpleNamespace
) -> None:
    meets(order(), store=acme.lyon, expected=expected, headers=headers)


@pytest.mark.parametrize(
    "shop",
    [
        pytest.param(name, marks=pytest.mark.case(case), id=f"{case}-{number}")
        for number, (case, name) in enumerate(
            [
                ("I04", "evil.com"),
                ("I04", "lyon.myshopify.com.evil.com"),
                ("I04", "lyon.myshopify.com/"),
                ("I04", "lyon.myshopify.com\n"),
                ("I06", "ѕlyon.myshopify.com"),
                ("I07", "x" * 5_000),
                ("I07", "../lyon.myshopify.com"),
                ("I07", "lyon';DROP TABLE stores_store;--"),
            ]
        )
    ],
)
def test_a_shop_that_is_none_of_ours_is_thanked_and_nothing_is_kept(
    acme: SimpleNamespace, shop: str
) -> None:
    answer = post_to_shopify_door(order(), headers={DOMAIN: shop})

    assert (answer.status_code, answer.json()) == (200, ACCEPTED)
    assert not WebhookDelivery.objects.exists()


@pytest.mark.case("I14")
def test_an_id_that_is_used_again_for_another_order_drops_nothing(acme: SimpleNamespace) -> None:
    for number in (1001, 1002):
        body = order(id=number, name=f"#{number}")
        post_to_shopify_door(body, store=acme.lyon, headers={"X-Shopify-Event-Id": "same"})
    read_all()

    assert WebhookDelivery.objects.count() == 2
    assert ConversionEvent.objects.count() == 2
