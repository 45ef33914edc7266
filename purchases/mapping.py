"""`Rules`: which orders go to a pixel, and how. Conditions as data, checked when they are written.

A mapping's settings are plain JSON (from the fleet file or a form); `read_rules` turns them into
`Rules` or says which key is wrong. Nothing here knows pixels, stores or databases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from purchases.consent import Consent
from purchases.order import Order, Sale, Source
from purchases.triggers import NO_PURCHASE, REFUNDED, Trigger, read_trigger

Unwanted = Literal["test", "staff", "imported", "zero_value"]
Value = Literal["total", "subtotal", "total_less_tax", "total_less_shipping", "net", "margin"]
Extra = Literal["tips", "duties", "gift_cards", "fees"]
Currency = Literal["shop", "presentment"]
Refunds = Literal["net", "full"]
AlsoSend = Literal["delivery_category", "net_revenue"]
ActionSource = Literal[
    "email", "website", "phone_call", "chat", "physical_store", "system_generated", "other"
]
Customer = Literal["any", "new", "returning"]
WhenTrackedElsewhere = Literal["skip", "send"]

_NAME = r"[^\s:](?:[^:\n]{0,98}[^\s:])?"
_IDS = "order_id|order_name|order_number|checkout_token|cart_token|order_key"
EVENT_ID = re.compile(
    rf"{_IDS}|meta:{_NAME}|attribute:{_NAME}|(?:sha256|md5):(?:{_IDS})|template:.{{1,200}}"
)
CONTENT_ID = re.compile(r"sku|variant_id|product_id|sku_or_id|woocommerce_legacy|template:.{1,200}")
EVENT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,49}")
HOLD = re.compile(r"[0-9]{1,4}[mh]")
HOLD_UNITS = {"m": "minutes", "h": "hours"}
LONGEST_HOLD = timedelta(hours=48)
PREDICTED_LTV = re.compile(rf"[0-9]{{1,3}}(?:\.[0-9]{{1,2}})?x|meta:{_NAME}|attribute:{_NAME}")
EXAMPLES = {"refunded": "Refund", "cancelled": "OrderCancelled", "draft": "Lead"}
EVENT_ID_FIELDS = (*_IDS.split("|"), "shop")
CONTENT_ID_FIELDS = ("sku", "variant_id", "product_id", "country")


class RulesError(ValueError):
    """Settings that cannot be meant: `key` names the setting, the message says what is allowed."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key
        self.message = message


class When(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Conditions that must all hold; an empty one holds always."""

    country: tuple[str, ...] = ()  # ISO 3166-1 alpha-2, of the delivery address
    source: tuple[Source, ...] = ()
    subscription: tuple[Sale, ...] = ()  # which part in a subscription; an order without is one_off
    min_value: Decimal | None = None  # of the order's total, in the order's currency
    tag: tuple[str, ...] = ()  # the order has one of them, in whatever case
    sku: tuple[str, ...] = ()  # one of its lines has one of them
    customer: Customer = "any"  # one of whom the shop does not say whether they are new is neither


class Whatsapp(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The page whose advertisements open chats; `without` are countries and regions to leave out."""

    page_id: str
    without: tuple[str, ...] = ("EEA", "GB", "JP")


WATCH = "never"  # in send_from


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a mapping reports; the defaults are those of a new mapping."""

    when: When = When()
    event: str = "Purchase"
    trigger: Trigger = "paid"
    skip: tuple[Unwanted, ...] = ("test", "imported", "zero_value")
    # From when on orders go to Meta: a moment with its zone, or never (only watched); "" for always.
    send_from: str = ""
    hold: str = ""  # how long an order is held back once it is due: 90m, 24h
    value: Value = "total"
    leave_out: tuple[Extra, ...] = ()
    currency: Currency = "shop"
    refunds: Refunds = "net"  # of an order that is refunded in part before it is sent
    event_id: str = "order_id"
    content_id: str = "variant_id"
    also_send: tuple[AlsoSend, ...] = ()
    predicted_ltv: str = (
        ""  # 2.5x of the value, or what the shop has noted: meta:KEY, attribute:NAME
    )
    action_source: tuple[tuple[Source, ActionSource], ...] = ()  # instead of our own choice
    whatsapp: Whatsapp | None = None
    when_tracked_elsewhere: WhenTrackedElsewhere = "skip"
    # The store's, whatever the mapping: stores/rules.py.
    consent: Consent | None = None
    browser_wait: int = 0  # seconds in which an order waits for what its buyer's browser tells

    @property
    def shares_event_id(self) -> bool:
        """Whether the event id is one that a browser pixel has written to the order."""
        return self.event_id.startswith(("meta:", "attribute:"))

    @property
    def tells_refunds(self) -> bool:
        """Whether the event is what was given back, not what was sold."""
        return self.trigger == REFUNDED

    @property
    def tells_no_sale(self) -> bool:
        """Whether the event is of something that is no sale: it is never a Purchase."""
        return self.trigger in NO_PURCHASE

    @property
    def held_for(self) -> timedelta:
        """How long an order is held back once it is due."""
        if not self.hold:
            return timedelta(0)
        return timedelta(**{HOLD_UNITS[self.hold[-1]]: int(self.hold[:-1])})

    @property
    def only_watches(self) -> bool:
        """Whether orders are decided upon and built, and none is sent."""
        return self.send_from == WATCH

    @property
    def cut_over_at(self) -> datetime | None:
        """The moment that orders must not be older than, if there is one."""
        if self.send_from in ("", WATCH):
            return None
        return datetime.fromisoformat(self.send_from)

    @property
    def needs_costs(self) -> bool:
        """Whether the value cannot be told without what the goods cost."""
        return self.value == "margin" or "net_revenue" in self.also_send

    @property
    def version(self) -> str:
        """What tells these rules from any others: 12 characters, the same in every process."""
        return _version(self)


@lru_cache(maxsize=4_096)
def _version(rules: Rules) -> str:
    return sha256(msgspec.json.encode(rules, order="sorted")).hexdigest()[:12]


def read_rules(settings: Mapping[str, object]) -> Rules:
    """Settings as `Rules`. Raises RulesError naming the first key that is wrong."""
    if "trigger" in settings:
        try:
            settings = {**settings, "trigger": read_trigger(settings["trigger"])}
        except ValueError as error:
            raise RulesError("trigger", str(error)) from error
    if isinstance(said := settings.get("action_source"), Mapping):
        settings = {**settings, "action_source": tuple(sorted(said.items()))}
    try:
        rules = msgspec.convert(settings, Rules, strict=False)
    except msgspec.ValidationError as error:
        raise _explained(error) from error
    _check(
        "event_id",
        rules.event_id,
        allowed=EVENT_ID,
        names=f"{', '.join(_IDS.split('|'))}, meta:KEY, attribute:NAME, sha256:ID, md5:ID",
        fields=EVENT_ID_FIELDS,
    )
    _check(
        "content_id",
        rules.content_id,
        allowed=CONTENT_ID,
        names="sku, variant_id, product_id, sku_or_id, woocommerce_legacy",
        fields=CONTENT_ID_FIELDS,
    )
    for country in rules.when.country:
        if not re.fullmatch(r"[A-Z]{2}", country):
            raise RulesError("when.country", f"{country!r} is not a two-letter country code (FR)")
    least = rules.when.min_value
    if least is not None and not (least.is_finite() and least >= 0):
        raise RulesError("when.min_value", "must be an amount such as 10 or 12.50")
    if not EVENT_NAME.fullmatch(rules.event):
        raise RulesError("event", "must be a name such as Purchase or SubscriptionRenewal")
    _check_words(rules)
    if rules.needs_costs and rules.currency == "presentment":
        raise RulesError("currency", "costs are in the shop's currency: margin can only be too")
    return rules


def mismatch(order: Order, when: When) -> str:
    """The first condition that `order` fails, as a skip reason, or "" where all hold."""
    return next(_unmet(order, when), "")


def _unmet(order: Order, when: When) -> Iterator[str]:
    if when.country and order.country not in when.country:
        yield "other_country"
    if when.source and order.source not in when.source:
        yield "other_source"
    if when.subscription and order.sale not in when.subscription:
        yield "other_subscription"
    if when.min_value is not None and order.total < when.min_value:
        yield "below_min_value"
    if when.tag and not _share(when.tag, order.tags):
        yield "other_tag"
    if when.sku and not _share(when.sku, [line.sku for line in order.lines]):
        yield "other_sku"
    if when.customer != "any" and order.is_returning is not (when.customer == "returning"):
        yield "other_customer"


def _share(wanted: Iterable[str], there: Iterable[str]) -> bool:
    return not {word.casefold() for word in wanted}.isdisjoint(word.casefold() for word in there)


def covers(wider: When, when: When) -> bool:
    """Whether all orders that `when` takes are taken by `wider` too."""
    return (
        _includes(wider.country, when.country)
        and _includes(wider.source, when.source)
        and _includes(wider.subscription, when.subscription)
        and _includes(wider.tag, when.tag)
        and _includes(wider.sku, when.sku)
        and wider.customer in ("any", when.customer)
        and (
            wider.min_value is None
            or (when.min_value is not None and wider.min_value <= when.min_value)
        )
    )


def _includes(wider: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return not wider or (bool(words) and set(words) <= set(wider))


def _explained(error: msgspec.ValidationError) -> RulesError:
    """The same in our words: msgspec tells the place, but not what may stand there."""
    message, _, path = str(error).partition(" - at `$.")
    key = path.rstrip("`")
    if unknown := re.search(r"unknown field `(.*)`", message):
        return RulesError(f"{key}.{unknown[1]}".lstrip("."), "is not a key of a mapping")
    if key.startswith("action_source"):
        place = key.rpartition("[")[2].rstrip("]")
        key, allowed = "action_source", _ACTION_SOURCES.get(place)
    else:
        allowed = _CHOICES.get(key.partition("[")[0])
    if allowed and message.startswith("Invalid enum value"):
        message = (
            f"{message.removeprefix('Invalid enum value ')} is not one of {', '.join(allowed)}"
        )
    return RulesError(key or "mapping", message)


# By the place in a pair.
_ACTION_SOURCES = {"0": tuple(source.value for source in Source), "1": get_args(ActionSource)}
_CHOICES: dict[str, tuple[str, ...]] = {
    "skip": get_args(Unwanted),
    "value": get_args(Value),
    "leave_out": get_args(Extra),
    "currency": get_args(Currency),
    "refunds": get_args(Refunds),
    "also_send": get_args(AlsoSend),
    "when_tracked_elsewhere": get_args(WhenTrackedElsewhere),
    "when.source": tuple(source.value for source in Source),
    "when.subscription": tuple(sale.value for sale in Sale),
    "when.customer": get_args(Customer),
}


def _check_words(rules: Rules) -> None:
    if rules.tells_no_sale and rules.event == "Purchase":
        raise RulesError(
            "trigger",
            f"{rules.trigger} is for an event of its own, such as event: {EXAMPLES[str(rules.trigger)]}",
        )
    if rules.hold and not (HOLD.fullmatch(rules.hold) and rules.held_for <= LONGEST_HOLD):
        raise RulesError("hold", "must be such as 90m or 24h, and 48h at most")
    if rules.send_from not in ("", WATCH) and not _is_moment(rules.send_from):
        raise RulesError(
            "send_from", "must be never, or a moment with its zone: 2026-12-01T00:00:00+01:00"
        )
    if rules.predicted_ltv and not PREDICTED_LTV.fullmatch(rules.predicted_ltv):
        raise RulesError("predicted_ltv", "must be 2.5x, meta:KEY or attribute:NAME")
    if rules.whatsapp:
        _check_whatsapp(rules.whatsapp)


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _check_whatsapp(whatsapp: Whatsapp) -> None:
    if not re.fullmatch(r"[0-9]{5,20}", whatsapp.page_id):
        raise RulesError("whatsapp.page_id", "must be the page's id: 5 to 20 digits")
    for name in whatsapp.without:
        if name != "EEA" and not re.fullmatch(r"[A-Z]{2}", name):
            raise RulesError(
                "whatsapp.without", f"{name!r} is not EEA or a two-letter country code (FR)"
            )


def _check(
    key: str, text: str, *, allowed: re.Pattern[str], names: str, fields: tuple[str, ...]
) -> None:
    if not allowed.fullmatch(text):
        raise RulesError(key, f"{text!r} is not one of {names}, template:TEXT")
    if not text.startswith("template:"):
        return
    named = re.findall(r"\{([^{}]*)\}", text)
    for name in named:
        if name not in fields:
            raise RulesError(key, f"{{{name}}} is not one of {', '.join(fields)}")
    if re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", text)):
        raise RulesError(key, "a brace is missing")
    # The last field is shared by many: on its own it would give many things one id.
    if not set(named) & set(fields[:-1]):
        raise RulesError(key, f"needs one of {', '.join(f'{{{name}}}' for name in fields[:-1])}")
