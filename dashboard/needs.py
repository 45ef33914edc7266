"""What needs a person, the gravest first: pure, so that a page and a mail can say the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from dashboard.words import number, relative, sums

SOON = timedelta(hours=36)  # from here on, an order that runs out of time is worth a person's


class Expiring(Struct, frozen=True, kw_only=True):
    """Orders that can soon no longer be sent."""

    orders: int
    first_at: datetime
    money: tuple[tuple[str, Decimal], ...]  # by currency


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of a store's last days; numbers count orders, but for the deliveries."""

    paused: tuple[tuple[str, int], ...]  # datasets, and how many of their events wait
    reconnect: bool  # the shop no longer lets us read
    expiring: Expiring | None
    to_settle: int  # in doubt until a person decides
    rejected: int
    lost: int
    unreadable: int
    unmapped: bool = False  # no mapping is in force: nothing is owed to anybody


class Need(Struct, frozen=True, kw_only=True):
    """One thing that is `bad`, or will be (`care`); it is put right on `page`, with `query`."""

    level: str
    sentence: str
    press: str
    page: str
    query: str = ""


def needs(facts: Facts, *, now: datetime) -> list[Need]:
    """All that needs somebody, the gravest first."""
    return list(_found(facts, now))


def _found(facts: Facts, now: datetime) -> Iterator[Need]:
    for name, held in facts.paused:
        sentence = ngettext(
            "Dataset %(name)s is paused: %(held)s event waits.",
            "Dataset %(name)s is paused: %(held)s events wait.",
            held,
        )
        told = sentence % {"name": name, "held": number(held)}
        yield Need(level="bad", sentence=told, press=_("See why"), page="ledger")
    if facts.reconnect:
        told = _("Shopify no longer lets us read this shop's orders.")
        yield Need(level="bad", sentence=told, press=_("See how to mend it"), page="ledger")
    if facts.unmapped:
        told = _("Nothing is sent to Meta: no mapping is in force.")
        yield Need(level="care", sentence=told, press=_("Go on with the set-up"), page="set_up")
    if facts.expiring:
        yield _expiring(facts.expiring, now)
    counted = (
        (
            facts.to_settle,
            ngettext(
                "%(n)s order is in doubt and waits for your word.",
                "%(n)s orders are in doubt and wait for your word.",
                facts.to_settle,
            ),
            _("Decide"),
            ("doubt", ""),
        ),
        (
            facts.rejected,
            ngettext(
                "%(n)s order was rejected by Meta.",
                "%(n)s orders were rejected by Meta.",
                facts.rejected,
            ),
            _("See why"),
            ("ledger", "state=rejected"),
        ),
        (
            facts.lost,
            ngettext(
                "%(n)s order was not sent in time.",
                "%(n)s orders were not sent in time.",
                facts.lost,
            ),
            _("Look at them"),
            ("ledger", "state=expired"),
        ),
        (
            facts.unreadable,
            ngettext(
                "%(n)s delivery of the shop cannot be read.",
                "%(n)s deliveries of the shop cannot be read.",
                facts.unreadable,
            ),
            _("Look at them"),
            ("deliveries", "state=unreadable"),
        ),
    )
    for n, sentence, press, (page, query) in counted:
        if n:
            told = sentence % {"n": number(n)}
            yield Need(level="bad", sentence=told, press=press, page=page, query=query)


def _expiring(found: Expiring, now: datetime) -> Need:
    sentence = ngettext(
        "%(n)s order (%(money)s) can no longer be sent %(first)s.",
        "%(n)s orders (%(money)s) can soon no longer be sent, the first %(first)s.",
        found.orders,
    )
    told = sentence % {
        "n": number(found.orders),
        "money": sums(found.money),
        "first": relative(found.first_at, now=now),
    }
    return Need(
        level="care",
        sentence=told,
        press=_("Look at them"),
        page="ledger",
        query="state=waiting",
    )
