"""The least that must be done for an event, in Python without regard for anything else.

Typed JSON, one value a field, no origins, no reasons, no validation: a floor, not a product. `event`
reads plain phone numbers by the shortcut that the product has too, `strict_event` none.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import phonenumbers

from purchases.meta.plain_phones import plain_international


class Address(msgspec.Struct):
    """The fields that Meta wants."""

    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    city: str | None = None
    province_code: str | None = None
    zip: str | None = None
    country_code: str | None = None


class Line(msgspec.Struct):
    """One line."""

    quantity: int
    price: str
    variant_id: int | None = None


class Client(msgspec.Struct):
    """The browser."""

    user_agent: str | None = None


class Customer(msgspec.Struct):
    """The buyer."""

    id: int


class Order(msgspec.Struct):
    """The order."""

    id: int
    created_at: datetime
    total_price: str
    currency: str
    line_items: list[Line]
    email: str | None = None
    browser_ip: str | None = None
    phone: str | None = None
    client_details: Client | None = None
    customer: Customer | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None


decoder = msgspec.json.Decoder(Order)
encoder = msgspec.json.Encoder()


def event(body: bytes) -> bytes:
    """One order as the JSON of one event."""
    return _event(body, read_phone=_plain_phone)


def strict_event(body: bytes) -> bytes:
    """The same, with every phone number read by the library."""
    return _event(body, read_phone=_phone)


def phone_of(order: Order) -> tuple[str | None, str | None]:
    """The buyer's number, and the country it is written in."""
    address = order.billing_address or order.shipping_address or Address()
    return order.phone or address.phone, address.country_code


def _event(body: bytes, *, read_phone: Callable[[str, str | None], str | None]) -> bytes:
    order = decoder.decode(body)
    address = order.billing_address or order.shipping_address or Address()
    user_data: dict[str, Any] = {
        key: _hash(text)
        for key, text in (
            ("em", order.email),
            ("fn", address.first_name),
            ("ln", address.last_name),
            ("ct", address.city),
            ("st", address.province_code),
            ("zp", address.zip),
            ("country", address.country_code),
            ("external_id", str(order.customer.id) if order.customer else None),
        )
        if text
    }
    phone, country = phone_of(order)
    if phone:
        user_data["ph"] = read_phone(phone, country)
    if order.browser_ip:
        user_data["client_ip_address"] = order.browser_ip
    if order.client_details and order.client_details.user_agent:
        user_data["client_user_agent"] = order.client_details.user_agent
    return encoder.encode(
        {
            "event_name": "Purchase",
            "event_time": int(order.created_at.timestamp()),
            "event_id": str(order.id),
            "action_source": "website",
            "user_data": user_data,
            "custom_data": {
                "value": float(order.total_price),
                "currency": order.currency,
                "contents": [
                    {
                        "id": str(line.variant_id),
                        "quantity": line.quantity,
                        "item_price": line.price,
                    }
                    for line in order.line_items
                ],
            },
        }
    )


def _hash(text: str) -> str:
    return sha256(text.strip().lower().encode()).hexdigest()


def _plain_phone(text: str, country: str | None) -> str | None:
    digits = plain_international(text, country=country or "")
    return _hash(digits) if digits else _phone(text, country)


def _phone(text: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    return _hash(f"{number.country_code}{phonenumbers.national_significant_number(number)}")
