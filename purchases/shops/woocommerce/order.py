"""From the shape of a body to an `Order`: what WooCommerce's words mean.

https://developer.woocommerce.com/docs/apis/rest-api/v3/orders/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from purchases.order import Address, Buyer, Delivery, Line, Order, Source, Standing, Visit
from purchases.shops import reading
from purchases.shops.reading import (
    ZERO,
    Part,
    first_moment,
    moment,
    money,
    part,
    parts,
    quotes,
    reference,
    sum_of,
    text,
)
from purchases.shops.woocommerce import wire
from purchases.shops.woocommerce.subscriptions import sale_of

ATTRIBUTION = "_wc_order_attribution_"
# Meta for WooCommerce and PixelYourSite note on the order that the thank-you page has told Meta.
BROWSER_FLAGS = ("_meta_purchase_tracked_browser", "_pys_purchase_event_fired")


def read_order(raw: wire.Order, *, zone: tzinfo) -> Order:
    """The order. `zone` is the shop's, for its local times. Raises UnreadableOrder."""
    shop_order_id = reading.order_id(raw.id, field="id")
    created_at = first_moment(
        (raw.date_created_gmt, UTC), (raw.date_created, zone), field="date_created_gmt"
    )
    paid_at = _moment(raw.date_paid_gmt, raw.date_paid, zone)
    metas = parts(raw.meta_data, wire.Meta)
    noted = [(text(meta.key, limit=100), meta.value) for meta in metas]
    meta = dict(noted)
    source = _source(raw, meta)
    status = text(raw.status, limit=50).lower().removeprefix("wc-")
    lines = _lines(raw)
    fees, fees_tax = _fees(raw)
    return Order(
        platform="woocommerce",
        shop_order_id=shop_order_id,
        name=text(raw.number, limit=100) or shop_order_id,
        standing=_standing(status, paid=paid_at is not None),
        status=status,
        source=source,
        sale=sale_of(raw, source=source, meta=meta),
        stages=(status,) if status else (),
        completed=status == "completed",
        payment_method=text(raw.payment_method, limit=100),
        delivery=_delivery(raw, source),
        placed_at=created_at,
        entered_at=created_at,
        updated_at=_moment(raw.date_modified_gmt, raw.date_modified, zone) or created_at,
        paid_at=paid_at,
        currency=reading.currency(raw.currency, field="currency"),
        total=reading.total(raw.total, field="total"),
        subtotal=sum((line.total for line in lines), ZERO),
        tax=money(raw.total_tax) or ZERO,
        taxes_included=raw.prices_include_tax is True,
        shipping=sum_of([raw.shipping_total, raw.shipping_tax]),
        shipping_tax=money(raw.shipping_tax) or ZERO,
        fees=fees,
        fees_tax=fees_tax,
        refunded=abs(sum_of([refund.total for refund in parts(raw.refunds, wire.Refund)])),
        lines=lines,
        buyer=_buyer(raw, noted),
        visit=_visit(raw, source, meta),
        order_key=text(raw.order_key, limit=100),
        attributes=reading.attributes(noted),
        tracked_elsewhere=(
            "Meta for WooCommerce" if _is_set(meta.get("_meta_purchase_tracked_server")) else ""
        ),
        tracked_in_browser=any(_is_set(meta.get(flag)) for flag in BROWSER_FLAGS),
    )


def _moment(gmt: object, local: object, zone: tzinfo) -> datetime | None:
    return moment(gmt, zone=UTC) or moment(local, zone=zone)


def _standing(status: str, *, paid: bool) -> Standing:
    match status:
        case "checkout-draft" | "auto-draft" | "draft" | "new":
            return Standing.DRAFT
        case "trash":
            return Standing.TRASHED
        case "cancelled":
            return Standing.CANCELLED
        case "refunded":
            return Standing.REFUNDED
        case "pending" | "failed":
            return Standing.OPEN
        case _:
            # on-hold, processing, completed, and what plugins add (shipped): the payment's date
            # tells, for cash on delivery is processing long before there is cash.
            return Standing.PAID if paid else Standing.PLACED


_ATTRIBUTED = {
    "admin": Source.ADMIN,
    "mobile_app": Source.ADMIN,  # WooCommerce's own phone app, in the hands of staff
    "pos": Source.POS,
}
_CREATED_VIA = {
    "checkout": Source.WEB,
    "store-api": Source.WEB,
    "rest-api": Source.API,
    "admin": Source.ADMIN,
    "pos": Source.POS,
    "pos-rest-api": Source.POS,
}


def _source(raw: wire.Order, meta: Mapping[str, object]) -> Source:
    created_via = text(raw.created_via)
    if created_via == "subscription":
        return Source.SUBSCRIPTION  # a renewal, whose attribution is a copy of the first order's
    attributed = _ATTRIBUTED.get(text(meta.get(f"{ATTRIBUTION}source_type")))
    if source := attributed or _CREATED_VIA.get(created_via):
        return source
    # Wallets and checkout plugins write names of their own: a browser means a shopper.
    return Source.WEB if created_via and text(raw.customer_user_agent) else Source.OTHER


def _lines(raw: wire.Order) -> tuple[Line, ...]:
    """The lines that have a total and a positive quantity; with tax where prices include it."""
    lines = []
    for line in parts(raw.line_items, wire.Line):
        quantity, total = money(line.quantity), money(line.total)
        if quantity is None or quantity <= 0 or total is None:
            continue
        if raw.prices_include_tax is True:
            total += money(line.total_tax) or ZERO
        product_id = reference(line.product_id)
        lines.append(
            Line(
                product_id=product_id,
                # A product without variations is its own only one; the catalogue that Meta for
                # WooCommerce fills counts the same way.
                variant_id=reference(line.variation_id) or product_id,
                sku=text(line.sku, limit=200),
                quantity=quantity,
                total=total if total > 0 else ZERO,
                cost=_cost(line, quantity),
                bundled=_is_bundled(line),
            )
        )
    return tuple(lines)


# What plugins write on the line of a bundle and on those of its parts.
BUNDLES = frozenset(
    [
        *("_bundled_by", "_bundled_items", "_composite_parent", "_composite_children"),
        *("_mnm_container", "_mnm_config", "_woosb_parent_id", "_woosb_ids"),
    ]
)


def _is_bundled(line: wire.Line) -> bool:
    return any(meta.key in BUNDLES for meta in parts(line.meta_data, wire.Meta) if meta.value)


def _delivery(raw: wire.Order, source: Source) -> Delivery | None:
    methods = [
        text(line.method_id).partition(":")[0]
        for line in parts(raw.shipping_lines, wire.ShippingLine)
    ]
    if not methods:
        return Delivery.PICKUP if source is Source.POS else None
    return Delivery.PICKUP if methods[0] in ("local_pickup", "pickup_location") else Delivery.HOME


# What plugins that keep count of costs write on a line: of one piece.
COST_OF_ONE = ("_wc_cog_item_cost", "_alg_wc_cog_item_cost")


def _cost(line: wire.Line, quantity: Decimal) -> Decimal | None:
    """What the line cost the merchant. Zero is what WooCommerce says where nobody has told it."""
    if cost := money(part(line.cost_of_goods_sold, wire.Cogs).value):
        return cost
    for meta in parts(line.meta_data, wire.Meta):
        if meta.key in COST_OF_ONE and (cost := money(meta.value)):
            return cost * quantity
    return None


def _fees(raw: wire.Order) -> tuple[Decimal, Decimal]:
    """The fees with their tax, and the tax alone."""
    lines = parts(raw.fee_lines, wire.Fee)
    tax = sum_of([line.total_tax for line in lines])
    return sum_of([line.total for line in lines]) + tax, tax


def _buyer(raw: wire.Order, noted: Sequence[tuple[str, object]]) -> Buyer:
    birth_dates, genders = reading.personal(noted, origin="meta") if noted else ((), ())
    addresses = (_address("billing", raw.billing), _address("shipping", raw.shipping))
    return Buyer(
        customer_id=reference(raw.customer_id),
        emails=quotes(("billing.email", part(raw.billing, wire.Address).email)),
        birth_dates=birth_dates,
        genders=genders,
        addresses=tuple([address for address in addresses if address]),
    )


def _address(origin: str, raw: Part[wire.Address]) -> Address | None:
    if not isinstance(raw, wire.Address):
        return None
    address = Address(
        origin=origin,
        first_name=text(raw.first_name),
        last_name=text(raw.last_name),
        phone=text(raw.phone),
        city=text(raw.city),
        region=text(raw.state),
        postcode=text(raw.postcode),
        country=text(raw.country),
    )
    return address if address != Address(origin=origin) else None


def _visit(raw: wire.Order, source: Source, meta: Mapping[str, object]) -> Visit:
    """The shopper's browser, as the checkout, the order attribution and other plugins tell of it.

    Where staff or a program made the order, only what somebody wrote down as the shopper's own
    counts. On a renewal that too is a copy, made from the first order.
    """
    if source is Source.SUBSCRIPTION:
        return Visit()
    cookies = _pixelyoursite(meta.get("pys_fb_cookie"))
    noted = Visit(
        fbps=quotes(
            *_noted(meta, "_fbp", "_customer_fbp", "fbp"), ("meta.pys_fb_cookie.fbp", cookies.fbp)
        ),
        fbcs=quotes(
            *_noted(meta, "_fbc", "_customer_fbc", "fbc"), ("meta.pys_fb_cookie.fbc", cookies.fbc)
        ),
        clicks=reading.clicks(
            *[(origin, said, None) for origin, said in _noted(meta, "fbclid", "_fbclid")]
        ),
    )
    if source is not Source.WEB:
        return noted
    entry, started = f"{ATTRIBUTION}session_entry", f"{ATTRIBUTION}session_start_time"
    landing_page = text(meta.get(entry), limit=2000)
    landed_at = moment(meta.get(started), zone=UTC)
    return replace(
        noted,
        ips=quotes(("customer_ip_address", raw.customer_ip_address)),
        user_agents=quotes(
            ("customer_user_agent", raw.customer_user_agent),
            *_noted(meta, f"{ATTRIBUTION}user_agent"),
        ),
        clicks=noted.clicks
        + reading.clicks((f"meta.{entry}", reading.fbclid_of(meta.get(entry)), landed_at)),
        landing_page=landing_page,
        referrer=text(meta.get(f"{ATTRIBUTION}referrer"), limit=2000),
    )


def _noted(meta: Mapping[str, object], *keys: str) -> list[tuple[str, object]]:
    return [(f"meta.{key}", meta[key]) for key in keys if key in meta]


def _pixelyoursite(said: object) -> wire.Cookies:
    """Both cookies in one value: an object, or the JSON of one."""
    try:
        if isinstance(said, str):
            return msgspec.json.decode(said, type=wire.Cookies)
        return msgspec.convert(said, wire.Cookies)
    except (msgspec.MsgspecError, RecursionError):
        return wire.Cookies()


def _is_set(flag: object) -> bool:
    return flag not in (None, "", "0", 0, "no", "false")
