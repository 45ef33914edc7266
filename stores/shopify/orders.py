"""Reads a shop's orders back: what a webhook has not told, the shop still knows.

https://shopify.dev/docs/api/admin-graphql/2026-10/queries/orders
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import structlog
from django.utils import timezone
from msgspec.structs import replace

from stores.models import Store
from stores.shopify.admin_api import AdminApi, TooExpensive
from stores.shopify.documents import MORE_LINES, ORDERS_COUNT, ORDERS_UPDATED
from stores.shopify.rest_shape import rest_body
from stores.shops import OrderPage

log = structlog.get_logger(__name__)

# Orders of a page: lines dominate the points that a page costs. Halved where that is too much.
FIRST = 15


def read_changed(*, store: Store, since: datetime) -> Iterator[OrderPage]:
    """The orders that changed from `since` on, oldest change first; a page is asked for when taken.

    Without `read_all_orders` a shop shows 60 days and says nothing of the rest. Raises what
    `AdminApi.ask` raises.
    """
    with AdminApi(store, now=timezone.now) as shop:
        yield from _pages(shop, f"updated_at:>='{_iso(since)}'")


def read_placed(*, store: Store, since: datetime, until: datetime) -> Iterator[OrderPage]:
    """The orders whose sale was in [since, until), oldest change first, the first page with how many
    the shop says there are. Raises what `AdminApi.ask` raises."""
    search = f"processed_at:>='{_iso(since)}' processed_at:<'{_iso(until)}'"
    with AdminApi(store, now=timezone.now) as shop:
        said = shop.ask(ORDERS_COUNT, {"q": search}).data["ordersCount"]
        announced = said["count"] if said["precision"] == "EXACT" else None
        for page in _pages(shop, search):
            yield replace(page, announced=announced)


def _pages(shop: AdminApi, search: str) -> Iterator[OrderPage]:
    asked: dict[str, Any] = {"first": FIRST, "after": None, "q": search}
    while True:
        orders = _page(shop, asked)
        nodes = [_whole(shop, node) for node in orders["nodes"]]
        info = orders["pageInfo"]
        yield OrderPage(
            bodies=[rest_body(node) for node in nodes],
            # The last change seen, never "now": the search index lags behind.
            read_up_to=datetime.fromisoformat(nodes[-1]["updatedAt"]) if nodes else None,
            complete=not info["hasNextPage"],
        )
        if not info["hasNextPage"]:
            return
        asked["after"] = info["endCursor"]


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
