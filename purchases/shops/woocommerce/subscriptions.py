"""Which part an order has in a subscription, by what the plugins for them write on it.

WooCommerce Subscriptions marks renewals, resubscriptions and switches; a first order has no mark of
its own but those of its lines. https://woocommerce.com/document/subscriptions/develop/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from purchases.order import Sale, Source
from purchases.shops.reading import parts, text
from purchases.shops.woocommerce import wire

# In this order: a switch may be a renewal as well.
MARKS = {
    "_subscription_resubscribe": Sale.RESUBSCRIPTION,
    "_subscription_switch": Sale.SWITCH,
    "_subscription_renewal": Sale.RENEWAL,
    "is_a_renewal": Sale.RENEWAL,  # YITH
    "sumo_renewal_order": Sale.RENEWAL,
}
# Of a shopper's order: YITH's list of what it began; on a line the chosen scheme, or its trial.
BEGUN = ("subscriptions",)
LINE_MARKS = ("_wcsatt_scheme", "_has_trial")
UNKNOWN = re.compile(r"_?(?:[a-z0-9]+_)*subscriptions?(?:_[a-z0-9]+)*")
NO_SALE = re.compile(r"newsletter|e?mail|sms|push|marketing|consent|product|cache")
NOTHING: tuple[Any, ...] = (None, "", "0", 0, False, "no", "false", "none", [])


def sale_of(raw: wire.Order, *, source: Source, meta: Mapping[str, object]) -> Sale:
    """The order's part; `UNCLASSIFIED` where a plugin we do not know speaks of a subscription."""
    for mark, sale in MARKS.items():
        if mark in meta and meta[mark] not in NOTHING:
            return sale
    if source is Source.SUBSCRIPTION:
        return Sale.RENEWAL
    if any(mark in meta and meta[mark] not in NOTHING for mark in BEGUN):
        return Sale.FIRST
    if any(_is_unknown(key, value) for key, value in meta.items() if key not in MARKS):
        return Sale.UNCLASSIFIED
    for line in parts(raw.line_items, wire.Line):
        for item in parts(line.meta_data, wire.Meta):
            key = text(item.key, limit=100)
            if item.value in NOTHING or not (key in LINE_MARKS or _is_unknown(key, item.value)):
                continue
            return Sale.FIRST if source is Source.WEB else Sale.UNCLASSIFIED
    return Sale.ONE_OFF


def _is_unknown(key: str, value: object) -> bool:
    return (
        "subscription" in key
        and value not in NOTHING
        and UNKNOWN.fullmatch(key) is not None
        and not NO_SALE.search(key)
    )
