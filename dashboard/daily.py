"""A store's events by day, as the home page draws them: what became of each day's orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Struct

from conversions.models import LedgerTotal, State
from conversions.totals import summed
from dashboard.charts import Layer, Plot, Table, slots, stacked_area, upper_edge
from dashboard.queries import first_day
from dashboard.words import day_of, number
from stores.models import Store

# The layers, the first at the bottom: (class, label, states).
LAYERS: Sequence[tuple[str, str | Promise, tuple[State, ...]]] = (
    ("accepted", gettext_lazy("Reached Meta"), (State.ACCEPTED,)),
    ("skipped", gettext_lazy("Not to be sent"), (State.SKIPPED,)),
    ("waiting", gettext_lazy("Waiting"), (State.WAITING,)),
    ("pending", gettext_lazy("On the way"), (State.PENDING, State.IN_DOUBT)),
    ("lost", gettext_lazy("Not delivered"), (State.REJECTED, State.EXPIRED)),
)


A_WEEK = timedelta(days=6)  # and today


class DayCount(Struct, frozen=True, kw_only=True):
    """Events of a day (in the store's zone), a pixel, a name, a state and a currency."""

    day: date
    pixel: int
    event_name: str
    state: str
    currency: str
    events: int
    value: Decimal


def day_counts(*, store: Store, days: int, now: datetime) -> list[DayCount]:
    """The last `days` days, today among them; one query."""
    first = first_day(store.time_zone, days=days, now=now)
    totals = LedgerTotal.objects.filter(store=store, day__gte=first)
    return [
        DayCount(
            day=day,
            pixel=pixel,
            event_name=event_name,
            state=state,
            currency=currency,
            events=events,
            value=value,
        )
        for day, pixel, event_name, state, currency, events, _orders, value in summed(
            totals, "day", "pixel_id", "event_name", "state", "currency"
        )
        if events
    ]


def busiest_pixel(counts: Iterable[DayCount]) -> int:
    """The pixel with the most purchases, 0 where there are none."""
    totals: dict[int, int] = defaultdict(int)
    for count in counts:
        if count.event_name == "Purchase":
            totals[count.pixel] += count.events
    return max(totals, key=lambda pixel: (totals[pixel], -pixel), default=0)


def money_by_currency(counts: Iterable[DayCount], *states: State) -> list[tuple[str, Decimal]]:
    """(currency, sum) of the events in these states, the currency of the most events first."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    events: dict[str, int] = defaultdict(int)
    for count in counts:
        if count.state in states and count.value:
            sums[count.currency] += count.value
            events[count.currency] += count.events
    return sorted(sums.items(), key=lambda entry: (-events[entry[0]], entry[0]))


def states_by_day(counts: Iterable[DayCount], *, today: date) -> dict[date, Mapping[str, int]]:
    """How many events are in each state, from the first day that has one (or a week ago) to today."""
    found = [count for count in counts if count.day <= today]
    first = min([today - A_WEEK, *(count.day for count in found)])
    by_day: dict[date, dict[str, int]] = {
        first + timedelta(days=later): defaultdict[str, int](int)
        for later in range((today - first).days + 1)
    }
    for count in found:
        by_day[count.day][count.state] += count.events
    return dict(by_day)


def story_of_days(by_day: Mapping[date, Mapping[str, int]], *, orders: str) -> Plot:
    """The stacked areas; `orders` leads from the page to the orders, of which a day's are chosen."""
    layers = [
        Layer(
            css=css,
            label=str(label),
            values=[float(sum(states.get(state, 0) for state in of)) for states in by_day.values()],
            total=number(sum(states.get(state, 0) for states in by_day.values() for state in of)),
        )
        for css, label, of in LAYERS
    ]
    totals = [int(sum(values)) for values in zip(*(layer.values for layer in layers), strict=True)]
    top = upper_edge(max(totals, default=0))
    shown = [layer for layer in layers if any(layer.values)]
    return Plot(
        summary=_summary(layers, sum(totals)),
        top=number(int(top)),
        slots=slots(
            ((day_of(day), _words(day, layers, index)) for index, day in enumerate(by_day)),
            on_points=True,
        ),
        areas=stacked_area(shown, top=top),
        table=Table(
            headings=[_("Day"), _("All"), *(layer.label for layer in layers)],
            rows=[
                [day.isoformat(), totals[index], *(int(layer.values[index]) for layer in layers)]
                for index, day in enumerate(by_day)
            ],
            links=[f"{orders}?on={day.isoformat()}" for day in by_day],
        ),
    )


def _summary(layers: Sequence[Layer], total: int) -> str:
    parts = ", ".join(f"{layer.label}: {layer.total}" for layer in layers if any(layer.values))
    return _("%(total)s orders by day and state. %(parts)s.") % {
        "total": number(total),
        "parts": parts or _("none"),
    }


def _words(day: date, layers: Sequence[Layer], index: int) -> str:
    parts = [
        f"{layer.label}: {number(int(layer.values[index]))}"
        for layer in layers
        if layer.values[index]
    ]
    told = ", ".join(parts) or _("no order")
    return f"{day_of(day)} – {told}"
