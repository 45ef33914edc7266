"""An order's way through the product, step by step: signed to the door, read, sent."""

import base64
import hmac
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections
from django.http import HttpResponse
from django.test import Client

from conversions.graph import GraphClient
from conversions.sending import send_next
from sandbox.graph_api import GraphApi
from shop_webhooks import inbox
from shop_webhooks.models import WebhookDelivery
from stores.models import Store

APP_SECRET = "the-app's-secret"
STORE_SECRET = "the-store's-secret"


def an_order(order_id: int = 1001, *, minutes_ago: float = 60, **changes: Any) -> bytes:
    """A paid Shopify order; `changes` replace whole keys."""
    at = (datetime.now(UTC) - timedelta(minutes=minutes_ago)).isoformat()
    order = {
        "id": order_id,
        "name": f"#{order_id}",
        "financial_status": "paid",
        "source_name": "web",
        "created_at": at,
        "processed_at": at,
        "updated_at": at,
        "currency": "EUR",
        "total_price": "42.50",
        "email": "zoe@example.com",
        "browser_ip": "203.0.113.9",
        "client_details": {"user_agent": "Mozilla/5.0 (X11)"},
        "line_items": [
            {"id": 1, "variant_id": 11, "product_id": 1, "quantity": 1, "price": "42.50"}
        ],
    }
    return json.dumps(order | changes).encode()


def signed(body: bytes, secret: str = APP_SECRET) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def post_to_shopify_door(
    body: bytes,
    *,
    store: Store | None = None,
    topic: str = "orders/paid",
    path: str = "/webhooks/shopify/",
    headers: dict[str, str] | None = None,
    **request: Any,
) -> HttpResponse:
    """Post as the store's shop does (as one that says no name, without a store)."""
    given = {"X-Shopify-Topic": topic, "X-Shopify-Hmac-Sha256": signed(body)}
    if store:
        given["X-Shopify-Shop-Domain"] = store.domain
    return _post(path, body, given | (headers or {}), request)


def post_to_woocommerce_door(
    body: bytes,
    *,
    store: Store,
    path: str = "",
    headers: dict[str, str] | None = None,
    **request: Any,
) -> HttpResponse:
    given = {
        "X-WC-Webhook-Topic": "order.updated",
        "X-WC-Webhook-Signature": signed(body, STORE_SECRET),
    }
    return _post(path or store.webhook_path, body, given | (headers or {}), request)


def a_kept_order(store: Store, body: bytes, *, topic: str = "orders/paid") -> WebhookDelivery:
    """A delivery of the store's, received and not yet read."""
    assert post_to_shopify_door(body, store=store, topic=topic).status_code == 200
    return WebhookDelivery.objects.latest("pk")


def read_all() -> int:
    """Read what is due; returns how many deliveries."""
    total = 0
    while count := inbox.process_batch():
        total += count
    return total


def send_all(graph: GraphApi, call_colleague: Callable[[], None] = lambda: None) -> int:
    """Send what is due; returns how many turns it took."""
    client, turns = GraphClient(url=graph.url, version="v26.0"), 0
    while send_next(graph=client, call_colleague=call_colleague):
        turns += 1
    return turns


def at_once(acts: Iterable[Callable[[], Any]]) -> list[Any]:
    """Carry the acts out at the same time, each on a thread with a connection of its own."""

    def carry_out(act: Callable[[], Any]) -> Any:
        try:
            return act()
        finally:
            connections.close_all()

    acts = list(acts)
    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(carry_out, acts))


def _post(path: str, body: bytes, headers: dict[str, str], request: dict[str, Any]) -> HttpResponse:
    given = {name: value for name, value in headers.items() if value is not None}
    return Client().post(path, body, content_type="application/json", headers=given, **request)
