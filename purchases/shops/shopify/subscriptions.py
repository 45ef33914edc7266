"""Which part an order has in a subscription, by Shopify's selling plans and the tags that apps leave.

Shopify itself only says that a line has a plan, and that a contract has made the order. Recharge, Skio
and others tag orders "Subscription First Order" and "Subscription Recurring Order".
https://shopify.dev/docs/apps/build/purchase-options/subscriptions
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from purchases.order import Sale, Source
from purchases.shops.reading import parts
from purchases.shops.shopify import wire

WORD = re.compile(r"[^\W_]+")
COUNT = re.compile(r"subscription order:? *#?([0-9]+)")
# What makes a tag one of a subscription; a subscriber of a newsletter is none.
ENGINES = frozenset(["subscription", "subscriptions", "appstle", "recharge", "skio", "smartrr"])
FIRST = frozenset(["first", "initial", "new"])
RENEWAL = frozenset(["recurring", "renewal", "renewed", "repeat", "rebill"])
RETURN = frozenset(["resubscribed", "resubscription", "reactivated", "reactivation"])
NO_SALE = frozenset(
    ["newsletter", "email", "sms", "marketing", "no", "non", "cancelled", "canceled"]
)


def sale_of(raw: wire.Order, *, source: Source, tags: Iterable[str]) -> Sale:
    """The order's part; `UNCLASSIFIED` where there is a subscription and nobody says which part."""
    said = {sale for tag in tags if (sale := _said_by(tag))}
    if source is Source.SUBSCRIPTION:
        return Sale.RESUBSCRIPTION if Sale.RESUBSCRIPTION in said else Sale.RENEWAL
    classes = said - {Sale.UNCLASSIFIED}
    if len(classes) == 1:
        return classes.pop()
    has_plan = any(
        line.selling_plan_id is not None or line.selling_plan_allocation is not None
        for line in parts(raw.line_items, wire.Line)
    )
    if has_plan and not classes and source in (Source.WEB, Source.POS):
        return Sale.FIRST  # somebody chose the plan: a contract's own orders have no shopper
    return Sale.UNCLASSIFIED if has_plan or said else Sale.ONE_OFF


def _said_by(tag: str) -> Sale | None:
    lower = tag.lower()
    if "subscri" not in lower and not any(engine in lower for engine in ENGINES):  # most tags
        return None
    words = set(WORD.findall(lower))
    if counted := COUNT.fullmatch(lower):
        return Sale.FIRST if int(counted[1]) == 1 else Sale.RENEWAL
    if words & RETURN:
        return Sale.RESUBSCRIPTION
    if not words & ENGINES or words & NO_SALE:
        return None
    if words & RENEWAL:
        return Sale.RENEWAL
    return Sale.FIRST if words & FIRST else Sale.UNCLASSIFIED
