"""A month of a store for its owner to read: what was sold, what Meta has of it, what went wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import median

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from msgspec import Struct

from conversions.models import LedgerTotal, State
from conversions.totals import summed
from dashboard.alerts.causes import Cause, in_words
from dashboard.alerts.telling import name_of
from dashboard.heat import AT_RISK
from dashboard.models import Alert, AuditChain
from dashboard.queries import midnight
from dashboard.samples import sample
from dashboard.speed import DUE_AT, at
from dashboard.words import number, span, sums
from purchases.meta.match_quality import estimate
from stores.models import Pixel, Store


class Line(Struct, frozen=True, kw_only=True):
    """A dataset's month, in words."""

    name: str
    due: int
    there: int
    money: str  # at Meta
    missing: str
    half: str  # the time in which half of the sample was there
    most: str  # and 95 of a hundred
    quality: str

    @property
    def percent(self) -> int:
        """Of what was due; rounded down: only what is whole is 100."""
        return 100 * self.there // self.due


class Incident(Struct, frozen=True, kw_only=True):
    """Something that was wrong, from when to when."""

    what: str
    opened_at: datetime
    resolved_at: datetime | None


class Report(Struct, frozen=True, kw_only=True):
    """What the page and the PDF say."""

    agency: str
    store: str
    month: str
    drawn_up_at: datetime
    sentence: str
    not_due: str  # what was skipped by rule, or waits for the buyer's word
    lines: Sequence[Line]
    incidents: Sequence[Incident]
    head: str  # of the chain of the audit
    length: int


def months(*, now: datetime, most: int = 12) -> list[date]:
    """The first days of this month and of those before it, the latest first."""
    found = [now.date().replace(day=1)]
    while len(found) < most:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found


def read_report(*, store: Store, month: date, now: datetime) -> Report:
    """The report of the month that begins with the day `month`, in the store's time zone.

    Counts and money are the ledger's; times and match quality those of a sample of 200 orders a day.
    Four queries, and one for each dataset.
    """
    after = (month + timedelta(days=31)).replace(day=1)
    totals = LedgerTotal.objects.filter(store=store, day__gte=month, day__lt=after)
    counts: dict[tuple[int, str], int] = defaultdict(int)
    money: dict[tuple[int, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for pixel, state, currency, events, _orders, value in summed(
        totals, "pixel_id", "state", "currency"
    ):
        counts[pixel, state] += events
        money[pixel, state][currency] += value or 0
    pixels = Pixel.objects.filter(pk__in={pixel for pixel, _state in counts})
    lines = [
        _line(store, pixel, counts, money, month=month, after=after)
        for pixel in pixels.order_by("name", "pixel_id")
        if _due(pixel.pk, counts)
    ]
    chain = AuditChain.objects.filter(workspace=store.workspace_id).first()
    return Report(
        agency=store.workspace.name,
        store=store.name,
        month=date_format(month, "F Y"),
        drawn_up_at=now,
        sentence=_sentence(lines),
        not_due=_not_due(counts),
        lines=lines,
        incidents=_incidents(store, month, after),
        head=chain.head if chain else "",
        length=chain.length if chain else 0,
    )


def _due(pixel: int, counts: Mapping[tuple[int, str], int]) -> int:
    return sum(counts.get((pixel, state), 0) for state in (State.ACCEPTED, *AT_RISK))


def _line(
    store: Store,
    pixel: Pixel,
    counts: Mapping[tuple[int, str], int],
    money: Mapping[tuple[int, str], Mapping[str, Decimal]],
    *,
    month: date,
    after: date,
) -> Line:
    missing: dict[str, Decimal] = defaultdict(Decimal)
    for state in AT_RISK:
        for currency, value in money.get((pixel.pk, state), {}).items():
            missing[currency] += value
    found = sample(
        store=store,
        pixel=pixel,
        days=(after - month).days,
        now=midnight(after, store.time_zone) - timedelta(hours=1),
        columns=f"EXTRACT(epoch FROM accepted_at - {DUE_AT})::float8, identifiers",
        condition="accepted_at IS NOT NULL",
    )
    seconds = sorted(max(0.0, taken) for _day, taken, _mask in found)
    estimates = [estimate(mask) for _day, _taken, mask in found if mask is not None]
    return Line(
        name=pixel.name or pixel.pixel_id,
        due=_due(pixel.pk, counts),
        there=counts.get((pixel.pk, State.ACCEPTED), 0),
        money=_sums(money.get((pixel.pk, State.ACCEPTED), {})),
        missing=_sums(missing),
        half=_time(seconds, 0.50),
        most=_time(seconds, 0.95),
        quality=f"{median(estimates):.1f}" if estimates else "–",
    )


def _sums(money: Mapping[str, Decimal]) -> str:
    return sums(sorted(((name, value) for name, value in money.items() if value), key=_most)) or "–"


def _most(pair: tuple[str, Decimal]) -> Decimal:
    return -pair[1]


def _time(seconds: Sequence[float], share: float) -> str:
    return span(timedelta(seconds=at(seconds, share))) if seconds else "–"


def _sentence(lines: Sequence[Line]) -> str:
    due, there = sum(line.due for line in lines), sum(line.there for line in lines)
    if not due:
        return _("Nothing was due in this month.")
    if due == there:
        return _("Whatever was due, %(due)s events, is at Meta.") % {"due": number(due)}
    return _("%(there)s of the %(due)s events that were due are at Meta: %(percent)s %%.") % {
        "there": number(there),
        "due": number(due),
        "percent": 100 * there // due,
    }


def _not_due(counts: Mapping[tuple[int, str], int]) -> str:
    by_state = {
        wanted: sum(count for (_pixel, state), count in counts.items() if state == wanted)
        for wanted in (State.SKIPPED, State.WAITING)
    }
    return _(
        "Besides, %(skipped)s were not to be reported, by rule, and %(waiting)s wait, for the payment or"
        " for the buyer's word."
    ) % {
        "skipped": number(by_state[State.SKIPPED]),
        "waiting": number(by_state[State.WAITING]),
    }


def _incidents(store: Store, month: date, after: date) -> list[Incident]:
    """The alerts of the store, and of its datasets, that were open in the month; the latest first."""
    since, until = (midnight(day, store.time_zone) for day in (month, after))
    alerts = Alert.objects.filter(workspace=store.workspace_id, opened_at__lt=until)
    theirs = alerts.filter(store=store) | alerts.filter(pixel__mappings__store=store)
    still = theirs.filter(resolved_at=None) | theirs.filter(resolved_at__gte=since)
    found = still.select_related("store", "pixel").distinct().order_by("-opened_at")[:50]
    return [
        Incident(
            what=in_words(Cause(alert.cause), name=name_of(alert)),
            opened_at=alert.opened_at,
            resolved_at=alert.resolved_at,
        )
        for alert in found
    ]
