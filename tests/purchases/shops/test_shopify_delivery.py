import json
from datetime import UTC

import pytest
from paid_order import read

from purchases.shops import shopify
from purchases.shops.delivery import NotAnOrder

# Headers


@pytest.mark.parametrize("prefix", ["X-Shopify-", "x-shopify-", "Shopify-", "SHOPIFY-"])
def test_both_families_of_headers_are_read_whatever_their_case(prefix):
    head = shopify.read_headers(
        {
            f"{prefix}Topic": "orders/paid",
            f"{prefix}Hmac-Sha256": "c2ln",
            f"{prefix}Shop-Domain": "Boutique-Lyon.myshopify.com",
            f"{prefix}API-Version": "2026-10",
            f"{prefix}Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
            f"{prefix}Triggered-At": "2026-11-20T17:31:05.123456789Z",
        }
    )

    assert head.topic == "orders/paid"
    assert head.signature == b"c2ln"
    assert head.shop == "boutique-lyon.myshopify.com"
    assert head.api_version == "2026-10"
    assert head.delivery_id == "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"
    assert head.triggered_at == "2026-11-20T17:31:05.123456789Z"


def test_of_two_families_the_events_one_wins():
    head = shopify.read_headers(
        {"X-Shopify-Topic": "orders/paid", "shopify-topic": "Order", "shopify-action": "create"}
    )

    assert head.topic == "orders/create"


@pytest.mark.parametrize(
    ("said", "topic"),
    [
        ("orders/paid", "orders/paid"),
        ("ORDERS_PAID", "orders/paid"),
        ("ORDERS_PARTIALLY_FULFILLED", "orders/partially_fulfilled"),
        ("orders.paid", "orders/paid"),
        ("domain.sub_domain.something_happened", "domain/sub_domain/something_happened"),
        ("", ""),
        ("ordérs/paid", "ordérs/paid"),
    ],
)
def test_a_topic_has_one_spelling(said, topic):
    assert shopify.read_headers({"X-Shopify-Topic": said}).topic == topic


def test_a_delivery_id_that_is_no_id_is_hashed_and_stays_distinct():
    odd = ["x" * 10_000, "x" * 10_001, "é", "a b", "\0"]

    ids = [shopify.read_headers({"X-Shopify-Webhook-Id": said}).delivery_id for said in odd]

    assert [len(delivery_id) for delivery_id in ids] == [64] * 5
    assert len(set(ids)) == 5


@pytest.mark.parametrize(
    ("said", "domain"),
    [
        ("boutique-lyon.myshopify.com", "boutique-lyon.myshopify.com"),
        ("Boutique-Lyon.MyShopify.com", "boutique-lyon.myshopify.com"),
        ("https://admin.shopify.com/store/boutique-lyon", "boutique-lyon.myshopify.com"),
        ("https://admin.shopify.com/store/boutique-lyon/", "boutique-lyon.myshopify.com"),
        ("boutique-lyon", None),
        ("", None),
        (" boutique-lyon.myshopify.com", None),
        ("boutique-lyon.myshopify.com\n", None),
        ("boutique-lyon.myshopify.com\0", None),
        ("boutique-lyon.myshopify.com/", None),
        ("https://boutique-lyon.myshopify.com", None),
        ("boutique-lyon.myshopify.com.evil.example", None),
        ("evil.example/boutique-lyon.myshopify.com", None),
        ("evil.example#.myshopify.com", None),
        ("a@b.myshopify.com", None),
        ("-lyon.myshopify.com", None),
        ("a.b.myshopify.com", None),
        ("boutique-lyon.myshopify.io", None),
        ("../admin.myshopify.com", None),
        ("ѕhop.myshopify.com", None),  # a Cyrillic s
        ("\N{KELVIN SIGN}iosk.myshopify.com", None),
        (f"{'a' * 61}.myshopify.com", None),
    ],
)
def test_only_a_shops_own_domain_is_one(said, domain):
    assert shopify.shop_domain(said) == domain


# What is no order


@pytest.mark.parametrize(
    ("topic", "document", "expected"),
    [
        ("orders/delete", {"id": 7}, "deleted"),
        ("orders/paid", {"id": 7}, "stub"),
        ("orders/create", {"id": 7, "admin_graphql_api_id": "gid://shopify/Order/7"}, "stub"),
        ("orders/create", {"payload_url": "https://x.example", "payload_size_bytes": 1}, "stub"),
        ("orders/edited", {"order_edit": {"id": 1, "order_id": 7}}, "order_edit"),
        ("orders/paid", {"order_edit": {"id": 1, "order_id": 7}}, "order_edit"),
        ("refunds/create", {"id": 1, "order_id": 7, "refund_line_items": []}, "refund"),
        ("refunds/create", {"id": 1, "order_id": 7}, "refund"),
        ("order_transactions/create", {"id": 1, "order_id": 7, "kind": "sale"}, "other_topic"),
        ("orders/paid", {"id": 1, "order_id": 7, "kind": "sale"}, "other_topic"),
        ("fulfillments/create", {"id": 1, "order_id": 7}, "other_topic"),
        ("checkouts/delete", {"id": 1, "total_price": "3.00"}, "checkout"),
        ("draft_orders/delete", {"id": 1}, "stub"),
        ("products/update", {"id": 1, "title": "Lamp"}, "other_topic"),
        ("app/uninstalled", {"id": 1, "currency": "EUR", "created_at": None}, "other_topic"),
        ("customers/redact", {"shop_id": 1, "customer": {"id": 2}}, "other_topic"),
    ],
)
def test_what_is_no_order_is_told_by_its_shape_and_then_its_topic(topic, document, expected):
    outcome = shopify.parse_order(json.dumps(document).encode(), topic=topic, zone=UTC)

    assert outcome == NotAnOrder(reason=expected)


@pytest.mark.parametrize("topic", ["", "orders/paid", "orders/delete", "products/update", "x"])
def test_an_order_is_one_under_any_topic(topic):
    assert read(topic) == read()
