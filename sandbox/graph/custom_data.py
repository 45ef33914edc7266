"""What was bought: value and currency of a Purchase, and its contents.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/custom-data
"""

import re
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.graph.inspection import Inspection, Json, is_one_of

PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?")
DELIVERY_CATEGORIES = frozenset({"in_store", "curbside", "home_delivery"})
CONTENT_TYPES = frozenset({"product", "product_group"})
CUSTOMER_SEGMENTS = frozenset(
    {
        f"{age}_customer_to_{whom}"
        for age in ("new", "existing")
        for whom in ("business", "business_line", "product_area", "medium")
    }
    | {"customer_in_loyalty_program"}
)
ISO_4217 = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP
BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR
KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR
SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS
UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(ISO_4217.split())


def check_custom_data(event: Json, *, look: Inspection) -> None:
    """Checks 8i and 8j. Raises Refusal."""
    custom_data = event.get("custom_data")
    if custom_data is not None and not isinstance(custom_data, dict):
        raise look.refusal("parameter", "custom_data", text="must be an object")
    custom_data = custom_data or {}
    if event["event_name"] == "Purchase":
        _check_money(custom_data, look=look)
    _check_contents(custom_data, look=look)
    _check_words(event, custom_data, look=look)


def amount(value: object) -> Decimal | None:
    """A number, or a string that is one with a point; None for anything else, `"12,50"` too."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = value if isinstance(value, str) else f"{Decimal(str(value)):f}"
    return Decimal(text) if PLAIN_NUMBER.fullmatch(text) else None


def _check_money(custom_data: Json, *, look: Inspection) -> None:
    value = amount(custom_data.get("value"))
    if value is None:
        raise look.refusal("value_missing", "custom_data", "value")
    if value < 0:
        look.object_to("custom_data", "value", text="is negative")
    currency = custom_data.get("currency")
    if not currency:
        raise look.refusal("currency_missing", "custom_data", "currency")
    if not isinstance(currency, str) or currency.upper() not in CURRENCIES:
        raise look.refusal(
            "parameter", "custom_data", "currency", text="must be an ISO 4217 code", simulated=True
        )
    if look.order is not None and look.order.value is not None:
        _compare_with_order(value, Decimal(look.order.value), look=look)


def _compare_with_order(value: Decimal, ordered: Decimal, *, look: Inspection) -> None:
    if value == ordered * 100 != 0:
        look.warn("custom_data", "value", text="is 100 times the order: minor units?")
    elif value != ordered:
        look.warn("custom_data", "value", text=f"differs from the order's {ordered}")


def _check_contents(custom_data: Json, *, look: Inspection) -> None:
    content_ids = _listed(custom_data, "content_ids", look=look)
    if not all(isinstance(content_id, str) for content_id in content_ids):
        look.object_to("custom_data", "content_ids", text="must be a list of strings")
    contents = _listed(custom_data, "contents", look=look)
    for place, content in enumerate(contents):
        _check_content(content, place=place, look=look)
    if contents and (value := amount(custom_data.get("value"))) is not None:
        total = sum(map(_price_of, contents), Decimal())
        if total != value:
            look.warn("custom_data", "contents", text=f"add up to {total}, the value is {value}")


def _listed(custom_data: Json, key: str, *, look: Inspection) -> list[Any]:
    """The list under `key`, or in a JSON string there: Meta's own WooCommerce plugin sends those."""
    value = custom_data.get(key)
    if isinstance(value, str):
        look.warn("custom_data", key, text="is a JSON string, not a list")
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            value = False
    if value is None or isinstance(value, list):
        return value or []
    look.object_to("custom_data", key, text="must be a list")
    return []


def _check_content(content: object, *, place: int, look: Inspection) -> None:
    here = ("custom_data", "contents", place)
    if not isinstance(content, dict):
        look.object_to(*here, text="must be an object")
        return
    if not isinstance(content.get("id"), str) or not content["id"]:
        look.object_to(*here, "id", text="must be a non-empty string")
    quantity = content.get("quantity")
    if quantity is None:
        look.warn(*here, "quantity", text="is missing: catalogue ads need it")
    elif not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 1:
        look.object_to(*here, "quantity", text="must be a whole number from 1")
    if "item_price" in content and amount(content["item_price"]) is None:
        look.object_to(*here, "item_price", text="must be a number")
    if not is_one_of(content.get("delivery_category", "in_store"), DELIVERY_CATEGORIES):
        look.object_to(*here, "delivery_category", text="is none that Meta knows")


def _price_of(content: Any) -> Decimal:
    if not isinstance(content, dict):
        return Decimal()
    quantity = amount(content.get("quantity", 1)) or Decimal()
    return quantity * (amount(content.get("item_price")) or Decimal())


def _check_words(event: Json, custom_data: Json, *, look: Inspection) -> None:
    if not is_one_of(custom_data.get("content_type", "product"), CONTENT_TYPES):
        look.object_to("custom_data", "content_type", text="must be product or product_group")
    if not isinstance(custom_data.get("order_id", ""), str):
        look.object_to("custom_data", "order_id", text="must be a string")
    # Meta lists it among the event's own parameters, and its example has it in custom_data.
    for segment in (custom_data.get("customer_segmentation"), event.get("customer_segmentation")):
        if segment is not None and not is_one_of(segment, CUSTOMER_SEGMENTS):
            look.object_to("custom_data", "customer_segmentation", text="is none that Meta knows")
