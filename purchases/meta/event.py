"""An `Order` becomes the `PurchaseEvent` that Meta is told: its id, time, source, value and contents.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/server-event
https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/custom-data
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from msgspec import Struct

from purchases.decision import CLOCK_SKEW, Skip
from purchases.mapping import Rules
from purchases.meta.user_data import Finding, identify, is_matchable
from purchases.order import Line, Order, Source
from purchases.value import in_currency, money, worth

LONGEST_EVENT_ID = 200
LONGEST_CONTENT_ID = 100  # of an item in a Meta catalogue
# An order of 10,000 lines must still fit in a request, beside others; the first lines are sent.
MOST_CONTENTS = 500

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

EMAIL = re.compile(r"[^\s@/]+@[^\s@/]+\.[^\s@/]+")
# What a page's path may give away: an address, a phone or card number, a log-in or reset token.
PRIVATE_IN_PATH = re.compile(r"@|(?:[0-9][ ().-]?){9}|[0-9A-Za-z]{24}")
ADMIN = re.compile(r"/(?:admin|wp-admin)(?:/|$)")  # no shopper has been there
LONGEST_PATH = 500


class Storefront(Struct, frozen=True, kw_only=True):
    """The shop as its buyers see it: `key` is unique in the workspace, `url` its home page."""

    key: str
    url: str


class Content(Struct, frozen=True, kw_only=True):
    """One line of the order, by its id in Meta's catalogue."""

    id: str
    quantity: int
    item_price: Decimal


class CustomData(Struct, frozen=True, kw_only=True):
    """What was bought; money in major units with the currency's own number of decimals."""

    value: Decimal
    currency: str
    content_type: str
    contents: tuple[Content, ...]
    order_id: str


class PurchaseEvent(Struct, frozen=True, kw_only=True):
    """What Meta will be told. `rules` say how it was made, for the preview; Meta does not see them."""

    event_name: str
    event_time: datetime
    event_id: str
    action_source: str
    event_source_url: str  # "" where there is none
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
    event_id = _event_id(order, strategy=rules.event_id, storefront=storefront)
    if not event_id:
        return Skip(reason="event_id_missing")
    value = worth(order, rules=rules)
    if value is None:
        return Skip(reason="cost_missing")
    findings = identify(order, now=now, own_domain=_own_domain(storefront.url))
    if not is_matchable(findings):
        return Skip(reason="unmatchable")
    action_source = ACTION_SOURCES[order.source]
    return PurchaseEvent(
        event_name="Purchase",
        event_time=_event_time(order.placed_at, now=now),
        event_id=event_id,
        action_source=action_source,
        event_source_url=_page(order, storefront) if action_source == "website" else "",
        findings=findings,
        custom=_custom_data(order, value=value, rules=rules),
        rules=rules,
    )


def _event_id(order: Order, *, strategy: str, storefront: Storefront) -> str:
    """The order's id under `strategy`, or "" where the order has none that Meta would take."""
    ids = {
        "order_id": order.shop_order_id,
        "order_name": order.name,
        "order_key": order.order_key,
        "checkout_token": order.checkout_token,
    }
    kind, _, argument = strategy.partition(":")
    match kind:
        case "meta" | "attribute":
            event_id = order.attribute(argument)
        case "template":
            event_id = _filled(argument, ids | {"shop": storefront.key})
        case _:
            event_id = ids[kind]
    event_id = event_id.strip()
    if len(event_id) > LONGEST_EVENT_ID or ("@" in event_id and EMAIL.search(event_id)):
        return ""
    return event_id


def _event_time(placed_at: datetime, *, now: datetime) -> datetime:
    """When the order was placed, never when it is sent: a replay must not move a sale in time.

    A shop's clock that runs a little ahead is set right: Meta refuses times to come.
    """
    return now if now < placed_at <= now + CLOCK_SKEW else placed_at


def _page(order: Order, storefront: Storefront) -> str:
    """The page of the shop that the shopper came to, without its query; else the home page.

    A landing page on a host other than the shop's, or whose path may hold something private, is not
    told. Queries go whole: they hold click ids (sent as fbc), searches and addresses.
    """
    home = _home(storefront.url)
    if home is None:
        return ""
    landing = _parts(order.visit.landing_page)
    path = home[1]
    if landing is not None and _host(landing[0]) in ("", _host(home[0])):
        path = landing[1] or "/"
    if len(path) > LONGEST_PATH or ADMIN.match(path) or PRIVATE_IN_PATH.search(unquote(path)):
        path = "/"
    return home[0] + (quote(path, safe="/%!$&'()*+,;=:~") or "/")


def _parts(url: str) -> tuple[str, str] | None:
    """The origin ("" for a bare path) and the path of an http(s) address; None for others."""
    url = url.strip()
    if url[:1] == "/" != url[1:2] and url.isprintable():  # most landing pages, without urlsplit
        return "", url.partition("?")[0].partition("#")[0]
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", parts.path
    except ValueError:
        return None
    is_path = not parts.scheme and not parts.netloc and parts.path.startswith("/")
    return ("", parts.path) if is_path else None


@lru_cache(maxsize=1_000)
def _own_domain(url: str) -> str:
    """The shop's domain, as its mailboxes have it: shop.example of https://www.shop.example/fr."""
    home = _home(url)
    return _host(home[0]).partition(":")[0] if home else ""


_home = lru_cache(maxsize=1_000)(_parts)


def _host(origin: str) -> str:
    return origin.partition("://")[2].lower().removeprefix("www.")


def _custom_data(order: Order, *, value: Decimal, rules: Rules) -> CustomData:
    return CustomData(
        value=value,
        currency=order.currency,
        content_type=_content_type(order, strategy=rules.content_id),
        contents=_contents(order, strategy=rules.content_id),
        order_id=order.shop_order_id,
    )


def _contents(order: Order, *, strategy: str) -> tuple[Content, ...]:
    """The lines that have an id under `strategy`; no other id stands in for a missing one.

    The catalogue knows its items by one kind of id: a SKU among variant ids is a product nobody
    has. Left out as well are tips, custom items and lines that take away.
    """
    contents: list[Content] = []
    country = order.country
    for line in order.lines:
        content_id = _content_id(line, strategy=strategy, country=country)
        if content_id and line.quantity > 0 and line.total >= 0:
            contents.append(_content(line, content_id=content_id, currency=order.currency))
    return tuple(contents[:MOST_CONTENTS])


def _content(line: Line, *, content_id: str, currency: str) -> Content:
    """Meta counts whole items. Of 1.5 kg it hears 2, at a price that keeps the line's total."""
    quantity = math.ceil(line.quantity)
    each = line.total if quantity == 1 else line.total / quantity
    return Content(id=content_id, quantity=quantity, item_price=money(each, currency))


def _content_id(line: Line, *, strategy: str, country: str) -> str:
    content_id: str
    if strategy.startswith("template:"):
        ids = {"sku": line.sku, "variant_id": line.variant_id, "product_id": line.product_id}
        content_id = _filled(strategy.removeprefix("template:"), ids | {"country": country})
    else:
        content_id = getattr(line, strategy).strip()
    if len(content_id) > LONGEST_CONTENT_ID or ("@" in content_id and EMAIL.search(content_id)):
        return ""
    return content_id


def _content_type(order: Order, *, strategy: str) -> str:
    """`product_group` where the ids are those of products that come in variants."""
    names_products = strategy == "product_id" or (
        "{product_id}" in strategy and "{variant_id}" not in strategy and "{sku}" not in strategy
    )
    if names_products and any(line.variant_id not in ("", line.product_id) for line in order.lines):
        return "product_group"
    return "product"


def _filled(template: str, values: Mapping[str, str]) -> str:
    """`template` with its {fields}, or "" where the order lacks one of them."""
    names = re.findall(r"\{(\w+)\}", template)
    if not all(values.get(name) for name in names):
        return ""
    return re.sub(r"\{(\w+)\}", lambda field: values[field[1]], template)
