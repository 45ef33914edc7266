"""What becomes of bytes that a shop has signed: the answer, the delivery, the events."""

import json
from types import SimpleNamespace
from typing import Any

from conversions.models import ConversionEvent
from shop_webhooks.models import WebhookDelivery
from stores.models import Store
from tests.pipeline import an_order, post_to_shopify_door, post_to_woocommerce_door, read_all

ACCEPTED = {"status": "accepted"}
OWED = ("pending", "")


def unreadable(*reasons: str) -> SimpleNamespace:
    """The body is kept, no event comes of it; for one of `reasons`, if they are given."""
    return SimpleNamespace(delivery="unreadable", reasons=reasons, events=set())


def recorded(*events: tuple[str, str]) -> SimpleNamespace:
    """The order stands in the ledger, as these (state, reason)."""
    return SimpleNamespace(delivery="recorded", reasons=(), events=set(events or (OWED,)))


def skipped(*reasons: str) -> SimpleNamespace:
    return SimpleNamespace(delivery="skipped", reasons=reasons, events=set())


def meets(body: bytes, *, store: Store, expected: SimpleNamespace, **request: Any) -> None:
    """Posted and read, the body comes to what is expected, and the next good order goes its way."""
    post = post_to_shopify_door if store.platform == "shopify" else post_to_woocommerce_door
    answer = post(body, store=store, **request)
    assert (answer.status_code, answer.json()) == (200, ACCEPTED)
    read_all()
    delivery = WebhookDelivery.objects.get()
    assert delivery.state == expected.delivery, (delivery.state, delivery.reason)
    if expected.reasons:
        assert delivery.reason in expected.reasons
    assert set(ConversionEvent.objects.values_list("state", "reason")) == expected.events


def order(**changes: Any) -> bytes:
    return an_order(1001, **changes)


def order_without(*names: str) -> bytes:
    found = json.loads(an_order(1001))
    for name in names:
        del found[name]
    return json.dumps(found).encode()


def order_with_raw(name: str, raw: str) -> bytes:
    """An order one of whose values is spelt `raw`, which need not be JSON."""
    return order(**{name: "@@"}).replace(b'"@@"', raw.encode())
