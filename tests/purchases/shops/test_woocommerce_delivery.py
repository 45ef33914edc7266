import base64
import hashlib
import hmac
import json
from datetime import UTC

import pytest

from purchases.shops import woocommerce
from purchases.shops.delivery import NotAnOrder, UnreadableOrder

# Headers and signature


def test_a_delivery_id_is_not_taken_for_one():
    head = woocommerce.read_headers(
        {
            "X-WC-Webhook-Source": "https://kuchnia.example/",
            "X-WC-Webhook-Topic": "order.updated",
            "X-WC-Webhook-Delivery-ID": "c779cf6d76a706ef4ec1ece0673428db",
        }
    )

    assert (head.shop, head.topic) == ("https://kuchnia.example/", "order.updated")
    assert head.delivery_id == ""


@pytest.mark.parametrize(
    ("held", "key"),
    [
        ("plain", "plain"),
        ("a&amp;b", "a&b"),
        ("a&b", "a&b"),
        ("a&amp;b", "a&amp;b"),
        ("&lt;&gt;&quot;&#039;", "<>\"'"),
        ("&#39;&#x27;&#X27;&#0034;&#x22;&#60;&#62;&#38;&#x26;", "'''\"\"<>&&"),
        ("&amp;lt;", "&lt;"),  # once, not twice
        ("&eacute;&#x3c;&apos;", "&eacute;&#x3c;&apos;"),  # WordPress leaves these alone
    ],
)
def test_a_secret_is_tried_as_it_is_and_with_its_entities_decoded(held, key):
    digest = base64.b64encode(hmac.new(key.encode(), b"{}", hashlib.sha256).digest()).decode()
    head = woocommerce.read_headers({"X-WC-Webhook-Signature": digest})

    assert woocommerce.verify(b"{}", head=head, secrets=[held]) is True


def test_an_entity_is_not_decoded_twice():
    digest = base64.b64encode(hmac.new(b"<", b"{}", hashlib.sha256).digest()).decode()
    head = woocommerce.read_headers({"X-WC-Webhook-Signature": digest})

    assert woocommerce.verify(b"{}", head=head, secrets=["&amp;lt;"]) is False


# What is no order


@pytest.mark.parametrize(
    ("topic", "document", "expected"),
    [
        ("order.deleted", {"id": 19}, "deleted"),
        ("order.updated", {"id": 19}, "deleted"),
        ("action.woocommerce_payment_complete", {"action": "x", "arg": 19}, "hint"),
        ("order.updated", {"action": "x", "arg": None}, "hint"),
        ("product.updated", {"id": 1, "name": "Pot", "price": "3.00"}, "other_topic"),
        ("customer.created", {"id": 1, "email": "a@x.example"}, "other_topic"),
        (
            "subscription.updated",
            {"id": 1, "order_key": "k", "billing_period": "day"},
            "other_topic",
        ),
        ("order.updated", {"id": 1, "order_key": "k", "billing_period": "day"}, "other_topic"),
    ],
)
def test_what_is_no_order_is_told_by_its_shape_and_then_its_topic(topic, document, expected):
    outcome = woocommerce.parse_order(json.dumps(document).encode(), topic=topic, zone=UTC)

    assert outcome == NotAnOrder(reason=expected)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"code": "woocommerce_rest_cannot_view", "message": "", "data": {}}, "shop_error"),
        ({"order": {"id": 1}}, "unsupported_api"),
        ({"code": "woocommerce_rest_cannot_view"}, "bad_order_id"),
        ({"id": "x", "order_key": "k"}, "bad_order_id"),
    ],
)
def test_what_should_have_been_an_order_says_why_it_is_none(document, expected):
    with pytest.raises(UnreadableOrder) as unreadable:
        woocommerce.parse_order(json.dumps(document).encode(), topic="order.updated", zone=UTC)

    assert unreadable.value.reason == expected
