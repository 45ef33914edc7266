"""The ledger as the outside reads it: one row for each order × pixel × event, newest first.

Read in pages by id, so that a ledger of millions needs the memory of a thousand rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet
from msgspec import Struct

from conversions.models import ConversionEvent, State
from purchases.currencies import EXPONENTS
from stores.models import Store

PAGE = 1_000


class Row(Struct, frozen=True, kw_only=True):
    """A row; the field names are the contract's columns. Times are ISO 8601 in UTC, or ""."""

    store: str
    order_id: str
    order_name: str
    pixel_id: str
    event_name: str
    event_id: str
    state: str
    reason: str
    value: str  # in major units, with the currency's own decimals
    currency: str
    event_time: str
    received_at: str
    accepted_at: str
    attempts: int
    fbtrace_id: str


def events(
    *, stores: Sequence[Store] | None = None, order: str = "", since: datetime | None = None
) -> QuerySet[ConversionEvent]:
    """The events of `stores` (None: of all), of one order by id or name (with or without its #), and
    of orders that were first received at `since` (aware) or later."""
    found: QuerySet[ConversionEvent] = ConversionEvent.objects.all()
    if stores is not None:
        found = found.filter(store__in=stores)
    if order:
        bare = order.removeprefix("#")
        found = found.filter(order_id=order) | found.filter(order_name__in=(bare, f"#{bare}"))
    if since:
        found = found.filter(received_at__gte=since)
    return found


def rows(found: QuerySet[ConversionEvent]) -> Iterator[Row]:
    """The rows of `found`, newest first."""
    page = found.select_related("store", "pixel").order_by("-pk")
    last: list[ConversionEvent] = list(page[:PAGE])
    while last:
        yield from map(_row, last)
        last = list(page.filter(pk__lt=last[-1].pk)[:PAGE]) if len(last) == PAGE else []


def page(
    found: QuerySet[ConversionEvent], *, before: int | None, most: int
) -> tuple[list[Row], int | None]:
    """The newest `most` rows older than the row `before` names, and what names the next page, if any."""
    older = found.filter(pk__lt=before) if before is not None else found
    some = list(older.select_related("store", "pixel").order_by("-pk")[: most + 1])
    return [_row(event) for event in some[:most]], some[most - 1].pk if len(some) > most else None


def waiting(found: QuerySet[ConversionEvent]) -> QuerySet[ConversionEvent]:
    """Those of `found` that wait, the ones first that can be sent the shortest time."""
    return found.filter(state=State.WAITING).select_related("pixel").order_by("cut_off", "pk")


def counts(found: QuerySet[ConversionEvent]) -> dict[str, int]:
    """How many of `found` are in each state."""
    return dict(found.order_by("state").values_list("state").annotate(Count("pk")))


def amount(value: Decimal | None, currency: str) -> str:
    """`value` with the decimals of its currency, or with all it has where those are more."""
    if value is None:
        return ""
    rounded = round(value, EXPONENTS.get(currency, 2))
    return f"{rounded if rounded == value else value.normalize():f}"


def iso(moment: Any) -> str:
    """ISO 8601 in UTC, or "" for none."""
    if moment is None:
        return ""
    return str(moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def _row(event: ConversionEvent) -> Row:
    return Row(
        store=event.store.key,
        order_id=event.order_id,
        order_name=event.order_name,
        pixel_id=event.pixel.pixel_id,
        event_name=event.event_name,
        event_id=event.event_id,
        state=event.state,
        reason=event.reason,
        value=amount(event.value, event.currency),
        currency=event.currency,
        event_time=iso(event.event_time),
        received_at=iso(event.received_at),
        accepted_at=iso(event.accepted_at),
        attempts=event.attempts,
        fbtrace_id=event.fbtrace_id,
    )
