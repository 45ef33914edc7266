"""What each page shows, in a number of queries that does not grow with the data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from msgspec import Struct

from conversions.doubt import in_doubt
from conversions.models import ConversionEvent, EventPayload, LedgerTotal, State
from conversions.totals import summed
from dashboard.filters import DeliveryFilter
from dashboard.health import Health, StoreFacts, store_health
from shop_webhooks.models import WebhookDelivery
from stores.models import Membership, Pixel, Store, User

SETTLED = (State.ACCEPTED, State.SKIPPED)
UNSETTLED = tuple(state for state in State if state not in SETTLED)
DAYS = 30  # what the stores page looks back on
PAGE = 50
MOST_DOUBTS = 200  # on one page: who has more settles by command

MAY_CHANGE = Membership.MAY_CHANGE


class StoreRow(Struct, frozen=True, kw_only=True):
    """A store of the stores page."""

    store: Store
    orders: int
    by_state: dict[str, int]
    last_delivery_at: datetime | None
    facts: StoreFacts
    health: Health


class Doubtful(Struct, frozen=True, kw_only=True):
    """Events in doubt, each with `may_settle`; `more` if there are others than these."""

    rows: Sequence[ConversionEvent]
    more: bool


class Page(Struct, frozen=True, kw_only=True):
    """Rows, newest first; `older` is what `before` must be to see those that follow, 0 for none."""

    rows: list[Any]
    older: int


def store_rows(*, user: User, now: datetime, store: Store | None = None) -> list[StoreRow]:
    """The stores that `user` may see, or this one, by workspace and name; four queries.

    What is settled well is counted from the totals, as events; the rest, which are few, as orders.
    """
    visible = Store.objects.visible_to(user)
    stores: list[Store] = list(
        with_last_delivery(visible.filter(pk=store.pk) if store else visible)
        .select_related("workspace", "shopify")
        .defer("shopify__access_token", "shopify__refresh_token")
        .order_by("workspace__name", "workspace_id", "-connected", "name", "pk")
    )
    of_days, since = Q(pk=None), Q(pk=None)
    for zone in {each.time_zone for each in stores}:
        there = Q(store__in=[each for each in stores if each.time_zone == zone])
        first = first_day(zone, days=DAYS, now=now)
        of_days |= there & Q(day__gte=first)
        since |= there & Q(event_time__gte=midnight(first, zone))
    counts = counts_of(LedgerTotal.objects.filter(of_days), ConversionEvent.objects.filter(since))
    unreadable = dict(
        WebhookDelivery.objects.filter(
            store__in=stores,
            state=WebhookDelivery.State.UNREADABLE,
            received_at__gte=now - timedelta(days=DAYS),
        )
        .values_list("store")
        .annotate(Count("pk"))
    )
    return [_store_row(each, counts[each.pk], unreadable.get(each.pk, 0)) for each in stores]


def broken_pixels(*, user: User, store: Store | None = None) -> list[Pixel]:
    """The pixels that Meta refuses, of all that `user` may see, or of one store.

    Each has `held`, the number of its events that wait, and `may_resume`, if `user` may press.
    """
    owed = ConversionEvent.objects.filter(
        pixel=OuterRef("pk"), state__in=(State.PENDING, State.IN_DOUBT)
    )
    held = owed.order_by().values("pixel").annotate(held=Count("pk")).values("held")
    pixels = Pixel.objects.visible_to(user).exclude(broken_reason="")
    if store:
        pixels = pixels.filter(Exists(store.mappings.filter(pixel=OuterRef("pk"))))
    shown = pixels.annotate(
        held=Coalesce(Subquery(held), 0),
        may_resume=Exists(resumable_pixels(user=user).filter(pk=OuterRef("pk"))),
    )
    return list(shown.order_by("broken_at", "pk"))


def resumable_pixels(*, user: User) -> QuerySet[Pixel]:
    """The pixels that `user` may change: as an owner or operator of their workspace."""
    mine = Membership.objects.filter(user=user, role__in=MAY_CHANGE)
    visible: QuerySet[Pixel] = Pixel.objects.visible_to(user)
    return visible.filter(workspace__in=mine.values("workspace"))


def doubtful(*, user: User) -> Doubtful:
    """The events in doubt that `user` may see, the one whose time runs out first at the top."""
    found = in_doubt(ConversionEvent.objects.visible_to(user))
    mine = settleable(user=user).filter(pk=OuterRef("pk"))
    payloads = EventPayload.objects.filter(event=OuterRef("pk"))  # gone once its buyer has said no
    found = found.annotate(may_settle=Exists(mine), may_resend=Exists(payloads))
    rows = list(found[: MOST_DOUBTS + 1])
    return Doubtful(rows=rows[:MOST_DOUBTS], more=len(rows) > MOST_DOUBTS)


def doubts(*, user: User, store: Store | None = None) -> int:
    """How many events are in doubt, of all that `user` may see, or of one store."""
    found = ConversionEvent.objects.visible_to(user).filter(state=State.IN_DOUBT)
    return int((found.filter(store=store) if store else found).count())


def to_settle(*, store: Store) -> int:
    """How many of the store's orders are in doubt until a person decides."""
    held = ConversionEvent.objects.filter(store=store, state=State.IN_DOUBT, held=True)
    return int(held.aggregate(orders=Count("order_id", distinct=True))["orders"])


def owed(*, store: Store) -> int:
    """How many of the store's events are still to be sent; one query."""
    states = (State.PENDING, State.IN_DOUBT)
    return int(ConversionEvent.objects.filter(store=store, state__in=states).count())


def settleable(*, user: User) -> QuerySet[ConversionEvent]:
    """The events that `user` may settle: as an owner or operator of their workspace."""
    mine = Membership.objects.filter(user=user, role__in=MAY_CHANGE)
    visible: QuerySet[ConversionEvent] = ConversionEvent.objects.visible_to(user)
    return visible.filter(store__workspace__in=mine.values("workspace"))


def pixels_of(*, store: Store) -> list[Pixel]:
    """The pixels that the store reports to or has reported to: one query, by name."""
    return list(
        Pixel.objects.filter(
            Q(Exists(store.mappings.filter(pixel=OuterRef("pk"))))
            | Q(Exists(ConversionEvent.objects.filter(store=store, pixel=OuterRef("pk"))))
        ).order_by("name", "pixel_id")
    )


def mapped_pixels(*, store: Store) -> list[Pixel]:
    """The pixels that the store reports to, or is to report to, by name; one query."""
    mapped = store.mappings.filter(pixel=OuterRef("pk"))
    return list(Pixel.objects.filter(Exists(mapped)).order_by("name", "pixel_id"))


def recent_orders(*, store: Store, most: int, state: str = "") -> list[ConversionEvent]:
    """One event of each of the newest orders, of those in `state` if one is named; one query."""
    events = ConversionEvent.objects.filter(store=store)
    if state:
        events = events.filter(state=state)
    newer = events.filter(order_id=OuterRef("order_id"), pk__gt=OuterRef("pk"))
    return list(events.filter(~Exists(newer)).order_by("-pk")[:most])


def deliveries(*, store: Store, wanted: DeliveryFilter) -> Page:
    """What the store's shop has sent, without the bodies; one query."""
    found = WebhookDelivery.objects.filter(store=store).defer("body", "delivery_key")
    if wanted.state:
        found = found.filter(state=wanted.state)
    if wanted.before:
        found = found.filter(pk__lt=wanted.before)
    rows = list(found.order_by("-pk")[: PAGE + 1])
    return Page(rows=rows[:PAGE], older=rows[PAGE - 1].pk if len(rows) > PAGE else 0)


def with_last_delivery(stores: QuerySet[Store]) -> QuerySet[Store]:
    """The stores, each with `last_delivery_at`: when its shop was last heard of."""
    newest = WebhookDelivery.objects.filter(store=OuterRef("pk")).order_by("-pk")
    return stores.annotate(last_delivery_at=Subquery(newest.values("received_at")[:1]))


def first_day(zone: str, *, days: int, now: datetime) -> date:
    """The first of so many days of a time zone, of which today is the last."""
    return now.astimezone(ZoneInfo(zone)).date() - timedelta(days=days - 1)


def midnight(day: date, zone: str) -> datetime:
    """When the day begins in the time zone."""
    return datetime.combine(day, time(), ZoneInfo(zone))


def counts_of(
    totals: QuerySet[LedgerTotal], events: QuerySet[ConversionEvent]
) -> dict[int, dict[str, int]]:
    """By store: what is settled well as events, from the totals; the rest, which are few, as orders."""
    counts: dict[int, dict[str, int]] = defaultdict(lambda: {"orders": 0, "events": 0})
    for store_id, found in order_counts(events.filter(state__in=UNSETTLED)).items():
        counts[store_id] |= found | {"orders": 0}
    for store_id, state, of_state, orders, _value in summed(totals, "store_id", "state"):
        counts[store_id]["orders"] += orders
        counts[store_id]["events"] += of_state
        if state in SETTLED:
            counts[store_id][state] = of_state
    return counts


def order_counts(events: QuerySet[ConversionEvent]) -> dict[int, dict[str, int]]:
    """By store: distinct orders in all, by state, and by what a store's health asks for."""

    def orders(condition: Q | None = None) -> Count:
        return Count("order_id", distinct=True, filter=condition)

    owed = Q(state__in=(State.PENDING, State.IN_DOUBT))
    grouped: Iterable[Any] = events.values("store_id").annotate(
        orders=orders(),
        unpaid=orders(Q(state=State.WAITING, reason="payment")),
        unconsented=orders(Q(state=State.WAITING, reason="consent")),
        held=orders(owed & ~Q(pixel__broken_reason="")),
        # What never became due has no event id, and Meta never missed it.
        lost=orders(Q(state=State.EXPIRED) & ~Q(event_id="")),
        **{state.value: orders(Q(state=state)) for state in State},
    )
    return {row["store_id"]: row for row in grouped}


def _store_row(store: Store, counts: dict[str, int], unreadable: int) -> StoreRow:
    by_state = {state: counts.get(state, 0) for state in State.values}
    last_delivery_at = store.last_delivery_at  # type: ignore[attr-defined]  # annotated
    facts = StoreFacts(
        connected=store.connected,
        heard_of=last_delivery_at is not None,
        days=DAYS,
        orders=counts.get("orders", 0),
        by_state=by_state,
        unpaid=counts.get("unpaid", 0),
        unconsented=counts.get("unconsented", 0),
        held=counts.get("held", 0),
        lost=counts.get("lost", 0),
        unreadable_deliveries=unreadable,
    )
    return StoreRow(
        store=store,
        orders=facts.orders,
        by_state=by_state,
        last_delivery_at=last_delivery_at,
        facts=facts,
        health=store_health(facts),
    )
