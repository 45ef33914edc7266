"""A store's orders as its ledger's page chooses them: by state and why, dataset, period and name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery
from msgspec import Struct

from conversions.models import ConversionEvent, LedgerTotal, OrderConsent, State
from dashboard.filters import UNNAMED, LedgerFilter
from dashboard.queries import DAYS, PAGE, Page, counts_of, first_day, midnight, order_counts
from stores.models import Store


class LedgerRow(Struct, frozen=True, kw_only=True):
    """An order, and what became of it at each pixel."""

    order_id: str
    order_name: str
    placed_at: datetime
    value: Decimal | None
    currency: str
    events: list[ConversionEvent]


def ledger(*, store: Store, wanted: LedgerFilter, now: datetime) -> Page:
    """Orders that have an event as `wanted`, with all their events; two queries.

    An order stands where its newest such event stands, so that it is on one page only.
    """
    matching = _matching(store, wanted, now)
    if wanted.state:
        matching = matching.filter(state=wanted.state)
    if wanted.reason:
        matching = matching.filter(reason=wanted.reason)
    # Asked for each row until the page is full; NOT EXISTS would first be worked out for all rows.
    of_order = matching.filter(order_id=OuterRef("order_id")).order_by().values("order_id")
    last = Subquery(of_order.annotate(last=Max("pk")).values("last"))
    newest = matching.annotate(last=last).filter(pk=F("last")).order_by("-pk")
    if wanted.before:
        newest = newest.filter(pk__lt=wanted.before)
    places = list(newest.values_list("pk", "order_id")[: PAGE + 1])
    older = places[PAGE - 1][0] if len(places) > PAGE else 0
    order_ids = [order_id for _pk, order_id in places[:PAGE]]
    events = (
        ConversionEvent.objects.filter(store=store, order_id__in=order_ids)
        .select_related("pixel")
        .order_by("pixel__name", "pixel__pixel_id", "pk")
    )
    return Page(rows=_by_order(order_ids, events), older=older)


def ledger_counts(*, store: Store, wanted: LedgerFilter, now: datetime) -> dict[str, int]:
    """How many orders each state would show, under the other filters; `orders` is for all.

    Without a search, what is settled well is counted from the totals: an order counts there once for
    each dataset and event.
    """
    events = _matching(store, wanted, now)
    if wanted.search or wanted.country:
        counts = order_counts(events).get(store.pk, {})
    else:
        totals = LedgerTotal.objects.filter(store=store)
        if wanted.on:
            totals = totals.filter(day=wanted.on)
        elif wanted.days:
            totals = totals.filter(day__gte=first_day(store.time_zone, days=wanted.days, now=now))
        if wanted.pixel:
            totals = totals.filter(pixel=wanted.pixel)
        counts = counts_of(totals, events)[store.pk]
        if wanted.pixel:
            counts["orders"] = counts["events"]
    return {name: counts.get(name, 0) for name in ("orders", *State.values)}


def ledger_reasons(*, store: Store, wanted: LedgerFilter, now: datetime) -> list[tuple[str, int]]:
    """Why orders are in the state that is wanted, and how many of each reason, the most first; at most
    one query. Of what Meta has there are too many to count."""
    if not wanted.state or wanted.state == State.ACCEPTED:
        return []
    events = _matching(store, wanted, now).filter(state=wanted.state).exclude(reason="")
    counted = events.order_by().values("reason").annotate(orders=Count("order_id", distinct=True))
    return sorted(counted.values_list("reason", "orders"), key=lambda each: (-each[1], each[0]))


class Held(Struct, frozen=True, kw_only=True):
    """What has come of a store's policy of consent in the last `DAYS` days, in orders."""

    waiting: int
    refused: int


def held_by_consent(*, store: Store, now: datetime) -> Held:
    """How many orders wait for a yes, and how many ended with a no; one query."""
    events = _matching(store, LedgerFilter(days=DAYS), now).filter(
        Q(state=State.WAITING, reason="consent") | Q(state=State.SKIPPED, reason="consent_refused")
    )
    counted = events.order_by().values("state").annotate(orders=Count("order_id", distinct=True))
    orders = dict(counted.values_list("state", "orders"))
    return Held(waiting=orders.get(State.WAITING, 0), refused=orders.get(State.SKIPPED, 0))


def _matching(store: Store, wanted: LedgerFilter, now: datetime) -> QuerySet[ConversionEvent]:
    """The store's events under all filters but the state, its reason and the page."""
    events: QuerySet[ConversionEvent] = ConversionEvent.objects.filter(store=store)
    if wanted.on:
        start = midnight(wanted.on, store.time_zone)
        end = midnight(wanted.on + timedelta(days=1), store.time_zone)
        events = events.filter(event_time__gte=start, event_time__lt=end)
    elif wanted.days:
        first = first_day(store.time_zone, days=wanted.days, now=now)
        events = events.filter(event_time__gte=midnight(first, store.time_zone))
    if wanted.pixel:
        events = events.filter(pixel=wanted.pixel)
    if wanted.country:
        asked = OrderConsent.objects.filter(store=store, country=wanted.country.strip(UNNAMED))
        events = events.filter(order_id__in=asked.values("order_id"))
    if wanted.search:
        events = events.filter(Q(order_id=wanted.search) | Q(order_name__icontains=wanted.search))
    return events


def _by_order(order_ids: list[str], events: Iterable[ConversionEvent]) -> list[LedgerRow]:
    of_order: dict[str, list[ConversionEvent]] = {order_id: [] for order_id in order_ids}
    for event in events:
        of_order[event.order_id].append(event)
    return [
        LedgerRow(
            order_id=order_id,
            order_name=group[0].order_name,
            placed_at=group[0].event_time,
            value=group[0].value,
            currency=group[0].currency,
            events=group,
        )
        for order_id, group in of_order.items()
        if group
    ]
