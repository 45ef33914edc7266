"""One order that is known to the last letter, and how to make others of it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from purchases.mapping import Rules
from purchases.meta.event import PurchaseEvent, Storefront, build_purchase
from purchases.order import (
    Address,
    Buyer,
    Click,
    Line,
    Order,
    Quote,
    Source,
    Standing,
    Visit,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PLACED = NOW - timedelta(hours=1)
STOREFRONT = Storefront(key="lyon", url="https://boutique.example")

BILLING = Address(
    origin="billing",
    first_name="Zoë",
    last_name="O'Brien",
    phone="06 12 34 56 78",
    city="Paris 15",
    region="Île-de-France",
    postcode="75015",
    country="FR",
)
VISIT = Visit(
    ips=(Quote(text="203.0.113.9", origin="browser_ip"),),
    user_agents=(Quote(text="Mozilla/5.0 (X11)", origin="client_details.user_agent"),),
    fbps=(Quote(text="fb.1.1763685000123.1098115397", origin="note_attributes._fbp"),),
    clicks=(Click(fbclid="IwAR0x-Y_z", at=None, origin="landing_site"),),
    landing_page="/products/scarf?fbclid=IwAR0x-Y_z&email=zoe%40example.com",
)
ORDER = Order(
    platform="shopify",
    shop_order_id="5678901234567",
    name="#1001",
    standing=Standing.PAID,
    status="paid",
    source=Source.WEB,
    placed_at=PLACED,
    entered_at=PLACED,
    updated_at=PLACED,
    currency="EUR",
    total=Decimal("42.50"),
    subtotal=Decimal("37.00"),
    tax=Decimal("7.08"),
    shipping=Decimal("5.50"),
    lines=(
        Line(
            product_id="1", variant_id="11", sku="SCARF-RED", quantity=Decimal(2), total=Decimal(20)
        ),
        Line(product_id="2", variant_id="12", quantity=Decimal("1.5"), total=Decimal(10)),
        Line(quantity=Decimal(1), total=Decimal(7)),
    ),
    buyer=Buyer(
        customer_id="777",
        emails=(Quote(text=" Zoe@Example.com", origin="email"),),
        addresses=(BILLING, replace(BILLING, origin="shipping")),
    ),
    visit=VISIT,
    order_key="wc_order_abc",
    checkout_token="c0ffee",
    attributes=(("_meta_event_id", "9f1d"), ("gift", "yes")),
)


def order(**changes: Any) -> Order:
    """The known order with `changes`."""
    return replace(ORDER, **changes)


def event(of: Order = ORDER, **rules: Any) -> PurchaseEvent:
    """The event of an order that is not skipped."""
    built = build_purchase(of, rules=Rules(**rules), storefront=STOREFRONT, now=NOW)
    assert isinstance(built, PurchaseEvent)
    return built
