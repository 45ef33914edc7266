"""A store's home page: whether every order is accounted for, what needs a person, and the last days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Count, Min, Sum
from msgspec import Struct

from conversions.models import ConversionEvent, State
from dashboard import queries
from dashboard.charts import Plot
from dashboard.daily import (
    busiest_pixel,
    day_counts,
    money_by_currency,
    states_by_day,
    story_of_days,
)
from dashboard.health import Health
from dashboard.needs import SOON, Expiring, Facts, Need, needs
from stores.models import Pixel, Store, User

FIRST = 3  # of the needs, on the page at once
UNSENT = (State.WAITING, State.PENDING, State.IN_DOUBT)


class Home(Struct, frozen=True, kw_only=True):
    """What the page shows. Sums are by currency, of one dataset's purchases."""

    health: Health
    needs: Sequence[Need]
    more_needs: Sequence[Need]
    orders: int
    pixels: Sequence[Pixel]
    pixel: int
    delivered: Sequence[tuple[str, Decimal]]
    missed: Sequence[tuple[str, Decimal]]
    under_way: Sequence[tuple[str, Decimal]]
    next_expiry: datetime | None
    plot: Plot


def read_home(*, store: Store, user: User, pixel: int, now: datetime) -> Home:
    """Nine queries. `pixel` is the dataset asked for; 0, or one unknown here, is the busiest."""
    (row,) = queries.store_rows(user=user, now=now, store=store)
    pixels = queries.pixels_of(store=store)
    counts = day_counts(store=store, days=queries.DAYS, now=now)
    if pixel not in {each.pk for each in pixels}:
        pixel = busiest_pixel(counts)
    purchases = [
        count for count in counts if count.pixel == pixel and count.event_name == "Purchase"
    ]
    expiring, next_expiry = _expiring(store, now)
    found = needs(_facts(store, user, row, expiring), now=now)
    today = now.astimezone(ZoneInfo(store.time_zone)).date()
    by_day = states_by_day(purchases, today=today)
    return Home(
        health=row.health,
        needs=found[:FIRST],
        more_needs=found[FIRST:],
        orders=row.orders,
        pixels=pixels,
        pixel=pixel,
        delivered=money_by_currency(purchases, State.ACCEPTED),
        missed=money_by_currency(purchases, State.REJECTED, State.EXPIRED),
        under_way=money_by_currency(purchases, *UNSENT),
        next_expiry=next_expiry,
        plot=story_of_days(by_day, orders="orders/"),
    )


def _facts(store: Store, user: User, row: queries.StoreRow, expiring: Expiring | None) -> Facts:
    paused = queries.broken_pixels(user=user, store=store)
    shopify = getattr(store, "shopify", None)
    return Facts(
        paused=tuple((pixel.name or pixel.pixel_id, pixel.held) for pixel in paused),  # type: ignore[attr-defined]  # annotated
        reconnect=store.connected and shopify is not None and shopify.state == "needs_merchant",
        expiring=expiring,
        to_settle=queries.to_settle(store=store),
        rejected=row.by_state.get(State.REJECTED, 0),
        lost=row.facts.lost,
        unreadable=row.facts.unreadable_deliveries,
        unmapped=store.connected and not store.in_force,  # type: ignore[attr-defined]  # annotated
    )


def _expiring(store: Store, now: datetime) -> tuple[Expiring | None, datetime | None]:
    """What runs out of time soon, and when the next order does; two queries."""
    unsent = ConversionEvent.objects.filter(store=store, state__in=UNSENT)
    next_expiry = unsent.order_by("cut_off").values_list("cut_off", flat=True).first()
    if next_expiry is None or next_expiry > now + SOON:
        return None, next_expiry
    soon = unsent.filter(cut_off__lte=now + SOON)
    sums = soon.values_list("currency").annotate(
        Sum("value", default=Decimal()), Count("order_id", distinct=True), Min("cut_off")
    )
    found = list(sums.order_by("currency"))
    expiring = Expiring(
        orders=sum(orders for _currency, _money, orders, _first in found),
        first_at=next_expiry,
        money=tuple((currency, money) for currency, money, _orders, _first in found),
    )
    return expiring, next_expiry
