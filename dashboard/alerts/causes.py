"""The causes of alerts: a closed list, each with its sentence, and the page on which it is put right.

Pure, and without a person in it: an alert is a number of orders, their money, and whose they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from msgspec import Struct

from dashboard.words import number, relative, sums

Money = tuple[tuple[str, Decimal], ...]  # by currency, the most first


class Cause(StrEnum):
    """What can be wrong. The order is that of a message: the gravest first."""

    PIXEL_BROKEN = "pixel_broken"
    FLOW_STOPPED = "flow_stopped"
    QUEUE_STUCK = "queue_stuck"
    REJECTS = "rejects"
    SHOP_REFUSES = "shop_refuses"
    WEBHOOKS_SILENT = "webhooks_silent"
    EXPIRING = "expiring"
    TO_SETTLE = "to_settle"
    UNREADABLE = "unreadable"
    PRIVACY_WAITS = "privacy_waits"
    TOKEN_EXPIRING = "token_expiring"  # noqa: S105 – the name of a cause
    TEST_CODE_LEFT = "test_code_left"
    QUALITY_FELL = "quality_fell"
    BROWSER_SILENT = "browser_silent"


class Level(StrEnum):
    """How bad it is."""

    BAD = "bad"  # orders do not reach Meta, or will not
    CARE = "care"


class Alarm(Struct, frozen=True, kw_only=True):
    """One cause, and whom it is about: a store, a dataset, or the whole workspace (0)."""

    workspace: int
    cause: Cause
    level: Level
    store: int = 0
    pixel: int = 0
    orders: int = 0
    money: Money = ()
    until: datetime | None = None  # when the first order, or the token, runs out
    stage: int = 0  # a higher one is told anew: a token has 30, 7, 1 day left
    reason: str = ""  # a slug of dashboard.reasons or stores.shop_words

    @property
    def subject(self) -> tuple[int, str, int, int]:
        """What makes it the same alarm as the one a minute ago."""
        return self.workspace, self.cause.value, self.store, self.pixel


SENTENCES: Mapping[Cause, str | Promise] = {
    Cause.PIXEL_BROKEN: gettext_lazy(
        "Dataset %(name)s is paused: Meta refuses its token or itself."
    ),
    Cause.FLOW_STOPPED: gettext_lazy(
        "No order of %(name)s has come, where there usually are some."
    ),
    Cause.QUEUE_STUCK: gettext_lazy(
        "Orders for dataset %(name)s have not left for a quarter of an hour."
    ),
    Cause.REJECTS: gettext_lazy("Meta rejects orders of %(name)s."),
    Cause.SHOP_REFUSES: gettext_lazy("%(name)s does not let us read its orders back."),
    Cause.WEBHOOKS_SILENT: gettext_lazy("%(name)s has sold, and its webhooks have not told us."),
    Cause.EXPIRING: gettext_lazy("Orders of %(name)s will soon be too old for Meta."),
    Cause.TO_SETTLE: gettext_lazy("Orders of %(name)s are in doubt and wait for a person."),
    Cause.UNREADABLE: gettext_lazy("Deliveries of %(name)s cannot be read."),
    Cause.PRIVACY_WAITS: gettext_lazy("A customer of %(name)s asks what is held of them."),
    Cause.TOKEN_EXPIRING: gettext_lazy("The access token of dataset %(name)s ends."),
    Cause.TEST_CODE_LEFT: gettext_lazy("Orders go to dataset %(name)s with a test code."),
    Cause.QUALITY_FELL: gettext_lazy("Meta may know the buyers of %(name)s less well than before."),
    Cause.BROWSER_SILENT: gettext_lazy("The browsers of %(name)s tell nothing any more."),
}
# Where it is put right: the name of a page of the store (of a dataset: of a store of it), and its query.
PAGES: Mapping[Cause, tuple[str, str]] = {
    Cause.PIXEL_BROKEN: ("datasets", ""),
    Cause.FLOW_STOPPED: ("connection", ""),
    Cause.QUEUE_STUCK: ("ledger", "state=pending"),
    Cause.REJECTS: ("ledger", "state=rejected"),
    Cause.SHOP_REFUSES: ("connection", ""),
    Cause.WEBHOOKS_SILENT: ("connection", ""),
    Cause.EXPIRING: ("ledger", "state=waiting"),
    Cause.TO_SETTLE: ("doubt", ""),
    Cause.UNREADABLE: ("deliveries", "state=unreadable"),
    Cause.PRIVACY_WAITS: ("privacy", ""),
    Cause.TOKEN_EXPIRING: ("datasets", ""),
    Cause.TEST_CODE_LEFT: ("test_events", ""),
    Cause.QUALITY_FELL: ("match_quality", ""),
    Cause.BROWSER_SILENT: ("browser", ""),
}
ORDER = {cause.value: place for place, cause in enumerate(Cause)}


def in_words(cause: Cause, *, name: str) -> str:
    """The sentence, about the store or dataset `name`."""
    return str(SENTENCES[cause]) % {"name": name}


def at_risk(*, orders: int, money: Money, until: datetime | None, now: datetime) -> str:
    """`37 orders, 2,914.00 EUR; the first runs out in 6 days`; "" where nothing is known of it."""
    told = []
    if orders:
        counted = ngettext("%(n)s order", "%(n)s orders", orders) % {"n": number(orders)}
        told.append(f"{counted}, {sums(money)}" if money else counted)
    if until:
        told.append(_("it ends %(when)s") % {"when": relative(until, now=now)})
    return "; ".join(told)


def stage_of(until: datetime, *, now: datetime) -> int:
    """How near the end of a token is: 1 from 30 days on, 2 from 7, 3 on the last day; 0 for far."""
    return sum(until - now <= timedelta(days=days) for days in (30, 7, 1))
