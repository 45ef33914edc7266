"""What was bought, in the ids of the catalogue at Meta.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/custom-data
"""

from __future__ import annotations

import math
from decimal import Decimal

from msgspec import Struct

from purchases.event_ids import EMAIL, filled
from purchases.order import Line, Order
from purchases.value import money

LONGEST_CONTENT_ID = 100  # of an item in a Meta catalogue
# An order of 10,000 lines must still fit in a request, beside others; the first lines are sent.
MOST_CONTENTS = 500


class Content(Struct, frozen=True, kw_only=True):
    """One line of the order, by its id in Meta's catalogue."""

    id: str
    quantity: int
    item_price: Decimal


def contents_of(order: Order, *, strategy: str) -> tuple[Content, ...]:
    """The lines that have an id under `strategy`; no other id stands in for a missing one.

    The catalogue knows its items by one kind of id: a SKU among variant ids is a product nobody
    has. Left out as well are tips, custom items and lines that take away.
    """
    contents: list[Content] = []
    country = order.country if "{country}" in strategy else ""
    for line in order.lines:
        content_id = _content_id(line, strategy=strategy, country=country)
        if line.bundled and not line.total:
            continue  # the bundle is paid for as a whole, or part by part: the other lines have it
        if content_id and line.quantity > 0 and line.total >= 0:
            contents.append(_content(line, content_id=content_id, currency=order.currency))
    return tuple(contents[:MOST_CONTENTS])


def _content(line: Line, *, content_id: str, currency: str) -> Content:
    """Meta counts whole items. Of 1.5 kg it hears 2, at a price that keeps the line's total."""
    quantity = math.ceil(line.quantity)
    each = line.total if quantity == 1 else line.total / quantity
    return Content(id=content_id, quantity=quantity, item_price=money(each, currency))


def _content_id(line: Line, *, strategy: str, country: str) -> str:
    content_id: str
    if strategy.startswith("template:"):
        ids = {"sku": line.sku, "variant_id": line.variant_id, "product_id": line.product_id}
        content_id = filled(strategy.removeprefix("template:"), ids | {"country": country})
    elif strategy == "sku_or_id":
        content_id = line.sku.strip() or line.variant_id or line.product_id
    elif strategy == "woocommerce_legacy":
        content_id = _woocommerce_legacy(line)
    else:
        content_id = getattr(line, strategy).strip()
    if len(content_id) > LONGEST_CONTENT_ID or ("@" in content_id and EMAIL.search(content_id)):
        return ""
    return content_id


def _woocommerce_legacy(line: Line) -> str:
    """What Meta for WooCommerce called its items until version 3.5.17 (2026-02)."""
    item = line.variant_id or line.product_id
    if not item:
        return ""
    return f"{line.sku.strip()}_{item}" if line.sku.strip() else f"wc_post_id_{item}"


def content_type_of(order: Order, *, strategy: str) -> str:
    """`product_group` where the ids are those of products that come in variants."""
    names_products = strategy == "product_id" or (
        "{product_id}" in strategy and "{variant_id}" not in strategy and "{sku}" not in strategy
    )
    if names_products and any(line.variant_id not in ("", line.product_id) for line in order.lines):
        return "product_group"
    return "product"
