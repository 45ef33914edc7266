"""From the shape of a body to an `Order`: what Shopify's words mean.

Where a sentence of Shopify's documentation decided, it is
https://shopify.dev/docs/api/admin-rest/latest/resources/order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from functools import lru_cache

from msgspec.structs import replace

from purchases.order import (
    IMPORTED_AFTER,
    Address,
    Buyer,
    Delivery,
    Order,
    Sale,
    Source,
    Standing,
    Visit,
)
from purchases.shops import reading
from purchases.shops.reading import ZERO, Part, first_moment, money, part, parts, quotes, text
from purchases.shops.shopify import amounts, wire
from purchases.shops.shopify.subscriptions import sale_of


def read_order(raw: wire.Order, *, zone: tzinfo) -> Order:
    """The order. `zone` is the shop's, for a time without offset. Raises UnreadableOrder."""
    shop_order_id = reading.order_id(raw.id, field="id")
    created, processed = (raw.created_at, zone), (raw.processed_at, zone)
    entered_at = placed_at = first_moment(created, processed, field="created_at")
    if raw.processed_at != raw.created_at:
        # It is when the sale happened; who imports a history says so there.
        placed_at = first_moment(processed, created, field="processed_at")
    source = _source(raw)
    if source not in (Source.WEB, Source.POS) and entered_at - placed_at <= IMPORTED_AFTER:
        placed_at = entered_at  # a program may write anything there; a history stays one
    payment_method = _payment_method(raw)
    tags = _tags(raw.tags)
    sale = sale_of(raw, source=source, tags=tags)
    if sale is Sale.RENEWAL:
        source = Source.SUBSCRIPTION  # whichever program wrote it: no shopper was present
    lines = amounts.read_lines(raw)
    shipping, shipping_tax = amounts.read_shipping(raw)
    notes = parts(raw.note_attributes, wire.Note)
    noted = [(text(note.name, limit=100), note.value) for note in notes]
    return Order(
        platform="shopify",
        shop_order_id=shop_order_id,
        name=text(raw.name, limit=100) or text(raw.order_number) or shop_order_id,
        standing=_standing(raw),
        status=text(raw.financial_status, limit=50),
        source=source,
        sale=sale,
        test=raw.test is True or text(raw.test).lower() in ("true", "1"),
        stages=_stages(raw),
        completed=raw.fulfillment_status == "fulfilled",
        payment_method=payment_method,
        payment_kind=_PAYMENT_KINDS.get(payment_method.lower(), ""),
        tags=tags,
        delivery=_delivery(raw, source),
        placed_at=placed_at,
        entered_at=entered_at,
        updated_at=reading.moment(raw.updated_at, zone=zone) or entered_at,
        currency=reading.currency(raw.currency, field="currency"),
        total=amounts.read_total(raw),
        subtotal=amounts.read_subtotal(raw, lines),
        tax=money(raw.total_tax) or ZERO,
        taxes_included=raw.taxes_included is True,
        shipping=shipping,
        shipping_tax=shipping_tax,
        tips=amounts.read_tips(raw),
        duties=amounts.read_of_shop(raw.original_total_duties_set),
        fees=amounts.read_of_shop(raw.original_total_additional_fees_set),
        rounding=amounts.read_of_shop(raw.total_cash_rounding_payment_adjustment_set),
        refunded=amounts.read_refunded(raw),
        presented=amounts.read_presented(raw, lines),
        lines=lines,
        buyer=_buyer(raw, noted),
        visit=_visit(raw, source, dict(noted)),
        checkout_token=text(raw.checkout_token, limit=200),
        cart_token=text(raw.cart_token, limit=200),
        attributes=reading.attributes(noted),
    )


def _standing(raw: wire.Order) -> Standing:
    if text(raw.cancelled_at):
        return Standing.CANCELLED  # whatever was paid or given back
    match raw.financial_status:
        case "paid" | "partially_refunded":
            return Standing.PAID
        case "refunded":
            return Standing.REFUNDED
        case "voided" | "expired":  # an authorisation that was given up, or ran out
            return Standing.VOIDED
        case _:
            # pending, authorized, partially_paid, and whatever Shopify may add: the order is there,
            # and nothing says that all of its money is.
            return Standing.PLACED


_SOURCES = {
    "web": Source.WEB,
    "580111": Source.WEB,  # the online store's app id
    "pos": Source.POS,
    "129785": Source.POS,
    "shopify_draft_order": Source.DRAFT,
    # Names reserved for Shopify's own phone apps, which are in the hands of staff.
    "iphone": Source.ADMIN,
    "android": Source.ADMIN,
}


def _source(raw: wire.Order) -> Source:
    name = text(raw.source_name) or text(raw.app_id)
    if source := _SOURCES.get(name):
        return source
    if name.startswith("subscription_contract"):
        return Source.SUBSCRIPTION
    # Any other number is an app: a sales channel, or a program that writes orders.
    return Source.API if name.isdecimal() else Source.OTHER


def _stages(raw: wire.Order) -> tuple[str, ...]:
    """Paid, fulfilled, and where the goods are if all parcels are there."""
    paid = text(raw.financial_status, limit=50).lower()
    if raw.fulfillment_status is None:  # most orders, when they are told of first
        return (paid,) if paid else ()
    fulfillments = parts(raw.fulfillments, wire.Fulfillment)
    parcels = {
        text(parcel.shipment_status, limit=50)
        for parcel in fulfillments
        if parcel.status != "cancelled"
    }
    sent = text(raw.fulfillment_status, limit=50)
    there = parcels.pop() if len(parcels) == 1 and sent == "fulfilled" else ""
    return tuple([word.lower() for word in (paid, sent, there) if word])


# The ways of paying that Shopify calls manual, under the names that WooCommerce gives them.
_PAYMENT_KINDS = {
    "cash on delivery (cod)": "cod",
    "cash on delivery": "cod",
    "bank deposit": "bacs",
    "money order": "cheque",
}


def _payment_method(raw: wire.Order) -> str:
    """The first that is named: of an order that a gift card pays in part, what pays the rest."""
    names = raw.payment_gateway_names
    if not isinstance(names, list) or not names:
        return text(raw.gateway, limit=100)
    if names[0] != "gift_card":
        return text(names[0], limit=100)
    return text(next((name for name in names if name != "gift_card"), names[0]), limit=100)


_PICKUP = re.compile(
    r"pick.?up|collect(?:ion)?\b|in.?store|retrait|abholung|ritiro|recogida|odbiór", re.IGNORECASE
)


def _delivery(raw: wire.Order, source: Source) -> Delivery | None:
    """By the name of the way of shipping: Shopify's orders have no word for picking up."""
    for line in parts(raw.shipping_lines, wire.ShippingLine):
        if line.is_removed is not True:
            return _delivery_of(text(line.title, limit=200))
    return Delivery.PICKUP if source is Source.POS else None


@lru_cache(maxsize=1_000)  # a shop has a handful of ways
def _delivery_of(title: str) -> Delivery:
    if "curbside" in title.lower():
        return Delivery.CURBSIDE
    return Delivery.PICKUP if _PICKUP.search(title) else Delivery.HOME


def _tags(said: object) -> tuple[str, ...]:
    tags = [tag.strip() for tag in text(said, limit=10_000).split(",")]
    return tuple([tag for tag in tags if tag])


def _buyer(raw: wire.Order, noted: Sequence[tuple[str, object]]) -> Buyer:
    customer = part(raw.customer, wire.Customer)
    count = customer.orders_count
    birth_dates, genders = reading.personal(noted, origin="note_attributes") if noted else ((), ())
    return Buyer(
        customer_id=reading.reference(customer.id),
        # The order's own come first: they stay when the customer is removed from it.
        emails=quotes(
            ("email", raw.email),
            ("contact_email", raw.contact_email),
            ("customer.email", customer.email),
        ),
        phones=quotes(("phone", raw.phone), ("customer.phone", customer.phone)),
        first_names=quotes(("customer.first_name", customer.first_name)),
        last_names=quotes(("customer.last_name", customer.last_name)),
        birth_dates=birth_dates,
        genders=genders,
        addresses=_addresses(
            ("billing", raw.billing_address),
            ("shipping", raw.shipping_address),
            ("customer", customer.default_address),
        ),
        orders_count=count if isinstance(count, int) and not isinstance(count, bool) else None,
    )


_NOWHERE = Address(origin="")


def _addresses(*found: tuple[str, Part[wire.Address]]) -> tuple[Address, ...]:
    """Those that say something. Most orders repeat one, which is read once."""
    addresses: list[Address] = []
    last, read = None, _NOWHERE
    for origin, raw in found:
        if not isinstance(raw, wire.Address):
            continue
        if raw != last:
            last, read = raw, _address(raw)
        if read != _NOWHERE:
            addresses.append(replace(read, origin=origin))
    return tuple(addresses)


def _address(raw: wire.Address) -> Address:
    return Address(
        origin="",
        first_name=text(raw.first_name),
        last_name=text(raw.last_name),
        phone=text(raw.phone),
        city=text(raw.city),
        region=text(raw.province_code) or text(raw.province),
        postcode=text(raw.zip),
        country=text(raw.country_code) or text(raw.country),
    )


def _visit(raw: wire.Order, source: Source, notes: Mapping[str, object]) -> Visit:
    """The shopper's browser, as the order and its note attributes tell of it.

    On a draft, and in a till, the browser is that of staff: only what a theme or a program has
    written down as the shopper's own counts. On a renewal that too is a copy of something old.
    """
    if source is Source.SUBSCRIPTION:
        return Visit()
    noted = Visit(
        fbps=quotes(*_noted(notes, "_fbp", "fbp")),
        fbcs=quotes(*_noted(notes, "_fbc", "fbc")),
        clicks=reading.clicks(
            *[(origin, said, None) for origin, said in _noted(notes, "fbclid", "_fbclid")]
        ),
    )
    if source is not Source.WEB:
        return noted
    client = part(raw.client_details, wire.Client)
    landing_page = text(raw.landing_site, limit=2000)
    # Shopify does not say when the page was opened.
    landing = reading.clicks(("landing_site", reading.fbclid_of(raw.landing_site), None))
    return replace(
        noted,
        # Either may be null while the other is not.
        ips=quotes(
            ("browser_ip", raw.browser_ip), ("client_details.browser_ip", client.browser_ip)
        ),
        user_agents=quotes(
            ("client_details.user_agent", client.user_agent),
            *_noted(notes, "_user_agent", "user_agent"),
        ),
        clicks=noted.clicks + landing,
        landing_page=landing_page,
        referrer=text(raw.referring_site, limit=2000),
    )


def _noted(notes: Mapping[str, object], *names: str) -> list[tuple[str, object]]:
    return [(f"note_attributes.{name}", notes[name]) for name in names if name in notes]
