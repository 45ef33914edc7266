"""What a page is asked to show, read from its address. What makes no sense there is left out."""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import urlencode

from django.http import QueryDict
from msgspec import Struct

from conversions.models import State
from shop_webhooks.models import WebhookDelivery

PERIODS = (30, 7, 1, 0)  # days; 0 is all time; the first one counts when none is given
LONGEST_SEARCH = 100  # of an order's name
COUNTRY = re.compile(r"[A-Z]{2}|-")
UNNAMED = "-"
SLUG = re.compile(r"[a-z0-9_]{1,64}")  # a reason's
LARGEST_ID = 2**63 - 1
YEARS = range(2000, 2100)  # a day beyond has no midnight in some zone, and no orders


class LedgerFilter(Struct, frozen=True, kw_only=True):
    """The orders that a ledger shows; 0 and "" leave a filter out."""

    state: str = ""
    reason: str = ""
    pixel: int = 0
    search: str = ""
    country: str = ""  # of buyers who were asked for consent; UNNAMED where the order names none
    days: int = PERIODS[0]
    on: date | None = None  # the day on which the order was placed; overrules `days`
    before: int = 0


class DeliveryFilter(Struct, frozen=True, kw_only=True):
    """The deliveries that are shown."""

    state: str = ""
    before: int = 0


def read_ledger_filter(query: QueryDict) -> LedgerFilter:
    """The filters of a ledger's address."""
    days, reason = query.get("days", ""), query.get("reason", "")
    country = query.get("country", "")
    return LedgerFilter(
        state=_one_of(State.values, query.get("state", "")),
        reason=reason if SLUG.fullmatch(reason) else "",
        pixel=read_number(query.get("pixel", "")),
        country=country if COUNTRY.fullmatch(country) else "",
        search=query.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH],
        days=int(days) if days in map(str, PERIODS) else PERIODS[0],
        on=_day(query.get("on", "")),
        before=read_number(query.get("before", "")),
    )


def as_query(wanted: LedgerFilter) -> str:
    """The ledger's address for these filters, without the page; "" for none."""
    said = {
        "state": wanted.state,
        "reason": wanted.reason,
        "pixel": wanted.pixel or "",
        "q": wanted.search,
        "country": wanted.country,
        "days": "" if wanted.on or wanted.days == PERIODS[0] else wanted.days,
        "on": wanted.on or "",
    }
    return urlencode({name: value for name, value in said.items() if value != ""})


def read_delivery_filter(query: QueryDict) -> DeliveryFilter:
    """The filters of the deliveries' address."""
    return DeliveryFilter(
        state=_one_of(WebhookDelivery.State.values, query.get("state", "")),
        before=read_number(query.get("before", "")),
    )


def read_number(text: str) -> int:
    """A row's id, or 0; a text of many digits must not become a number the database cannot hold."""
    is_id = text.isascii() and text.isdigit() and len(text) <= 19
    return min(int(text), LARGEST_ID) if is_id else 0


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in YEARS else None


def _one_of(known: list[str], text: str) -> str:
    return text if text in known else ""
