"""How long orders take from the shop's word to Meta's yes, and how long those have that still wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Struct

from conversions.models import ConversionEvent, State
from dashboard.charts import Layer, Plot, Table, bars, line, slots, upper_edge
from dashboard.queries import DAYS
from dashboard.samples import sample
from dashboard.words import day_of, number, span
from stores.models import Pixel, Store

SOON = 60.0  # seconds that most orders should take at most
# The upper edges of the histogram's bars, in seconds.
EDGES: Sequence[tuple[float, str | Promise]] = (
    (1, gettext_lazy("≤ 1 s")),
    (2, gettext_lazy("≤ 2 s")),
    (5, gettext_lazy("≤ 5 s")),
    (10, gettext_lazy("≤ 10 s")),
    (30, gettext_lazy("≤ 30 s")),
    (60, gettext_lazy("≤ 1 min")),
    (300, gettext_lazy("≤ 5 min")),
    (3600, gettext_lazy("≤ 1 h")),
    (86_400, gettext_lazy("≤ 1 day")),
    (float("inf"), gettext_lazy("longer")),
)
# How long what still waits has left until it can no longer be sent.
LEFT: Sequence[tuple[timedelta, str | Promise]] = (
    (timedelta(hours=6), gettext_lazy("< 6 h")),
    (timedelta(days=1), gettext_lazy("< 1 day")),
    (timedelta(days=2), gettext_lazy("< 2 days")),
    (timedelta(days=4), gettext_lazy("< 4 days")),
    (timedelta(days=7), gettext_lazy("< 7 days")),
    (timedelta(days=62), gettext_lazy("longer")),
)

# Since when we owe it: since the shop's word, or, of what had to wait for something, since it had come.
DUE_AT = """(
    SELECT CASE WHEN bool_or(step.state IN ('waiting', 'skipped'))
                THEN COALESCE(min(step.at) FILTER (WHERE step.state = 'pending'), received_at)
                ELSE received_at END
    FROM conversions_eventtransition AS step WHERE step.event_id = conversions_conversionevent.id
)"""


class Speed(Struct, frozen=True, kw_only=True):
    """What the page shows; times in seconds, of a sample of what Meta has taken."""

    orders: int
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    soon_percent: int = 0
    histogram: Plot | None = None
    by_day: Plot | None = None
    clock: Plot | None = None


def read_speed(*, store: Store, pixel: Pixel, now: datetime) -> Speed:
    """Of the last days' purchases; two queries."""
    found = sample(
        store=store,
        pixel=pixel,
        days=DAYS,
        now=now,
        columns=f"EXTRACT(epoch FROM accepted_at - {DUE_AT})::float8",
        condition="accepted_at IS NOT NULL",
    )
    clock = _clock(store, pixel, now)
    seconds = sorted(max(0.0, taken) for _day, taken in found)
    if not seconds:
        return Speed(orders=0, clock=clock)
    return Speed(
        orders=len(seconds),
        p50=at(seconds, 0.50),
        p95=at(seconds, 0.95),
        p99=at(seconds, 0.99),
        soon_percent=int(100 * sum(taken <= SOON for taken in seconds) / len(seconds)),
        histogram=_histogram(seconds),
        by_day=_by_day(found),
        clock=clock,
    )


def at(seconds: Sequence[float], share: float) -> float:
    """The value that this share of the sorted `seconds` is not above."""
    return seconds[min(int(len(seconds) * share), len(seconds) - 1)]


def _histogram(seconds: Sequence[float]) -> Plot:
    counts, below = [], 0
    for edge, _label in EDGES:
        up_to = sum(taken <= edge for taken in seconds)
        counts.append(up_to - below)
        below = up_to
    return _bars(
        [str(label) for _edge, label in EDGES],
        counts,
        heading=_("From the shop's word to Meta's yes"),
    )


def _clock(store: Store, pixel: Pixel, now: datetime) -> Plot | None:
    """What waits, by the hours it has left; None where nothing does."""
    waiting = ConversionEvent.objects.filter(
        store=store,
        pixel=pixel,
        state__in=(State.WAITING, State.PENDING, State.IN_DOUBT),
    )
    counted = waiting.aggregate(
        **{
            f"up_to_{place}": Count("pk", filter=Q(cut_off__lte=now + left))
            for place, (left, _label) in enumerate(LEFT)
        }
    )
    up_to = [counted[f"up_to_{place}"] for place in range(len(LEFT))]
    counts = [more - fewer for more, fewer in zip(up_to, [0, *up_to], strict=False)]
    if not any(counts):
        return None
    return _bars(
        [str(label) for _left, label in LEFT], counts, heading=_("Until they can no longer be sent")
    )


def _bars(labels: Sequence[str], counts: Sequence[int], *, heading: str) -> Plot:
    top = upper_edge(max(counts))
    return Plot(
        summary=", ".join(
            f"{label}: {number(count)}"
            for label, count in zip(labels, counts, strict=True)
            if count
        ),
        top=number(int(top)),
        slots=slots(
            (label, f"{label}: {number(count)}")
            for label, count in zip(labels, counts, strict=True)
        ),
        bars=bars(counts, css="accepted", top=top),
        names_all=True,
        table=Table(
            headings=[heading, _("Orders")],
            rows=[list(row) for row in zip(labels, counts, strict=True)],
        ),
    )


def _by_day(found: Sequence[tuple[date, float]]) -> Plot:
    """The time that nineteen of twenty orders of a day were not above."""
    by_day: dict[date, list[float]] = {}
    for day, taken in found:
        by_day.setdefault(day, []).append(max(0.0, taken))
    days = sorted(by_day)
    values = [at(sorted(by_day[day]), 0.95) for day in days]
    top = upper_edge(max(values))
    label = _("p95 of the day")
    words = [span(timedelta(seconds=value)) for value in values]
    return Plot(
        summary=_("The 95th percentile by day, at most %(longest)s.")
        % {"longest": span(timedelta(seconds=max(values)))},
        top=span(timedelta(seconds=top)),
        slots=slots(
            (
                (day_of(day), f"{day_of(day)} – {said}")
                for day, said in zip(days, words, strict=True)
            ),
            on_points=True,
        ),
        lines=[line(Layer(css="good", label=label, values=values), top=top)],
        table=Table(
            headings=[_("Day"), label, _("Orders looked at")],
            rows=[
                [day.isoformat(), round(value, 1), len(by_day[day])]
                for day, value in zip(days, values, strict=True)
            ],
        ),
    )
