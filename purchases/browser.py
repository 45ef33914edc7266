"""What our script in the shopper's browser tells of a checkout, and what an order learns from it.

Anyone can post to the collector, so it takes only what it knows, in the form that it knows. It is joined
to an order by the checkout's token, which only the shop and that browser have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from purchases.mapping import Rules, When
from purchases.order import Order, Quote

MOST_BYTES = 4_096
LONGEST_WAIT = 180

COOKIE = re.compile(r"fb\.[0-2]\.[0-9]{10,13}\.[A-Za-z0-9_.-]{1,300}")
CHECKOUT = r"^[A-Za-z0-9_-]{8,64}$"  # its token
LONGEST_TEXT = 500
LATEST_MOMENT = 4_102_444_800_000  # 2100, in milliseconds

# How the buyer's word stands on an order: purchases/consent.py.
MARKETING, SALE_OF_DATA = "_capi_consent_marketing", "_capi_consent_sale_of_data"
EVENT_ID = "_capi_event_id"  # for the event id `attribute:_capi_event_id`
COLLECTED = "_capi_collected"  # that the browser has told at all

Word = Literal["granted", "denied", "not_given", ""]


class BrowserError(ValueError):
    """Settings that cannot be meant: `key` names one, the message says what is allowed."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key
        self.message = message


class BrowserHalf(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a store uses the script. An order waits at most `wait` seconds for what the browser tells;
    with `purchase`, the script also tells Meta's pixels of it, under the same event id."""

    wait: Annotated[int, Meta(ge=0, le=LONGEST_WAIT)] = 60
    purchase: bool = False


def read_browser_half(settings: Mapping[str, object]) -> BrowserHalf:
    """A store's settings. Raises BrowserError naming the key that is wrong."""
    try:
        return msgspec.convert(settings, BrowserHalf)
    except msgspec.ValidationError as error:
        key = re.search(r"`\$\.(\w+)|field `(\w+)`", str(error))
        named = (key[1] or key[2]) if key else ""
        if named == "wait":
            raise BrowserError("wait", f"must be 0 to {LONGEST_WAIT} seconds") from None
        raise BrowserError(named, str(error).partition(" - at ")[0]) from None


# What the browser knows as well as the server: purchases/event_ids.py.
SHARED_IDS = {"order_id": "{order_id}", "checkout_token": "{checkout_token}"}
SHARED_FIELDS = {"shop", "order_id", "checkout_token"}


def shared_event_id(rules: Rules) -> str:
    """The template of the event id that browser and server make alike, or "" where there is none."""
    kind, _, template = rules.event_id.partition(":")
    if kind == "template" and set(re.findall(r"\{(\w+)\}", template)) <= SHARED_FIELDS:
        return template
    return SHARED_IDS.get(rules.event_id, "")


def why_untold(rules: Rules) -> str:
    """What keeps the script from telling a mapping's pixel of a purchase, as a slug; "" for nothing.

    It must tell neither of an order that the server will not, nor under another id, nor another value.
    """
    found = (
        ("other_event", rules.event != "Purchase"),
        ("not_when_paid", rules.trigger != "paid"),
        ("conditions", rules.when != When()),
        ("held", rules.only_watches or bool(rules.hold)),
        ("other_value", rules.value != "total" or bool(rules.leave_out)),
        ("unknown_event_id", not shared_event_id(rules)),
    )
    return next((slug for slug, is_so in found if is_so), "")


class UnreadableVisit(Exception):
    """The body is not what the script sends. `field` is a path, or ""; never a value."""

    def __init__(self, field: str = "") -> None:
        super().__init__(field)
        self.field = field


class Told(Struct, frozen=True, kw_only=True):
    """What a browser has told of one checkout. Without a yes nothing that tells of the buyer."""

    checkout: Annotated[str, Meta(pattern=CHECKOUT)]
    at: Annotated[int, Meta(ge=0, le=LATEST_MOMENT)] = 0  # by the browser's clock, in milliseconds
    marketing: Word = ""
    sale_of_data: Word = ""
    fbp: str = ""
    fbc: str = ""
    user_agent: str = ""
    page: str = ""
    event_id: str = ""
    purchased: bool = False  # the script has told Meta's pixel

    @property
    def said_at(self) -> datetime:
        """When the browser said so: only to tell which of two words of one browser is the later."""
        return datetime.fromtimestamp(self.at / 1_000, UTC)


_decode = msgspec.json.Decoder(Told).decode


def read_told(body: bytes) -> Told:
    """What the script has posted; unknown keys are left out, and so is a value that cannot be what its
    key promises. Raises UnreadableVisit where that leaves nothing to join it to an order by."""
    try:
        told = _decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        path = re.search(r"`\$\.?([\w.]*)`|required field `(\w+)`", str(error))
        raise UnreadableVisit((path[1] or path[2] or "") if path else "") from None
    if told.marketing != "granted":
        return replace(told, fbp="", fbc="", user_agent="", page="", event_id="")
    return replace(
        told,
        fbp=told.fbp if COOKIE.fullmatch(told.fbp) else "",
        fbc=told.fbc if COOKIE.fullmatch(told.fbc) else "",
        user_agent=_text(told.user_agent),
        page=_text(told.page.partition("?")[0].partition("#")[0]),
        event_id=told.event_id if re.fullmatch(r"[\w.-]{1,100}", told.event_id, re.ASCII) else "",
    )


def with_told(order: Order, told: Told) -> Order:
    """The order with what the browser knows of its buyer and of their consent."""
    said = (
        (MARKETING, told.marketing),
        (SALE_OF_DATA, told.sale_of_data),
        (EVENT_ID, told.event_id),
        (COLLECTED, "1"),
    )
    visit = order.visit
    return replace(
        order,
        attributes=order.attributes + tuple((key, word) for key, word in said if word),
        tracked_in_browser=order.tracked_in_browser or told.purchased,
        visit=replace(
            visit,
            user_agents=visit.user_agents + _quotes("browser.user_agent", told.user_agent),
            fbps=_quotes("browser.fbp", told.fbp) + visit.fbps,
            fbcs=_quotes("browser.fbc", told.fbc) + visit.fbcs,
            landing_page=visit.landing_page or told.page,
        ),
    )


def _quotes(origin: str, text: str) -> tuple[Quote, ...]:
    return (Quote(text=text, origin=origin),) if text else ()


def _text(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT and text.isprintable() else ""
