"""A paid Shopify order, to be read with some of its keys changed."""

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from purchases.order import Order
from purchases.shops import shopify
from purchases.shops.delivery import UnreadableOrder

PAID = json.loads(
    (Path(__file__).parents[2] / "payloads/shopify/web_paid_with_discount.json").read_bytes()
)
ABSENT = object()


def read(topic: str = "orders/paid", **changes: object) -> Order:
    """The paid order with some of its keys changed or ABSENT."""
    document = {key: value for key, value in (PAID | changes).items() if value is not ABSENT}
    order = shopify.parse_order(
        json.dumps(document).encode(), topic=topic, zone=ZoneInfo("Europe/Paris")
    )
    assert isinstance(order, Order)
    return order


def reason(**changes: object) -> tuple[str, str]:
    """Why, and at which field, the changed order cannot be read."""
    with pytest.raises(UnreadableOrder) as unreadable:
        read(**changes)
    return unreadable.value.reason, unreadable.value.field
