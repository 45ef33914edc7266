"""Orders that are read back are the orders that the webhooks tell of, field by field."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from purchases.order import Order, Visit
from purchases.shops import shopify as dialect
from sandbox.orders import stories
from sandbox.shopify_admin import ShopifyAdmin
from stores.models import Store
from stores.shopify import orders
from stores.shopify.admin_api import AccessDenied
from stores.shopify.orders import read_changed, read_placed
from stores.shops import OrderPage

LYON, ZONE = "lyon.myshopify.com", ZoneInfo("Europe/Paris")
NOW = datetime.now(UTC).replace(microsecond=0)
SINCE = NOW - timedelta(days=59)


def told() -> dict[str, dict[str, Any]]:
    """The last version of every order that the sandbox's shops tell of, by id."""
    last = {}
    for story in stories(platform="shopify", count=150, now=NOW, seed=5):
        for step in story.steps:
            body = json.loads(step.body) if step.body.startswith(b"{") else {}
            if step.topic.startswith("orders/") and "total_price" in body:
                last[str(body["id"])] = body
    return last


def parsed(body: bytes) -> Order:
    order = dialect.parse_order(body, topic="orders/updated", zone=ZONE)
    assert isinstance(order, Order)
    return order


def read_all(store: Store, since: datetime = SINCE) -> list[OrderPage]:
    return list(read_changed(store=store, since=since))


def an_order(number: int, *, minutes_ago: float = 10, lines: int = 1) -> dict[str, Any]:
    at = (NOW - timedelta(minutes=minutes_ago)).isoformat()
    return {
        "id": number,
        "created_at": at,
        "processed_at": at,
        "updated_at": at,
        "currency": "EUR",
        "total_price": "10.00",
        "line_items": [
            {"id": at_line, "quantity": 1, "price": "1.00", "variant_id": at_line}
            for at_line in range(1, lines + 1)
        ],
    }


def test_an_order_is_the_same_by_webhook_and_read_back(shopify: ShopifyAdmin, lyon: Store) -> None:
    expected = told()
    recent = {
        number: body
        for number, body in expected.items()
        if datetime.fromisoformat(body["created_at"]) > SINCE
    }
    for body in recent.values():
        shopify.order(LYON, body)

    found = {
        order.shop_order_id: order for page in read_all(lyon) for order in map(parsed, page.bodies)
    }

    assert found.keys() == recent.keys()
    assert len(found) > 100
    for number, body in recent.items():
        by_webhook = parsed(json.dumps(body).encode())
        assert replace(found[number], visit=Visit()) == replace(by_webhook, visit=Visit())
        assert seen(found[number].visit) == seen(by_webhook.visit)


def seen(visit: Visit) -> Visit:
    """The visit, without the user agent, which the API does not have, and with each address once."""
    addresses = {quote.text: quote for quote in reversed(visit.ips)}
    ips = tuple(replace(quote, origin="") for quote in addresses.values())
    return replace(visit, user_agents=(), ips=ips)


def test_the_same_order_gives_the_same_bytes(shopify: ShopifyAdmin, lyon: Store) -> None:
    shopify.order(LYON, an_order(1))

    first, second = read_all(lyon), read_all(lyon)

    assert first == second


def test_pages_follow_each_other_and_say_how_far_they_have_read(
    shopify: ShopifyAdmin, lyon: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "FIRST", 2)
    for number in (1, 2, 3):
        shopify.order(LYON, an_order(number, minutes_ago=10 - number))

    pages = read_all(lyon)

    assert [len(page.bodies) for page in pages] == [2, 1]
    assert [page.complete for page in pages] == [False, True]
    assert [page.read_up_to for page in pages] == [
        NOW - timedelta(minutes=8),
        NOW - timedelta(minutes=7),
    ]


def test_only_what_changed_since_then_is_read(shopify: ShopifyAdmin, lyon: Store) -> None:
    shopify.order(LYON, an_order(1, minutes_ago=60))
    shopify.order(LYON, an_order(2, minutes_ago=5))

    (page,) = read_all(lyon, NOW - timedelta(minutes=30))

    assert [json.loads(body)["id"] for body in page.bodies] == [2]


def test_nothing_read_moves_no_mark(shopify: ShopifyAdmin, lyon: Store) -> None:
    assert read_all(lyon) == [OrderPage(bodies=[], read_up_to=None, complete=True)]


def test_a_span_of_sales_is_read_with_the_number_that_there_should_be(
    shopify: ShopifyAdmin, lyon: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "FIRST", 2)
    for number in (1, 2, 3, 4):
        shopify.order(LYON, an_order(number, minutes_ago=10 * number))

    pages = list(
        read_placed(
            store=lyon, since=NOW - timedelta(minutes=40), until=NOW - timedelta(minutes=10)
        )
    )

    found = [json.loads(body)["id"] for page in pages for body in page.bodies]
    assert found == [4, 3, 2]
    assert [page.announced for page in pages] == [3, 3]


def test_an_order_of_more_lines_than_a_page_has_is_read_whole(
    shopify: ShopifyAdmin, lyon: Store
) -> None:
    shopify.order(LYON, an_order(1, lines=130))

    (page,) = read_all(lyon)

    order = parsed(page.bodies[0])
    assert [line.variant_id for line in order.lines] == [str(at) for at in range(1, 131)]


def test_a_page_that_costs_too_much_is_halved_until_it_does_not(
    shopify: ShopifyAdmin, lyon: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "FIRST", 100)
    shopify.order(LYON, an_order(1))

    (page,) = read_all(lyon)

    costs = [call.cost for call in shopify.calls("graphql", "OrdersUpdated")]
    assert len(page.bodies) == 1
    assert costs[-1] <= 1_000 < costs[-2]


def test_without_approval_no_order_is_read(shopify: ShopifyAdmin, lyon: Store) -> None:
    shopify.world.shops[LYON].customer_data = "none"

    with pytest.raises(AccessDenied):
        read_all(lyon)
