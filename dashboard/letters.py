"""Mails that are no alarm: what became of yesterday's orders, and that a store's first has arrived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from smtplib import SMTPException
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversions.models import ConversionEvent, LedgerTotal, State
from conversions.totals import summed
from dashboard.models import DailyMail, FirstOrder
from dashboard.templatetags.dashboard import STATES
from dashboard.words import day_of, number, span
from stores.models import Membership, Pixel, Store, User

log = structlog.get_logger(__name__)

KEPT_FOR = timedelta(days=30)  # that a mail went
HOUR = 8  # from which on the mail of yesterday may go, in the time zone of the reader's first store
MOST_LINES = 30
ORDER = (
    State.ACCEPTED,
    State.PENDING,
    State.IN_DOUBT,
    State.WAITING,
    State.SKIPPED,
    State.REJECTED,
    State.EXPIRED,
)
Counts = Mapping[State, int]


def readers() -> QuerySet[User]:
    """Who gets these mails: the owners and operators who have not declined."""
    may = Membership.objects.filter(user=OuterRef("pk"), role__in=Membership.MAY_CHANGE)
    return User.objects.filter(
        Exists(may), is_active=True, only_store=None, morning_mail=True
    ).order_by("pk")


def send_mornings(*, now: datetime) -> int:
    """Mail each reader once for yesterday, from eight o'clock on; returns how many mails went.

    A mail that fails is tried again at the next look, until the day is over.
    """
    DailyMail.objects.filter(day__lt=now.date() - KEPT_FOR).delete()
    return sum(_send_morning(reader, now=now) for reader in readers())


def _send_morning(reader: User, *, now: datetime) -> bool:
    stores = list(stores_of(reader).order_by("pk"))
    if not stores:
        return False
    local = now.astimezone(ZoneInfo(stores[0].time_zone))
    if local.hour < HOUR:
        return False
    day = local.date() - timedelta(days=1)
    with transaction.atomic():
        row, _new = DailyMail.objects.get_or_create(user=reader, day=day)
        mine = DailyMail.objects.select_for_update(skip_locked=True).filter(pk=row.pk, sent_at=None)
        if not mine:
            return False
        with translation.override(reader.language or settings.LANGUAGE_CODE):
            subject, text = morning(stores, day)
        if text and not _mail(reader, subject, text):
            return False
        mine.update(sent_at=now)
    return bool(text)


def stores_of(reader: User) -> QuerySet[Store]:
    """The connected stores that they may change."""
    mine = Membership.objects.filter(user=reader, role__in=Membership.MAY_CHANGE)
    found: QuerySet[Store] = Store.objects.visible_to(reader)
    return found.filter(connected=True, workspace__in=mine.values("workspace"))


def morning(stores: Sequence[Store], day: date) -> tuple[str, str]:
    """Subject and text on the orders that were placed on `day`; "" where there were none.

    One line for each store and dataset, the ones with most that did not arrive first. Each adds up.
    """
    totals = LedgerTotal.objects.filter(store__in=stores, day=day)
    counts: dict[tuple[int, int], dict[State, int]] = defaultdict(lambda: defaultdict(int))
    for store_id, pixel_id, state, events, _orders, _value in summed(
        totals, "store_id", "pixel_id", "state"
    ):
        counts[store_id, pixel_id][State(state)] += events
    found = {key: states for key, states in counts.items() if sum(states.values())}
    if not found:
        return "", ""
    names = {store.pk: store.name for store in stores}
    pixels = Pixel.objects.in_bulk([pixel_id for _store_id, pixel_id in found])
    worst_first = sorted(found, key=lambda key: (-_missing(found[key]), -sum(found[key].values())))
    lines = [
        f"{names[store_id]} → {pixels[pixel_id].name or pixels[pixel_id].pixel_id}: "
        f"{sum_of(found[store_id, pixel_id])}"
        for store_id, pixel_id in worst_first[:MOST_LINES]
    ]
    if more := len(found) - MOST_LINES:
        lines += [_("… and %(n)s more.") % {"n": number(more)}] if more > 0 else []
    missing = sum(map(_missing, found.values()))
    words = {"day": day_of(day), "n": number(missing)}
    subject = (
        ngettext(
            "Connector: %(n)s order of %(day)s is not at Meta",
            "Connector: %(n)s orders of %(day)s are not at Meta",
            missing,
        )
        if missing
        else _("Connector: all orders of %(day)s are accounted for")
    )
    told = _("What became of the orders of %(day)s:") % words
    end = _("See each of them: %(address)s\nTo have no such mail: %(alerts)s") % {
        "address": settings.APP_URL + reverse("dashboard:stores"),
        "alerts": settings.APP_URL + reverse("dashboard:alerts"),
    }
    return subject % words, "\n".join([told, "", *lines, "", end])


def sum_of(states: Counts) -> str:
    """`22 = 21 Accepted + 1 Waiting`."""
    parts = [f"{number(states[state])} {STATES[state]}" for state in ORDER if states.get(state)]
    return f"{number(sum(states.values()))} = {' + '.join(parts)}"


def _missing(states: Counts) -> int:
    late = (State.PENDING, State.IN_DOUBT, State.REJECTED, State.EXPIRED)
    return sum(states.get(state, 0) for state in late)


def tell_first_orders(*, now: datetime) -> int:
    """Mail of each store's first order at Meta, once; returns how many stores were told of."""
    arrived = ConversionEvent.objects.filter(store=OuterRef("pk"), state=State.ACCEPTED)
    untold = Store.objects.filter(Exists(arrived), connected=True, first_order=None)
    return sum(_tell_first(store, now=now) for store in untold.order_by("pk")[:100])


def _tell_first(store: Store, *, now: datetime) -> bool:
    event = (
        ConversionEvent.objects.filter(store=store, state=State.ACCEPTED)
        .order_by("accepted_at", "pk")
        .first()
    )
    if event is None or event.accepted_at is None:
        return False
    people = readers().filter(membership__workspace=store.workspace_id)
    may = people.filter(membership__role__in=Membership.MAY_CHANGE).distinct()
    took = max(event.accepted_at - event.received_at, timedelta(seconds=1))
    sent = [_mail_first(reader, store, event, took=took) for reader in may]
    if sent and not any(sent):
        return False  # the mail server is out of reach: at the next look
    FirstOrder.objects.get_or_create(store=store, defaults={"told_at": now})
    return True


def _mail_first(reader: User, store: Store, event: ConversionEvent, *, took: timedelta) -> bool:
    with translation.override(reader.language or settings.LANGUAGE_CODE):
        words = {"order": event.order_name, "store": store.name, "span": span(took)}
        page = reverse("dashboard:order", args=[store.pk, event.order_id])
        subject = _("Connector: %(store)s's first order reached Meta") % words
        text = _("Order %(order)s of %(store)s reached Meta in %(span)s.") % words
        return _mail(reader, subject, f"{text}\n\n{settings.APP_URL}{page}")


def _mail(reader: User, subject: str, text: str) -> bool:
    one_line = " ".join(subject.split())
    try:
        EmailMessage(one_line, text, settings.ALERT_FROM, [reader.email]).send()
    except (OSError, SMTPException) as error:
        log.warning("letter.not_sent", user=reader.pk, error=type(error).__name__)
        return False
    return True
