"""The id under which Meta is told of an order: the one strategy that browser and server share.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/deduplicate-pixel-and-server-events
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from purchases.order import Order

LONGEST_EVENT_ID = 200
EMAIL = re.compile(r"[^\s@/]+@[^\s@/]+\.[^\s@/]+")


def event_id_of(order: Order, *, strategy: str, shop: str) -> str:
    """The order's id under `strategy`, or "" where the order has none that Meta would take.

    `shop` is the store's key.
    """
    kind, _, argument = strategy.partition(":")
    match kind:
        case "meta" | "attribute":
            event_id = order.attribute(argument)
        case "template":
            event_id = filled(argument, ids_of(order) | {"shop": shop})
        case "sha256" | "md5":
            event_id = _hashed(ids_of(order)[argument], kind)
        case "order_id":  # most mappings
            event_id = order.shop_order_id
        case _:
            event_id = ids_of(order)[kind]
    event_id = event_id.strip()
    if len(event_id) > LONGEST_EVENT_ID or ("@" in event_id and EMAIL.search(event_id)):
        return ""
    return event_id


def ids_of(order: Order) -> dict[str, str]:
    """The order's own ids, by the names that strategies have for them; "" where it has none."""
    return {
        "order_id": order.shop_order_id,
        "order_name": order.name,
        "order_number": order.name.lstrip("#").strip(),
        "order_key": order.order_key,
        "checkout_token": order.checkout_token,
        "cart_token": order.cart_token,
    }


def _hashed(text: str, algorithm: str) -> str:
    """In lower-case hex. MD5 is no secret here: browsers make ids with it."""
    return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest() if text else ""


def filled(template: str, values: Mapping[str, str]) -> str:
    """`template` with its {fields}, or "" where the order lacks one of them."""
    names = re.findall(r"\{(\w+)\}", template)
    if not all(values.get(name) for name in names):
        return ""
    return re.sub(r"\{(\w+)\}", lambda field: values[field[1]], template)
