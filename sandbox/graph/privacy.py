"""What must not leave a shop: contact data in the clear, orders without consent, half an LDU.

https://developers.facebook.com/docs/marketing-api/overview/data-processing-options
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from sandbox.graph.inspection import Inspection, Json, is_one_of

UNITED_STATES = 1
STATES = frozenset({0, *range(1000, 1014)})

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
PHONE = re.compile(r"(?:^|[\s=:])(?:\+|%2B)\d[\d ().-]{7,17}\d(?!\d)", re.IGNORECASE)
CARD = re.compile(r"(?<!\d)(?:4\d{3}|5[1-5]\d{2}|6011|3[47]\d{2})(?:[ -]?\d){11,12}(?!\d)")

# Ids of orders and products are long numbers of their own right; no card hides in them.
IDENTIFIERS = frozenset({"order_id", "content_ids", "id", "item_number"})


def check_data_processing(event: Json, *, look: Inspection) -> None:
    """Check 8k: Limited Data Use is complete, and there where the order asks for it."""
    options = event.get("data_processing_options")
    if options is not None and (
        not isinstance(options, list) or any(option != "LDU" for option in options)
    ):
        look.object_to("data_processing_options", text='must be [] or ["LDU"]')
        return
    if options:
        _check_region(event, look=look)
    elif look.order is not None and look.order.limited_data_use:
        look.object_to("data_processing_options", text="must be LDU: the order asks for it")


def _check_region(event: Json, *, look: Inspection) -> None:
    country = event.get("data_processing_options_country")
    state = event.get("data_processing_options_state")
    if country not in (None, 0, UNITED_STATES):
        look.object_to("data_processing_options_country", text="must be 0 or 1")
    if state is not None and not is_one_of(state, STATES):
        look.object_to("data_processing_options_state", text="is none that Meta knows")
    has_address = bool(event["user_data"].get("client_ip_address"))
    if state is None and (country == UNITED_STATES or not has_address):
        look.object_to(
            "data_processing_options_state", text="is required with a country or without an IP"
        )


def check_leaks(event: Json, *, look: Inspection) -> None:
    """Check 8n: no e-mail address, phone or card number in the clear, no order without consent."""
    if look.order is not None and look.order.consent is False:
        look.object_to(text="is about an order whose buyer has not consented")
    for keys, text in _texts(event):
        if what := _leak(text, is_identifier=not IDENTIFIERS.isdisjoint(keys[-2:])):
            look.object_to(*keys, text=f"holds {what} in the clear")


def _texts(event: Json) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for key in ("event_source_url", "referrer_url"):
        if isinstance(url := event.get(key), str):
            yield (key,), unquote(url)
    yield from _walk(event.get("custom_data"), ("custom_data",))


def _walk(
    value: object, keys: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield keys, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _walk(part, (*keys, key))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _walk(part, (*keys, place))


def _leak(text: str, *, is_identifier: bool) -> str | None:
    if EMAIL.search(text):
        return "an e-mail address"
    if is_identifier:
        return None
    if PHONE.search(text):
        return "a phone number"
    if (card := CARD.search(text)) and _passes_luhn(card[0]):
        return "a card number"
    return None


def _passes_luhn(text: str) -> bool:
    digits = [int(character) for character in reversed(text) if character.isdecimal()]
    doubled = [sum(divmod(digit * 2, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
