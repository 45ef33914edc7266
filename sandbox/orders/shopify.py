"""An order as Shopify's orders/* webhooks write it (2026-10). What becomes of it: shopify_stories.

https://shopify.dev/docs/api/webhooks/2026-10?reference=toml
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from sandbox.orders.baskets import Basket, converted, round_to
from sandbox.orders.people import Person
from sandbox.orders.story import Facts, Order

SHOP_TIME = timezone(timedelta(hours=2))


def write(order: Order) -> bytes:
    """UTF-8 as it comes, but &, < and > escaped, as Rails does."""
    text = json.dumps(order, ensure_ascii=False, separators=(",", ":"))
    for character in "&<>":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


def place(facts: Facts) -> Order:
    """The order as it is when bought on the web and paid at once, keys in Shopify's own order."""
    person, visit, basket = facts.person, facts.visit, facts.basket
    money = Money.of(facts, basket)
    now = moment(facts.placed_at)
    email = person.email.strip() or None
    return {
        "id": facts.order_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{facts.order_id}",
        "app_id": 580111,
        # Recorded orders have it null now and then while client_details still knows.
        "browser_ip": visit.ip if facts.luck < 0.9 else None,
        "buyer_accepts_marketing": facts.luck < 0.3,
        "cancel_reason": None,
        "cancelled_at": None,
        "cart_token": f"hWN{facts.token[:29]}",
        "checkout_token": facts.token[::-1],
        "client_details": browser(visit.ip, visit.user_agent, person.country.locale),
        "closed_at": None,
        "confirmation_number": facts.token[:9].upper(),
        "confirmed": True,
        "contact_email": email,
        "created_at": now,
        "currency": basket.currency,
        **current_amounts(money),
        "customer_locale": person.country.locale,
        "device_id": None,
        "discount_codes": _discount_codes(basket),
        "duties_included": False,
        "email": email,
        "estimated_taxes": False,
        "financial_status": "paid",
        "fulfillment_status": None,
        "landing_site": _landing_site(facts),
        "landing_site_ref": None,
        "location_id": None,
        "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "merchant_of_record_app_id": None,
        "name": f"#{facts.number}",
        "note": "Leave it with the neighbour 🙏" if facts.luck < 0.2 else None,
        "note_attributes": _note_attributes(facts),
        "number": facts.number - 1000,
        "order_number": facts.number,
        "order_status_url": f"https://sandbox.example/1/orders/{facts.token}/authenticate?key=k&v=1",
        "original_total_additional_fees_set": None,
        "original_total_duties_set": None,
        "payment_gateway_names": ["shopify_payments"],
        "phone": None,
        "po_number": None,
        "presentment_currency": money.presented.currency,
        "processed_at": now,
        "reference": None,
        "referring_site": "https://l.facebook.com/" if visit.fbclid else "",
        "source_identifier": None,
        "source_name": "web",
        "source_url": None,
        **money.both("subtotal_price", lambda b: b.total - b.shipping - _tax_on_top(b)),
        "tags": "",
        "tax_exempt": False,
        "tax_lines": _tax_lines(money, lambda b: b.total_tax),
        "taxes_included": basket.tax_included,
        "test": False,
        "token": facts.token,
        "total_cash_rounding_payment_adjustment_set": money.set(_nothing),
        "total_cash_rounding_refund_adjustment_set": money.set(_nothing),
        **money.both("total_discounts", lambda b: b.discount),
        **money.both("total_line_items_price", _full),
        "total_outstanding": money.text(_nothing),
        **money.both("total_price", lambda b: b.total),
        "total_shipping_price_set": money.set(lambda b: b.shipping),
        **money.both("total_tax", lambda b: b.total_tax),
        "total_tip_received": money.text(_nothing),
        "total_weight": 100 * len(basket.lines),
        "updated_at": now,
        "user_id": None,
        "billing_address": _address(person),
        "customer": _customer(facts, email, now),
        "discount_applications": _discount_applications(basket),
        "fulfillments": [],
        "line_items": [_line(facts, money, at) for at in range(len(basket.lines))],
        "payment_terms": None,
        "refunds": [],
        "shipping_address": _address(person),
        "shipping_lines": [_shipping_line(facts, money)] if basket.shipping else [],
        "returns": [],
        "line_item_groups": [],
    }


class Money:
    """One basket in the shop's currency and in the one the buyer saw, written either way."""

    def __init__(self, shop: Basket, presented: Basket) -> None:
        self.shop, self.presented = shop, presented

    @classmethod
    def of(cls, facts: Facts, basket: Basket) -> "Money":
        """Of `basket`, whose other currency is the buyer's own."""
        return cls(basket, converted(basket, facts.person.country.currency))

    def text(self, amount: Callable[[Basket], Decimal]) -> str:
        """The amount in the shop's currency, as plain fields have it."""
        return str(round_to(amount(self.shop), self.shop.currency))

    def set(self, amount: Callable[[Basket], Decimal]) -> Order:
        """The amount in both currencies, as a `…_set` has it."""
        return {
            name: {
                "amount": str(round_to(amount(basket), basket.currency)),
                "currency_code": basket.currency,
            }
            for name, basket in (("shop_money", self.shop), ("presentment_money", self.presented))
        }

    def both(self, name: str, amount: Callable[[Basket], Decimal]) -> Order:
        """The plain field and its `…_set`."""
        return {name: self.text(amount), f"{name}_set": self.set(amount)}


def current_amounts(money: Money) -> Order:
    """What is left of the order after edits and refunds; of a new one, all of it."""
    return {
        "current_shipping_price_set": money.set(lambda b: b.shipping),
        **money.both("current_subtotal_price", lambda b: b.total - b.shipping - _tax_on_top(b)),
        "current_total_additional_fees_set": None,
        **money.both("current_total_discounts", lambda b: b.discount),
        "current_total_duties_set": None,
        **money.both("current_total_price", lambda b: b.total),
        **money.both("current_total_tax", lambda b: b.total_tax),
    }


def _line(facts: Facts, money: Money, at: int) -> Order:
    line, line_id = facts.basket.lines[at], facts.order_id + 101 + at
    product = line.product
    allocations = [
        {
            **money.both("amount", lambda b: b.lines[at].discount),
            "discount_application_index": 0,
        }
    ]
    return {
        "id": line_id,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{line_id}",
        "attributed_staffs": [],
        "current_quantity": line.quantity,
        "fulfillable_quantity": line.quantity,
        "fulfillment_service": "gift_card" if product.kind == "gift_card" else "manual",
        "fulfillment_status": None,
        "gift_card": product.kind == "gift_card",
        "grams": 100,
        "name": f"{product.title} - {line.variant}" if line.variant else product.title,
        **money.both("price", lambda b: b.lines[at].price),
        "product_exists": True,
        "product_id": 7_000_000_000_000 + product.number,
        "properties": [],
        "quantity": line.quantity,
        "requires_shipping": product.kind != "gift_card",
        "sales_line_item_group_id": None,
        "selling_plan_id": 690_000_001 if product.kind == "subscription" else None,
        "sku": product.sku or None,
        "taxable": bool(facts.basket.tax_rate),
        "title": product.title,
        **money.both("total_discount", _nothing),
        "variant_id": 40_000_000_000_000 + (line.variant_number or product.number * 10),
        "variant_inventory_management": "shopify",
        "variant_title": line.variant or None,
        "vendor": "Sandbox & Sons",
        "tax_lines": _tax_lines(money, lambda b: b.lines[at].tax),
        "duties": [],
        "discount_allocations": allocations if line.discount else [],
    }


def _shipping_line(facts: Facts, money: Money) -> Order:
    return {
        "id": facts.order_id + 201,
        "carrier_identifier": None,
        "code": "Standard",
        "current_discounted_price_set": money.set(lambda b: b.shipping),
        **money.both("discounted_price", lambda b: b.shipping),
        "is_removed": False,
        "phone": None,
        **money.both("price", lambda b: b.shipping),
        "requested_fulfillment_service_id": None,
        "source": "shopify",
        "title": "Standard",
        "tax_lines": _tax_lines(money, lambda b: b.shipping_tax),
        "discount_allocations": [],
    }


def _tax_lines(money: Money, amount: Callable[[Basket], Decimal]) -> list[Order]:
    if not money.shop.tax_rate:
        return []
    return [
        {
            "channel_liable": False,
            **money.both("price", amount),
            "rate": float(money.shop.tax_rate),
            "title": "VAT",
        }
    ]


def _customer(facts: Facts, email: str | None, now: str) -> Order | None:
    person = facts.person
    if email is None:
        return None
    customer_id = 6_000_000_000_000 + (person.customer_number or facts.order_id % 10**12)
    returning = person.customer_number is not None
    return {
        "id": customer_id,
        "created_at": "2024-02-29T09:00:00+02:00" if returning else now,
        "updated_at": now,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "state": "enabled" if returning else "disabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "email": email,
        "phone": None,
        "currency": facts.basket.currency,
        "tax_exemptions": [],
        "admin_graphql_api_id": f"gid://shopify/Customer/{customer_id}",
        "default_address": {
            "id": customer_id + 1,
            "customer_id": customer_id,
            **_address(person),
            "country_name": person.country.name,
            "default": True,
        },
    }


def _address(person: Person) -> Order:
    place = person.place
    return {
        "first_name": person.first_name,
        "address1": person.street,
        "phone": person.phone or None,
        "city": place.city,
        "zip": place.postcode or None,
        "province": place.region_name or None,
        "country": person.country.name,
        "last_name": person.last_name,
        "address2": None,
        "company": None,
        "latitude": None,
        "longitude": None,
        "name": f"{person.first_name} {person.last_name}",
        "country_code": person.country.code,
        "province_code": place.region or None,
    }


def browser(ip: str, user_agent: str, locale: str) -> Order:
    """`client_details`: of whoever entered the order, which need not be the buyer."""
    return {
        "accept_language": locale,
        "browser_height": None,
        "browser_ip": ip,
        "browser_width": None,
        "session_hash": None,
        "user_agent": user_agent,
    }


def _landing_site(facts: Facts) -> str:
    fbclid = facts.visit.fbclid
    return f"/products/moka?utm_source=facebook&fbclid={fbclid}" if fbclid else "/"


def _note_attributes(facts: Facts) -> list[Order]:
    cookies = {"_fbp": facts.visit.fbp, "_fbc": facts.visit.fbc}
    return [{"name": name, "value": value} for name, value in cookies.items() if value]


def _discount_codes(basket: Basket) -> list[Order]:
    if not basket.coupon:
        return []
    return [{"code": basket.coupon, "amount": str(basket.discount), "type": "percentage"}]


def _discount_applications(basket: Basket) -> list[Order]:
    if not basket.coupon:
        return []
    return [
        {
            "target_type": "line_item",
            "type": "discount_code",
            "value": f"{basket.percent_off}.0",
            "value_type": "percentage",
            "allocation_method": "across",
            "target_selection": "all",
            "code": basket.coupon,
        }
    ]


def _full(basket: Basket) -> Decimal:
    return sum((line.full for line in basket.lines), Decimal())


def _tax_on_top(basket: Basket) -> Decimal:
    return Decimal() if basket.tax_included else basket.total_tax


def _nothing(basket: Basket) -> Decimal:
    return Decimal()


def moment(at: datetime) -> str:
    """ISO 8601 with the shop's offset from UTC."""
    return at.astimezone(SHOP_TIME).isoformat(timespec="seconds")
