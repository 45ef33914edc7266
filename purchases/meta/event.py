"""An `Order` becomes the `PurchaseEvent` that Meta is told: its id, time, source, value and contents.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/server-event
https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/custom-data
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from purchases.consent import Permission, permission_of
from purchases.decision import CLOCK_SKEW, Skip, happened_at
from purchases.event_ids import event_id_of
from purchases.mapping import Rules
from purchases.meta.contents import Content, content_type_of, contents_of
from purchases.meta.messaging import CHANNEL, chat_click
from purchases.meta.page import own_domain, page_of
from purchases.meta.processing import Limit, limit_of
from purchases.meta.user_data import Finding, identify, is_matchable
from purchases.order import Delivery, Order, Source
from purchases.value import MONEY, in_currency, margin, money, worth

DELIVERY_CATEGORIES = {
    Delivery.HOME: "home_delivery",
    Delivery.PICKUP: "in_store",
    Delivery.CURBSIDE: "curbside",
}
AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")

# The sender vouches for it, so nothing is called a website order that no shopper made on a website.
ACTION_SOURCES = {
    Source.WEB: "website",
    Source.APP: "other",  # "app" demands app_data about the device, which no webhook carries
    Source.POS: "physical_store",
    Source.DRAFT: "other",  # phone, e-mail or counter: the shop does not say which
    Source.ADMIN: "other",
    Source.SUBSCRIPTION: "system_generated",
    Source.API: "other",
    Source.OTHER: "other",
}


class Storefront(Struct, frozen=True, kw_only=True):
    """The shop as its buyers see it: `key` is unique in the workspace, `url` its home page."""

    key: str
    url: str


class CustomData(Struct, frozen=True, kw_only=True):
    """What was bought; money in major units with the currency's own number of decimals."""

    value: Decimal
    currency: str
    content_type: str
    contents: tuple[Content, ...]
    order_id: str
    customer_segmentation: str = ""
    delivery_category: str = ""
    net_revenue: Decimal | None = None
    predicted_ltv: Decimal | None = None


class PurchaseEvent(Struct, frozen=True, kw_only=True):
    """What Meta will be told. `rules` say how it was made, for the preview; Meta does not see them."""

    event_name: str
    event_time: datetime
    event_id: str
    action_source: str
    event_source_url: str  # "" where there is none
    messaging_channel: str = ""
    limit: Limit | None = None  # of what Meta may do with it
    findings: tuple[Finding, ...]
    custom: CustomData
    rules: Rules


def build_purchase(
    order: Order, *, rules: Rules, storefront: Storefront, now: datetime
) -> PurchaseEvent | Skip:
    """The event for `order` under a mapping's `rules`; `now` is aware.

    Skips where the order has no id under the strategy (`event_id_missing`), where the cost of a line is
    needed and not known (`cost_missing`), and where the order says too little about the buyer for Meta
    to take it (`unmatchable`).
    """
    order = in_currency(order, rules.currency)
    event_id = event_id_of(order, strategy=rules.event_id, shop=storefront.key)
    if not event_id:
        return Skip(reason="event_id_missing")
    value = worth(order, rules=rules)
    if value is None:
        return Skip(reason="cost_missing")
    findings = identify(order, now=now, own_domain=own_domain(storefront.url))
    if not is_matchable(findings):
        return Skip(reason="unmatchable")
    if chat := chat_click(order, rules):
        findings += chat
    action_source = "business_messaging" if chat else _action_source(order.source, rules)
    return PurchaseEvent(
        event_name=rules.event,
        event_time=_event_time(happened_at(order, rules=rules), now=now),
        event_id=event_id,
        action_source=action_source,
        event_source_url=(
            page_of(order.visit.landing_page, home_page=storefront.url)
            if action_source == "website"
            else ""
        ),
        messaging_channel=CHANNEL if chat else "",
        limit=(
            limit_of(order) if permission_of(order, rules.consent) is Permission.LIMITED else None
        ),
        findings=findings,
        custom=_custom_data(order, value=value, rules=rules),
        rules=rules,
    )


def _action_source(source: Source, rules: Rules) -> str:
    """Where the sale was made, as the mapping says, else as we know of the source."""
    if rules.action_source:
        return dict(rules.action_source).get(source) or ACTION_SOURCES[source]
    return ACTION_SOURCES[source]


def _event_time(at: datetime, *, now: datetime) -> datetime:
    """When the order was placed, never when it is sent: a replay must not move a sale in time.

    A shop's clock that runs a little ahead is set right: Meta refuses times to come.
    """
    return now if now < at <= now + CLOCK_SKEW else at


def _custom_data(order: Order, *, value: Decimal, rules: Rules) -> CustomData:
    return CustomData(
        value=value,
        currency=order.currency,
        content_type=content_type_of(order, strategy=rules.content_id),
        # Of a refund nobody says which goods came back.
        contents=(() if rules.tells_refunds else contents_of(order, strategy=rules.content_id)),
        order_id=order.shop_order_id,
        customer_segmentation=_segment(order),
        delivery_category=(
            DELIVERY_CATEGORIES[order.delivery]
            if order.delivery and "delivery_category" in rules.also_send
            else ""
        ),
        net_revenue=margin(order, rules=rules) if "net_revenue" in rules.also_send else None,
        predicted_ltv=_predicted_ltv(order, value, rules.predicted_ltv),
    )


def _segment(order: Order) -> str:
    """Whether the buyer is new, where the shop says how many orders they have made."""
    match order.is_returning:
        case True:
            return "existing_customer_to_business"
        case False:
            return "new_customer_to_business"
        case None:
            return ""


def _predicted_ltv(order: Order, value: Decimal, how: str) -> Decimal | None:
    """What the buyer will be worth: so many times the value, or what the shop has noted."""
    if not how:
        return None
    if how.endswith("x") and ":" not in how:
        return money(MONEY.multiply(value, Decimal(how[:-1])), order.currency)
    noted = order.attribute(how.partition(":")[2])
    return money(Decimal(noted), order.currency) if AMOUNT.fullmatch(noted) else None
