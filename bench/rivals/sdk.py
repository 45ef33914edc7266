"""Meta's own SDK, used as its documentation shows."""

import json
from datetime import datetime
from typing import Any

from facebook_business.adobjects.serverside.content import Content
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.user_data import UserData
from requests.models import RequestEncodingMixin


def event(body: bytes) -> bytes:
    """One order as the JSON of one event."""
    return json.dumps(_event(json.loads(body)).normalize()).encode()


def batch(bodies: list[bytes]) -> bytes:
    """Many orders as the form body that the SDK posts."""
    events = [_event(json.loads(body)) for body in bodies]
    request = EventRequest(pixel_id="1", access_token="token", events=events)
    encoded = RequestEncodingMixin._encode_params(_form(request.get_params()))
    return encoded.encode() if isinstance(encoded, str) else encoded


def _form(params: dict[str, Any]) -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in params.items()
    }


def _event(order: dict[str, Any]) -> Event:
    customer = order.get("customer") or {}
    address = order.get("billing_address") or order.get("shipping_address") or {}
    client = order.get("client_details") or {}
    user_data = UserData(
        email=order.get("email") or None,
        # It raises for a number it dislikes, and never adds a country code.
        phone="".join(filter(str.isdigit, order.get("phone") or address.get("phone") or ""))
        or None,
        first_name=address.get("first_name") or None,
        last_name=address.get("last_name") or None,
        city=address.get("city") or None,
        state=address.get("province") or None,
        zip_code=address.get("zip") or None,
        country_code=(address.get("country_code") or "").lower() or None,
        external_id=str(customer["id"]) if customer.get("id") else None,
        client_ip_address=order.get("browser_ip"),
        client_user_agent=client.get("user_agent"),
    )
    contents = [
        Content(
            product_id=str(line.get("variant_id")),
            quantity=line.get("quantity"),
            item_price=float(line.get("price")),
        )
        for line in order["line_items"]
    ]
    return Event(
        event_name="Purchase",
        event_time=int(datetime.fromisoformat(order["created_at"]).timestamp()),
        event_id=str(order["id"]),
        action_source=None,
        user_data=user_data,
        custom_data=CustomData(
            value=float(order["total_price"]),
            currency=order["currency"],
            contents=contents,
            content_type="product",
            order_id=str(order["id"]),
        ),
    )
