"""Shopify's dialect: a delivery's headers and signature, and what its body is.

https://shopify.dev/docs/apps/build/webhooks. `wire` is the shape of the body, `order` its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from hashlib import sha256

from purchases.order import Order
from purchases.shops import delivery
from purchases.shops.delivery import DeliveryHead, NotAnOrder
from purchases.shops.shopify import wire
from purchases.shops.shopify.order import read_order


def read_headers(headers: Mapping[str, str]) -> DeliveryHead:
    """The head of a delivery. Of the two families of names the one without X- (Events) wins."""
    named = delivery.lower_names(headers)

    def header(name: str) -> str:
        return named.get(f"shopify-{name}") or named.get(f"x-shopify-{name}", "")

    return DeliveryHead(
        topic=_topic(header("topic"), action=header("action")),
        shop=_lower(header("shop-domain"))[:255],
        delivery_id=_delivery_id(header("webhook-id")),
        signature=delivery.signature_bytes(header("hmac-sha256")),
        api_version=header("api-version")[:20],
        triggered_at=header("triggered-at")[:40],
    )


def verify(body: bytes, *, head: DeliveryHead, secrets: Sequence[str]) -> bool:
    """Whether one of the app's `secrets` has signed `body`.

    https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
    """
    return delivery.is_signed(body, signature=head.signature, secrets=secrets)


def parse_order(body: bytes, *, topic: str, zone: tzinfo) -> Order | NotAnOrder:
    """The order in `body`, or what it is instead. Raises UnreadableOrder, and nothing else."""
    raw = delivery.decode(body, wire.ORDER)
    if reason := _not_an_order(raw, body, topic):
        return NotAnOrder(reason=reason)
    return read_order(raw, zone=zone)


def shop_domain(said: str) -> str | None:
    """The shop's permanent domain in lower case, or None where `said` isn't one.

    Takes `NAME.myshopify.com` or the address of the shop's admin: no other scheme, path or blank.
    """
    if not said.isascii():  # lower() makes an ASCII k of the Kelvin sign
        return None
    found = _DOMAIN.fullmatch(said.lower())
    return f"{found['name'] or found['store']}.myshopify.com" if found else None


_NAME = r"[a-z0-9][a-z0-9-]{0,59}"
_DOMAIN = re.compile(
    rf"(?P<name>{_NAME})\.myshopify\.com"
    rf"|https://admin\.shopify\.com/store/(?P<store>{_NAME})/?"
)


def _topic(said: str, *, action: str) -> str:
    """`orders/paid`, however it is spelt: ORDERS_PAID, orders.paid, or Order with an action."""
    topic = _lower(said)[:100]
    if action:
        return f"{topic}s/{_lower(action)[:50]}"
    if topic.startswith("orders_"):
        return topic.replace("_", "/", 1)
    return topic.replace(".", "/")


def _delivery_id(said: str) -> str:
    """The id as it was sent if it looks like one, else its hash: it becomes part of a key."""
    if re.fullmatch(r"[\x21-\x7e]{0,100}", said):
        return said
    return sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _lower(said: str) -> str:
    return said.lower() if said.isascii() else said


def _not_an_order(raw: wire.Order, body: bytes, topic: str) -> str:
    """Why `raw` is no order, or "". Its shape decides; the topic, unsigned, is asked last."""
    if isinstance(raw.financial_status, str):  # which no other resource has
        return ""
    for key, reason in _TELLTALES.items():
        if getattr(raw, key) is not None:
            return reason
    if raw.id is not None and delivery.is_bare(body, "id", "admin_graphql_api_id"):
        # A deleted order; else one that was too large for its transport and must be fetched.
        return "deleted" if topic == "orders/delete" else "stub"
    resource = topic.partition("/")[0]
    if resource in ("orders", "") and raw.order_id is None:
        return ""
    return _RESOURCES.get(resource, "other_topic")


_TELLTALES = {
    "order_edit": "order_edit",  # orders/edited has no order in it
    "abandoned_checkout_url": "checkout",
    "invoice_url": "draft_order",
    "refund_line_items": "refund",
    "payload_url": "stub",  # an Events delivery that was too large
}
_RESOURCES = {"checkouts": "checkout", "draft_orders": "draft_order", "refunds": "refund"}
