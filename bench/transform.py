"""An order's bytes to Meta's bytes: the product against Meta's own SDK and a hand-tuned limit."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from phonenumbers import is_valid_number, parse

from bench.report import Report, alternating
from bench.rivals import limit, sdk
from purchases.mapping import Rules
from purchases.meta.event import PurchaseEvent, Storefront, build_purchase
from purchases.meta.payload import encode, request_body
from purchases.order import Order
from purchases.shops import shopify
from sandbox.orders import stories

ORDERS = 1_000


def measure(report: Report) -> None:
    """T1, T2 and T3, on CPU time."""
    bodies = paid_bodies(ORDERS)
    cpu = alternating(
        5,
        product=lambda: per_order(product_event, bodies),
        limit=lambda: per_order(limit.event, bodies),
        strict=lambda: per_order(limit.strict_event, bodies),
        sdk=lambda: per_order(sdk.event, bodies),
        product_batch=lambda: per_batch(product_batch, bodies),
        sdk_batch=lambda: per_batch(sdk.batch, bodies),
    )
    report.note("one event, CPU", f"{cpu['product'] * 1e6:.0f} µs")
    report.note("the limit, phones by the library alone", f"{cpu['strict'] * 1e6:.0f} µs")
    report.note("the limit, CPU", f"{cpu['limit'] * 1e6:.0f} µs")
    report.note("Meta's SDK, CPU", f"{cpu['sdk'] * 1e6:.0f} µs")
    report.at_most("T1", "one event against the limit", cpu["product"] / cpu["limit"], 1.7)
    report.at_least("T2", "one event against Meta's SDK", cpu["sdk"] / cpu["product"], 3.5)
    ratio = cpu["sdk_batch"] / cpu["product_batch"]
    report.at_least("T3", "1,000 bodies to a request body against the SDK", ratio, 5)


def paid_bodies(count: int) -> list[bytes]:
    """The bodies of orders that are reported, with phone numbers that exist, as real ones mostly do.

    Many that the sandbox invents are kept free for films, and take `phonenumbers` longest to refuse.
    """
    told = stories(platform="shopify", count=3 * count, now=datetime.now(UTC), kinds=("card",))
    bodies = [body for story in told if has_real_phone(body := story.steps[-1].body)]
    return bodies[:count]


def has_real_phone(body: bytes) -> bool:
    """Whether the buyer's number, if there is one, is in use somewhere."""
    phone, country = limit.phone_of(limit.decoder.decode(body))
    return not phone or is_valid_number(parse(phone, country))


def product_event(body: bytes) -> bytes:
    """What the inbox and the outbox do between the database's two sides."""
    order = shopify.parse_order(body, topic="orders/paid", zone=UTC)
    assert isinstance(order, Order)
    event = build_purchase(order, rules=RULES, storefront=STOREFRONT, now=NOW)
    assert isinstance(event, PurchaseEvent), event
    return encode(event)


def product_batch(bodies: list[bytes]) -> bytes:
    """The same, to the body of one request."""
    return request_body([product_event(body) for body in bodies])


def per_order(make: Callable[[bytes], bytes], bodies: list[bytes]) -> float:
    """CPU seconds an order."""
    begun = time.process_time()
    for body in bodies:
        make(body)
    return (time.process_time() - begun) / len(bodies)


def per_batch(make: Callable[[list[bytes]], bytes], bodies: list[bytes]) -> float:
    """CPU seconds an order, in a batch."""
    begun = time.process_time()
    make(bodies)
    return (time.process_time() - begun) / len(bodies)


RULES, STOREFRONT = Rules(), Storefront(key="lyon", url="https://lyon.example")
NOW = datetime.now(UTC)
