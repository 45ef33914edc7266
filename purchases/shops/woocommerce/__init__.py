"""WooCommerce's dialect: a delivery's headers and signature, and what its body is.

The body is rendered when it is delivered, not when something happened: the topic tells nothing that
the body doesn't tell better. `wire` is its shape, `order` its meaning.
https://woocommerce.com/document/webhooks/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import tzinfo

from purchases.order import Order
from purchases.shops import delivery
from purchases.shops.delivery import DeliveryHead, NotAnOrder, UnreadableOrder
from purchases.shops.woocommerce import wire
from purchases.shops.woocommerce.order import read_order


def read_headers(headers: Mapping[str, str]) -> DeliveryHead:
    """The head of a delivery, without its id: that hashes the webhook and the second, no more."""
    named = delivery.lower_names(headers)
    return DeliveryHead(
        topic=named.get("x-wc-webhook-topic", "")[:100],
        shop=named.get("x-wc-webhook-source", "")[:500],
        signature=delivery.signature_bytes(named.get("x-wc-webhook-signature", "")),
    )


def verify(body: bytes, *, head: DeliveryHead, secrets: Sequence[str]) -> bool:
    """Whether one of the webhook's `secrets` has signed `body`.

    WooCommerce signs with the secret after decoding its HTML entities, so the key of `a&amp;b` is
    `a&b` (WC_Webhook::generate_signature). Both spellings are tried.
    """
    spellings = dict.fromkeys(key for secret in secrets for key in (secret, _decoded(secret)))
    return delivery.is_signed(body, signature=head.signature, secrets=spellings)


def parse_order(body: bytes, *, topic: str, zone: tzinfo) -> Order | NotAnOrder:
    """The order in `body`, or what it is instead. Raises UnreadableOrder, and nothing else."""
    raw = delivery.decode(body, wire.ORDER)
    if reason := _not_an_order(raw, body, topic):
        return NotAnOrder(reason=reason)
    return read_order(raw, zone=zone)


# wp_specialchars_decode with ENT_QUOTES knows these entities only, and decodes each once:
# https://developer.wordpress.org/reference/functions/wp_specialchars_decode/
_ENTITY = re.compile(
    r"&(?:(?P<amp>amp|#0*38|#[xX]0*26)|(?P<lt>lt|#0*60)|(?P<gt>gt|#0*62)"
    r"|(?P<quot>quot|#0*34|#[xX]0*22)|(?P<apos>#0*39|#[xX]0*27));"
)
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def _decoded(secret: str) -> str:
    return _ENTITY.sub(lambda found: _CHARACTERS[found.lastgroup or ""], secret)


def _not_an_order(raw: wire.Order, body: bytes, topic: str) -> str:
    """Why `raw` is no order, or "". Raises UnreadableOrder for what should have been one."""
    if raw.id is None:
        if raw.code is not None and raw.data is not None:
            # The user who owns the webhook may no longer see orders: the REST API's refusal was
            # signed and sent in place of the order.
            raise UnreadableOrder("shop_error", field="code")
        if isinstance(raw.order, dict):
            raise UnreadableOrder("unsupported_api", field="order", detail="API version WP REST v3")
        if raw.action is not None:
            return "hint"  # an action.* topic: a name and an id
    elif delivery.is_bare(body, "id"):
        return "deleted"
    if raw.billing_period is not None:
        return "other_topic"  # a subscription; its renewals come as orders
    if raw.order_key is None and topic and not topic.startswith("order."):
        return "other_topic"
    return ""
