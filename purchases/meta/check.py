"""What Meta would say to an encoded event, before it is asked: one refused event takes its batch down.

Written apart from what builds events, and reading the bytes that will be posted, so that a mistake
there is caught here. The shapes below say field by field what Meta documents.
https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/server-event
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from purchases.currencies import EXPONENTS
from purchases.meta.normal import HASHES_OF_NOTHING
from purchases.meta.user_data import FBC, FBP, HASHED, TOO_BROAD

ACCEPTED_FOR = timedelta(days=7)
STORE_SALES_ACCEPTED_FOR = timedelta(days=62)

# No e-mail address where it could be read.
Url = Annotated[str, Meta(pattern=r"^https?://[^\s@/]+(/[^\s@]*)?$", max_length=2_000)]
Text = Annotated[str, Meta(min_length=1, max_length=200)]
CatalogueId = Annotated[str, Meta(pattern=r"^(?!.*\S@\S+\.\S)", min_length=1, max_length=100)]
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Hashes = Annotated[tuple[Hash, ...], Meta(min_length=1)]
Amount = Annotated[float, Meta(ge=0)]


class _UserData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    em: Hashes = ()
    ph: Hashes = ()
    fn: Hashes = ()
    ln: Hashes = ()
    ct: Hashes = ()
    st: Hashes = ()
    zp: Hashes = ()
    country: Hashes = ()
    db: Hashes = ()
    ge: Hashes = ()
    external_id: Hashes = ()
    client_ip_address: Annotated[str, Meta(pattern=r"^[0-9a-f.:]{2,45}$")] = ""
    client_user_agent: Annotated[
        str, Meta(pattern=r"^(?![0-9A-Fa-f]{64}$)", min_length=1, max_length=512)
    ] = ""
    fbc: Annotated[str, Meta(pattern=f"^{FBC.pattern}$")] = ""
    fbp: Annotated[str, Meta(pattern=f"^{FBP.pattern}$")] = ""
    ctwa_clid: Annotated[str, Meta(pattern=r"^\S{1,500}$")] = ""
    page_id: Annotated[str, Meta(pattern=r"^[0-9]{5,20}$")] = ""


class _Content(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: CatalogueId
    quantity: Annotated[int, Meta(ge=1)]
    item_price: Amount


class _CustomData(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    value: Amount
    currency: Text
    order_id: Text
    content_type: Literal["product", "product_group"] = "product"
    content_ids: tuple[CatalogueId, ...] = ()
    contents: tuple[_Content, ...] = ()
    num_items: Annotated[int, Meta(ge=1)] = 1
    customer_segmentation: Literal[
        "", "new_customer_to_business", "existing_customer_to_business"
    ] = ""
    delivery_category: Literal["", "in_store", "curbside", "home_delivery"] = ""
    net_revenue: Amount = 0
    predicted_ltv: Amount = 0


class _Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    event_name: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{1,49}$")]
    event_time: int
    event_id: Text
    action_source: Literal[
        "email", "website", "phone_call", "chat", "physical_store", "system_generated",
        "business_messaging", "other",
    ]  # fmt: skip
    event_source_url: Url | None = None
    messaging_channel: Literal["whatsapp"] | None = None
    data_processing_options: tuple[Literal["LDU"]] | None = None
    data_processing_options_country: Literal[0, 1] | None = None
    data_processing_options_state: Annotated[int, Meta(ge=0, le=1013)] | None = None
    user_data: _UserData
    custom_data: _CustomData


EVENT = msgspec.json.Decoder(_Event)


def check(payload: bytes, *, now: datetime) -> str:
    """Why Meta would refuse the encoded event at `now` (aware), as a slug; "" where it would not.

    `too_old`, `future_time`, `unmatchable`, `unknown_currency`, or `malformed` for what no order
    should be able to bring about.
    """
    try:
        event = EVENT.decode(payload)
    except msgspec.DecodeError:
        return "malformed"
    age = now.timestamp() - event.event_time
    if age < 0:
        return "future_time"
    if age > _accepted_for(event).total_seconds():
        return "too_old"
    if event.custom_data.currency not in EXPONENTS:
        return "unknown_currency"
    return "malformed" if _is_half_said(event) else _flaw(event.user_data)


def _accepted_for(event: _Event) -> timedelta:
    in_store = event.action_source == "physical_store"
    return STORE_SALES_ACCEPTED_FOR if in_store else ACCEPTED_FOR


def _is_half_said(event: _Event) -> bool:
    """Whether one field is there without those that belong to it."""
    user_data, limited = event.user_data, event.data_processing_options is not None
    chat = event.messaging_channel and user_data.ctwa_clid and user_data.page_id
    limits = (event.data_processing_options_country, event.data_processing_options_state)
    return (event.action_source == "business_messaging") != bool(chat) or any(
        (limit is not None) != limited for limit in limits
    )


def _flaw(user_data: _UserData) -> str:
    values = {key: getattr(user_data, key) for key in user_data.__struct_fields__}
    present = {key for key, value in values.items() if value}
    if any(present <= broad for broad in TOO_BROAD):
        return "unmatchable"
    if any(HASHES_OF_NOTHING.intersection(values[key]) for key in HASHED):
        return "malformed"
    return ""
