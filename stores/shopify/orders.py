"""Reads a shop's orders back: what a webhook has not told, the shop still knows.

https://shopify.dev/docs/api/admin-graphql/2026-10/queries/orders
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import structlog
from django.utils import timezone
from msgspec import Struct

from stores.models import Store
from stores.shopify.admin_api import AdminApi, TooExpensive
from stores.shopify.documents import MORE_LINES, ORDERS_UPDATED
from stores.shopify.rest_shape import rest_body

log = structlog.get_logger(__name__)

# Orders of a page: lines dominate the points that a page costs. Halved where that is too much.
FIRST = 15


class ChangedOrders(Struct, frozen=True, kw_only=True):
    """A page of orders as a webhook writes them; all that changed before `read_up_to` has been read."""

    bodies: list[bytes]
    read_up_to: datetime | None  # the last change seen, never "now": the search index lags behind
    complete: bool  # whether nothing follows


def read_changed(*, store: Store, since: datetime) -> Iterator[ChangedOrders]:
    """The orders that changed from `since` on, oldest change first; a page is asked for when taken.

    Without `read_all_orders` a shop shows 60 days and says nothing of the rest. Raises what
    `AdminApi.ask` raises.
    """
    moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked: dict[str, Any] = {"first": FIRST, "after": None, "q": f"updated_at:>='{moment}'"}
    with AdminApi(store, now=timezone.now) as shop:
        while True:
            orders = _page(shop, asked)
            nodes = [_whole(shop, node) for node in orders["nodes"]]
            info = orders["pageInfo"]
            yield ChangedOrders(
                bodies=[rest_body(node) for node in nodes],
                read_up_to=datetime.fromisoformat(nodes[-1]["updatedAt"]) if nodes else None,
                complete=not info["hasNextPage"],
            )
            if not info["hasNextPage"]:
                return
            asked["after"] = info["endCursor"]


def _page(shop: AdminApi, asked: dict[str, Any]) -> dict[str, Any]:
    """The next page, of as many orders as the shop lets us ask for at once."""
    while True:
        try:
            reply = shop.ask(ORDERS_UPDATED, asked)
        except TooExpensive:
            if asked["first"] == 1:
                raise
            asked["first"] = max(asked["first"] // 2, 1)
            continue
        if reply.denied:
            log.warning("shopify.orders_without_buyers")
        orders: dict[str, Any] = reply.data["orders"]
        return orders


def _whole(shop: AdminApi, node: dict[str, Any]) -> dict[str, Any]:
    """The order with all its lines: a page has 50 of each."""
    lines = node["lineItems"]
    found = list(lines["nodes"])
    while lines["pageInfo"]["hasNextPage"]:
        asked = {"id": node["id"], "lines": lines["pageInfo"]["endCursor"]}
        order = shop.ask(MORE_LINES, asked).data["order"]
        if order is None:
            break  # deleted meanwhile
        lines = order["lineItems"]
        found += lines["nodes"]
    return node | {"lineItems": {"nodes": found}}
