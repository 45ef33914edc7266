"""A Shopify shop against a real server: what leaves it, and what an answer does to it."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from shop_door import (
    HANG,
    HANG_UP,
    NOON,
    ORDER,
    Door,
    closed_port_url,
    independent_signature,
    open_door,
)

from sandbox.orders import stories
from sandbox.shops import Clock, ShopifyShop


@pytest.fixture
def door() -> Iterator[Door]:
    with open_door() as door:
        yield door


@pytest.fixture
def shop(door: Door) -> ShopifyShop:
    return ShopifyShop("lyon.myshopify.com", "hush", door.url, clock=Clock(NOON), seed=1)


def test_shopify_sends_these_headers_and_no_others(door: Door) -> None:
    shop = ShopifyShop(
        "lyon.myshopify.com", "hush", door.url, name="orders", clock=Clock(NOON), seed=1
    )

    delivery = shop.deliver("orders/paid", ORDER, webhook_id="w-1", event_id="e-1")

    triggered_at = dict(door.received[0].sent)["X-Shopify-Triggered-At"]
    assert delivery.status == 200
    assert delivery.delivery_id == "w-1"
    assert door.received[0].body == ORDER
    assert re.fullmatch(r"2026-11-21T12:00:00\.000000\d{3}Z", triggered_at)
    assert door.received[0].sent == [
        ("Host", door.url.split("/")[2]),
        ("Content-Type", "application/json"),
        ("User-Agent", "Shopify-Captain-Hook"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip;q=1.0,deflate;q=0.6,identity;q=0.3"),
        ("X-Shopify-Topic", "orders/paid"),
        ("X-Shopify-Hmac-Sha256", independent_signature(b"hush", ORDER)),
        ("X-Shopify-Shop-Domain", "lyon.myshopify.com"),
        ("X-Shopify-API-Version", "2026-10"),
        ("X-Shopify-Webhook-Id", "w-1"),
        ("X-Shopify-Triggered-At", triggered_at),
        ("X-Shopify-Event-Id", "e-1"),
        ("X-Shopify-Name", "orders"),
        ("X-Shopify-Order-Id", "820982911946154508"),
        ("Content-Length", str(len(ORDER))),
    ]


def test_a_sample_is_marked_and_carries_no_event_id(shop: ShopifyShop, door: Door) -> None:
    shop.deliver("orders/paid", ORDER, sample=True)

    names = {name for name, _ in door.received[0].sent}
    assert "X-Shopify-Test" in names
    assert not names & {"X-Shopify-Event-Id", "X-Shopify-Name"}


@pytest.mark.parametrize(
    ("family", "prefixes"),
    [
        ("classic", {"X-Shopify-"}),
        ("events", {"shopify-"}),
        ("both", {"X-Shopify-", "shopify-"}),
    ],
)
def test_each_header_family_is_sent_alone_or_with_the_other(
    shop: ShopifyShop, door: Door, family: str, prefixes: set[str]
) -> None:
    shop.family = family

    shop.deliver("orders/create", ORDER)

    names = [name for name, _ in door.received[0].sent if "hopify-" in name]
    assert {name[: name.index("hopify-") + len("hopify-")] for name in names} == prefixes


def test_the_events_family_names_resource_and_action(shop: ShopifyShop, door: Door) -> None:
    shop.family = "events"

    shop.deliver("orders/updated", ORDER, webhook_id="w-1", event_id="e-1")

    headers = dict(door.received[0].sent)
    assert {name: headers[name] for name in sorted(headers) if name.startswith("shopify-")} == {
        "shopify-action": "update",
        "shopify-api-version": "2026-10",
        "shopify-event-id": "e-1",
        "shopify-handle": "orders-updated",
        "shopify-hmac-sha256": independent_signature(b"hush", ORDER),
        "shopify-resource-id": "gid://shopify/Order/820982911946154508",
        "shopify-shop-domain": "lyon.myshopify.com",
        "shopify-topic": "Order",
        "shopify-triggered-at": headers["shopify-triggered-at"],
        "shopify-webhook-id": "w-1",
    }


def test_shopify_signs_as_its_own_library_expects(shop: ShopifyShop, door: Door) -> None:
    # The constant of Shopify/shopify-app-js, webhooks/__tests__/validate.test.ts.
    shop.secret = "test_secret_key"

    shop.deliver("products/create", b'{"foo": "bar"}')

    headers = dict(door.received[0].sent)
    assert headers["X-Shopify-Hmac-Sha256"] == "B23tXN681gZ0qIWNRrgtzBE9XSDo5yaUu6wfmhu3a7g="
    assert "X-Shopify-Order-Id" not in headers


def test_another_secret_and_a_forgery_are_signed_otherwise(shop: ShopifyShop, door: Door) -> None:
    shop.deliver("orders/paid", ORDER, secret="previous")
    shop.deliver("orders/paid", ORDER, forged=True)

    previous, forged = (dict(each.sent)["X-Shopify-Hmac-Sha256"] for each in door.received)
    assert previous == independent_signature(b"previous", ORDER)
    assert forged not in (previous, independent_signature(b"hush", ORDER))


def test_a_chunked_body_arrives_whole_and_without_a_length(shop: ShopifyShop, door: Door) -> None:
    body = b'{"id":1,"note":"' + b"x" * 5000 + b'"}'

    shop.deliver("orders/paid", body, chunked=True)

    names = [name for name, _ in door.received[0].sent]
    assert door.received[0].body == body
    assert names.count("Transfer-Encoding") == 1
    assert "Content-Length" not in names


def test_shopify_keeps_its_connection_and_survives_its_end(shop: ShopifyShop, door: Door) -> None:
    door.answers = [200, 200, HANG_UP]

    statuses = [shop.deliver("orders/paid", ORDER).status for _ in range(3)]

    first, second, third, fourth = (each.port for each in door.received)
    assert statuses == [200, 200, 200]
    assert first == second == third != fourth


@pytest.mark.parametrize("status", [301, 302, 303, 307, 401, 404, 410, 500, 503])
def test_only_2xx_is_success_for_shopify_and_no_redirect_is_followed(
    shop: ShopifyShop, door: Door, status: int
) -> None:
    door.answers = [status]

    delivery = shop.deliver("orders/paid", ORDER)

    assert (delivery.status, delivery.succeeded) == (status, False)
    assert [each.request_path for each in door.received] == ["/webhooks/"]
    assert shop.waiting == [delivery]


def test_an_answer_after_the_patience_is_a_failure(door: Door) -> None:
    door.answers = [HANG]
    shop = ShopifyShop("lyon.myshopify.com", "hush", door.url, timeout=0.05)

    delivery = shop.deliver("orders/paid", ORDER)

    assert (delivery.status, delivery.succeeded) == (None, False)
    assert delivery.error.startswith("TimeoutError")
    assert delivery.elapsed >= 0.05


def test_nobody_at_home_is_an_answer_too() -> None:
    shop = ShopifyShop("lyon.myshopify.com", "hush", closed_port_url())

    delivery = shop.deliver("orders/paid", ORDER)

    assert delivery.status is None
    assert delivery.error.startswith("ConnectionRefusedError")


def test_shopify_retries_eight_times_in_four_hours_with_the_same_request(
    shop: ShopifyShop, door: Door
) -> None:
    door.answers = [500] * 9
    delivery = shop.deliver("orders/paid", ORDER)
    shop.url = "http://127.0.0.1:1/moved/"
    shop.secret = "rotated"

    retried = shop.advance(timedelta(hours=4))

    first, *others = [(each.request_path, each.sent, each.body) for each in door.received]
    assert retried == [delivery] * 8
    assert others == [first] * 8
    assert shop.waiting == []
    assert shop.clock.now() == NOON + timedelta(hours=4)


def test_the_waits_between_retries_double(shop: ShopifyShop, door: Door) -> None:
    door.answers = [500] * 9
    shop.deliver("orders/paid", ORDER)

    per_minute = [len(shop.advance(timedelta(minutes=1))) for _ in range(240)]

    assert [minute for minute, tries in enumerate(per_minute, 1) if tries] == [
        1, 3, 7, 14, 29, 59, 119, 238,
    ]  # fmt: skip


def test_a_success_ends_the_retries(shop: ShopifyShop, door: Door) -> None:
    door.answers = [500, 500, 204]
    delivery = shop.deliver("orders/paid", ORDER)

    shop.advance(timedelta(hours=4))

    assert [answer.status for answer in delivery.answers] == [500, 500, 204]
    assert delivery.succeeded
    assert shop.waiting == []


def test_retries_of_several_deliveries_come_in_the_order_they_fall_due(
    shop: ShopifyShop, door: Door
) -> None:
    door.answers = [500, 500]
    first = shop.deliver("orders/paid", ORDER)
    shop.advance(timedelta(seconds=30))
    second = shop.deliver("orders/create", ORDER)

    retried = shop.advance(timedelta(minutes=2))

    assert retried == [first, second]


def test_a_shop_specific_subscription_is_gone_after_eight_failures_in_a_row(door: Door) -> None:
    door.answers = [500] * 8
    shop = ShopifyShop(
        "lyon.myshopify.com", "hush", door.url, subscription="shop", clock=Clock(NOON)
    )
    shop.deliver("orders/paid", ORDER)
    shop.advance(timedelta(hours=4))

    paid = shop.deliver("orders/paid", ORDER)
    created = shop.deliver("orders/create", ORDER)

    assert shop.removed_topics == {"orders/paid"}
    assert (paid.sent, paid.status, created.status) == (False, None, 200)
    assert len(door.received) == 9


def test_a_success_in_between_keeps_the_subscription(door: Door) -> None:
    door.answers = [500] * 7 + [200] + [500] * 7
    shop = ShopifyShop("lyon.myshopify.com", "hush", door.url, subscription="shop")

    for _ in range(15):
        shop.deliver("orders/paid", ORDER)

    assert shop.removed_topics == set()


def test_an_app_specific_subscription_outlives_any_number_of_failures(
    shop: ShopifyShop, door: Door
) -> None:
    door.answers = [500] * 20

    for _ in range(20):
        shop.deliver("orders/paid", ORDER)

    assert shop.deliver("orders/paid", ORDER).status == 200


def test_a_redelivery_is_the_same_request_again(shop: ShopifyShop, door: Door) -> None:
    delivery = shop.deliver("orders/paid", ORDER)

    again = shop.redeliver(delivery)

    assert again.delivery_id == delivery.delivery_id
    assert door.received[0].sent == door.received[1].sent


def test_one_action_has_one_event_id_and_each_delivery_its_own_webhook_id(
    shop: ShopifyShop, door: Door
) -> None:
    [story] = stories(platform="shopify", count=1, kinds=["bank_transfer"], now=NOON)

    deliveries = shop.tell(story)

    created, paid, updated = (dict(each.sent)["X-Shopify-Event-Id"] for each in door.received)
    assert created != paid == updated
    assert len({delivery.delivery_id for delivery in deliveries}) == 3


def test_a_seed_repeats_the_ids(door: Door) -> None:
    shops = [ShopifyShop("lyon.myshopify.com", "hush", door.url, seed=7) for _ in range(2)]

    ids = [[shop.deliver("orders/paid", ORDER).delivery_id for _ in range(3)] for shop in shops]

    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3


def test_an_address_without_a_scheme_is_refused() -> None:
    shop = ShopifyShop("lyon.myshopify.com", "hush", "localhost:8000/webhooks/")

    with pytest.raises(ValueError, match="starts with http"):
        shop.deliver("orders/paid", ORDER)
