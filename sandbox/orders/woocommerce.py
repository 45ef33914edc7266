"""An order as WooCommerce's wc/v3 webhooks write it. What becomes of it: woocommerce_stories.

https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties
"""

import json
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.orders.baskets import Basket, Line, round_to
from sandbox.orders.people import Person
from sandbox.orders.story import Facts, Order

STORE_OFFSET = timedelta(hours=-3)  # of the store's own clock from UTC
_HOME = "https://sandbox.example"


def write(order: Order) -> bytes:
    """As PHP's json_encode does: ASCII alone, and slashes escaped."""
    return json.dumps(order, separators=(",", ":")).replace("/", "\\/").encode()


def place(facts: Facts) -> Order:
    """The order as it is when paid by card at the block checkout, keys in WooCommerce's order."""
    person, visit, basket = facts.person, facts.visit, facts.basket
    amounts = [_LineAmounts(basket, line) for line in basket.lines]
    shipping = _without_tax(basket, basket.shipping, basket.shipping_tax)
    pay_url = f"{_HOME}/checkout/order-pay/{facts.order_id}/?pay_for_order=true&key="
    order_key = f"wc_order_{facts.token[:13]}"
    discount = sum((each.subtotal - each.total for each in amounts), Decimal())
    discount_tax = sum((each.subtotal_tax - each.line.tax for each in amounts), Decimal())
    return {
        "id": facts.order_id,
        "parent_id": 0,
        "status": "processing",
        "currency": basket.currency,
        "version": "11.0.1",
        "prices_include_tax": basket.tax_included,
        "date_created": local(facts.placed_at),
        "date_modified": local(facts.placed_at),
        "discount_total": money(facts, discount),
        "discount_tax": money(facts, discount_tax),
        "shipping_total": money(facts, shipping),
        "shipping_tax": money(facts, basket.shipping_tax),
        "cart_tax": money(facts, basket.total_tax - basket.shipping_tax),
        "total": money(facts, basket.total),
        "total_tax": money(facts, basket.total_tax),
        "customer_id": person.customer_number or 0,
        "order_key": order_key,
        "billing": _address(person) | {"email": person.email, "phone": person.phone},
        "shipping": _address(person) | {"phone": person.phone},
        "payment_method": "stripe",
        "payment_method_title": "Card / carte",
        "transaction_id": f"ch_{facts.token[:16]}",
        # Proxies leave lists of addresses here, and WooCommerce checks none of it.
        "customer_ip_address": visit.ip if facts.luck < 0.9 else f"{visit.ip}, {visit.ip}",
        "customer_user_agent": visit.user_agent,
        "created_via": "store-api" if facts.luck < 0.7 else "checkout",
        "customer_note": "Please ring twice 🙏" if facts.luck < 0.2 else "",
        "date_completed": None,
        "date_paid": local(facts.placed_at),
        "cart_hash": facts.token,
        "number": str(facts.number),
        "meta_data": _numbered(facts, _meta(facts)),
        "line_items": [_line(facts, n, each) for n, each in enumerate(amounts)],
        "tax_lines": _tax_lines(facts),
        "shipping_lines": _shipping_lines(facts, shipping),
        "fee_lines": [],
        "coupon_lines": _coupon_lines(facts, discount, discount_tax),
        "refunds": [],
        "payment_url": f"{pay_url}{order_key}",
        "is_editable": False,
        "needs_payment": False,
        "needs_processing": True,
        "date_created_gmt": utc(facts.placed_at),
        "date_modified_gmt": utc(facts.placed_at),
        "date_completed_gmt": None,
        "date_paid_gmt": utc(facts.placed_at),
        "currency_symbol": {"EUR": "€", "GBP": "£"}.get(basket.currency, basket.currency),
        "_links": {
            "self": [{"href": f"{_HOME}/wp-json/wc/v3/orders/{facts.order_id}"}],
            "collection": [{"href": f"{_HOME}/wp-json/wc/v3/orders"}],
        },
    }


def money(facts: Facts, amount: Decimal) -> str:
    """An amount with the decimals of the store's setting, which need not be the currency's."""
    amount = round_to(amount, facts.basket.currency)
    two_at_least = facts.luck < 0.5 and -int(amount.as_tuple().exponent) < 2
    return f"{amount:.2f}" if two_at_least else str(amount)


def utc(at: datetime) -> str:
    """As the `_gmt` fields have it: no zone written."""
    return at.strftime("%Y-%m-%dT%H:%M:%S")


def local(at: datetime) -> str:
    """As the plain date fields have it: the store's own clock, no zone written either."""
    return utc(at + STORE_OFFSET)


def meta(order: Order, **values: object) -> list[Order]:
    """The order's meta_data with more at its end."""
    last = max((each["id"] for each in order["meta_data"]), default=order["id"])
    added = [
        {"id": last + 1 + n, "key": key, "value": value}
        for n, (key, value) in enumerate(values.items())
    ]
    return [*order["meta_data"], *added]


class _LineAmounts:
    """A line's amounts in WooCommerce's way: net, before and after coupons."""

    def __init__(self, basket: Basket, line: Line) -> None:
        rate = basket.tax_rate
        before = line.full * rate / (1 + rate) if basket.tax_included else line.full * rate
        self.line = line
        self.subtotal_tax = round_to(before, basket.currency)
        self.subtotal = _without_tax(basket, line.full, self.subtotal_tax)
        self.total = _without_tax(basket, line.entered, line.tax)


def _without_tax(basket: Basket, entered: Decimal, tax: Decimal) -> Decimal:
    return entered - tax if basket.tax_included else entered


def _line(facts: Facts, n: int, amounts: _LineAmounts) -> Order:
    line, product = amounts.line, amounts.line.product
    price = round(amounts.total / line.quantity, 6)
    variation = [
        {
            "id": facts.order_id * 100 + 60 + n,
            "key": "size",
            "value": line.variant,
            "display_key": "Size",
            "display_value": line.variant,
        }
    ]
    return {
        "id": facts.order_id * 10 + n,
        "name": f"{product.title} - {line.variant}" if line.variant else product.title,
        "product_id": product.number,
        "variation_id": line.variant_number or 0,
        "quantity": line.quantity,
        "tax_class": "",
        "subtotal": money(facts, amounts.subtotal),
        "subtotal_tax": money(facts, amounts.subtotal_tax),
        "total": money(facts, amounts.total),
        "total_tax": money(facts, line.tax),
        "taxes": [
            {
                "id": 1,
                "total": money(facts, line.tax),
                "subtotal": money(facts, amounts.subtotal_tax),
            }
        ],
        "meta_data": variation if line.variant else [],
        "sku": product.sku,
        "global_unique_id": "",
        # A JSON number, whole ones without a point.
        "price": int(price) if price == int(price) else float(price),
        "image": {"id": 0 if line.variant else "", "src": ""},
        "parent_name": product.title if line.variant else None,
    }


def _tax_lines(facts: Facts) -> list[Order]:
    basket = facts.basket
    if not basket.tax_rate:
        return []
    return [
        {
            "id": facts.order_id * 10 + 11,
            "rate_code": f"{facts.person.country.code}-VAT-1",
            "rate_id": 1,
            "label": "VAT",
            "compound": False,
            "tax_total": money(facts, basket.total_tax - basket.shipping_tax),
            "shipping_tax_total": money(facts, basket.shipping_tax),
            "rate_percent": float(basket.tax_rate * 100),
            "meta_data": [],
        }
    ]


def _shipping_lines(facts: Facts, shipping: Decimal) -> list[Order]:
    if not shipping:
        return []
    tax = money(facts, facts.basket.shipping_tax)
    return [
        {
            "id": facts.order_id * 10 + 12,
            "method_title": "Express",
            "method_id": "flat_rate",
            "instance_id": "1",
            "total": money(facts, shipping),
            "total_tax": tax,
            "taxes": [{"id": 1, "total": tax, "subtotal": ""}],
            "tax_status": "taxable",
            "meta_data": [],
        }
    ]


def _coupon_lines(facts: Facts, discount: Decimal, discount_tax: Decimal) -> list[Order]:
    if not facts.basket.coupon:
        return []
    return [
        {
            "id": facts.order_id * 10 + 13,
            "code": facts.basket.coupon.lower(),
            "discount": money(facts, discount),
            "discount_tax": money(facts, discount_tax),
            "meta_data": [],
            "discount_type": "percent",
            "nominal_amount": facts.basket.percent_off,
            "free_shipping": False,
        }
    ]


def _meta(facts: Facts) -> Order:
    visit = facts.visit
    cookies = {"_fbp": visit.fbp, "_fbc": visit.fbc}
    ad = f"?utm_source=facebook&fbclid={visit.fbclid}" if visit.fbclid else ""
    attribution = {
        "source_type": "utm" if visit.fbclid else "typein",
        "referrer": "https://l.facebook.com/" if visit.fbclid else "",
        "utm_source": "facebook" if visit.fbclid else "(direct)",
        "session_entry": f"{_HOME}/product/moka/{ad}",
        "session_start_time": visit.began_at.strftime("%Y-%m-%d %H:%M:%S"),
        "session_pages": "4",
        "session_count": "1",
        "user_agent": visit.user_agent,
        "device_type": "Mobile" if "Mobile" in visit.user_agent else "Desktop",
    }
    return {
        "is_vat_exempt": "no",
        **{key: value for key, value in cookies.items() if value},
        **{f"_wc_order_attribution_{key}": value for key, value in attribution.items()},
        # Values that are no strings come from plugins, and are not rare.
        "pys_enrich_data": {"pys_landing": f"{_HOME}/", "pys_source": "undefined"},
    }


def _numbered(facts: Facts, values: Order) -> list[Order]:
    return [
        {"id": facts.order_id * 100 + n, "key": key, "value": value}
        for n, (key, value) in enumerate(values.items())
    ]


def _address(person: Person) -> Order:
    return {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "company": "",
        "address_1": person.street,
        "address_2": "",
        "city": person.place.city,
        "state": person.place.state,
        "postcode": person.place.postcode,
        "country": person.country.code,
    }
