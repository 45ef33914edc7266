"""All stores by day: how much of what was due has reached Meta, those with the most at risk first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _
from msgspec import Struct

from conversions.models import LedgerTotal, State
from conversions.totals import summed
from dashboard.charts import Table
from dashboard.queries import DAYS
from dashboard.words import day_of, number, sums
from stores.models import Store, User

# Due, and not at Meta: it may still come, or it never will.
AT_RISK = (State.PENDING, State.IN_DOUBT, State.REJECTED, State.EXPIRED)
GOOD, FAIR = 99, 95  # percent, from which on a day is good, or fair


class Cell(Struct, frozen=True, kw_only=True):
    """A store's day. `percent` of what was due is at Meta; None where nothing was."""

    percent: int | None
    words: str
    link: str

    @property
    def css(self) -> str:
        """How it is coloured; the number says the same."""
        if self.percent is None:
            return "none"
        if self.percent == 100:
            return "whole"
        return "good" if self.percent >= GOOD else "fair" if self.percent >= FAIR else "poor"


class Row(Struct, frozen=True, kw_only=True):
    """A store's days, and what is at risk in them."""

    store: Store
    cells: Sequence[Cell]
    orders: int
    money: str


class Heat(Struct, frozen=True, kw_only=True):
    """What the page shows."""

    days: Sequence[date]
    rows: Sequence[Row]
    orders: int
    table: Table


def read_heat(*, user: User, now: datetime) -> Heat:
    """Of the stores that `user` may see; two queries, from the totals."""
    stores = list(
        Store.objects.visible_to(user)
        .filter(connected=True)
        .select_related("workspace")
        .only("key", "name", "workspace__name")
    )
    today = now.date()
    days = [today - timedelta(days=DAYS - 1 - later) for later in range(DAYS)]
    totals = LedgerTotal.objects.filter(store__in=stores, day__gte=days[0], day__lte=days[-1])
    due: dict[tuple[int, date], int] = defaultdict(int)
    missing: dict[tuple[int, date], int] = defaultdict(int)
    money: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for store_id, day, state, currency, events, _orders, value in summed(
        totals, "store_id", "day", "state", "currency"
    ):
        if state in (State.ACCEPTED, *AT_RISK):
            due[store_id, day] += events
        if state in AT_RISK:
            missing[store_id, day] += events
            money[store_id][currency] += value or 0
    rows = [_row(store, days, due, missing, money[store.pk]) for store in stores]
    rows.sort(key=lambda row: (-row.orders, row.store.name))
    return Heat(
        days=days, rows=rows, orders=sum(row.orders for row in rows), table=_table(days, rows)
    )


def _row(
    store: Store,
    days: Sequence[date],
    due: Mapping[tuple[int, date], int],
    missing: Mapping[tuple[int, date], int],
    money: Mapping[str, Decimal],
) -> Row:
    ledger = reverse("dashboard:ledger", args=[store.pk])
    at_risk = sorted(((name, value) for name, value in money.items() if value), key=lambda e: -e[1])
    return Row(
        store=store,
        cells=[
            _cell(store, day, due.get((store.pk, day), 0), missing.get((store.pk, day), 0), ledger)
            for day in days
        ],
        orders=sum(missing.get((store.pk, day), 0) for day in days),
        money=sums(at_risk),
    )


def _cell(store: Store, day: date, due: int, missing: int, ledger: str) -> Cell:
    if not due:
        return Cell(
            percent=None, words=_("%(day)s: nothing was due") % {"day": day_of(day)}, link=""
        )
    words = _("%(day)s: %(there)s of %(due)s at Meta") % {
        "day": day_of(day),
        "there": number(due - missing),
        "due": number(due),
    }
    # Rounded down: only what is whole is 100.
    percent = 100 * (due - missing) // due
    return Cell(percent=percent, words=words, link=f"{ledger}?on={day.isoformat()}")


def _table(days: Sequence[date], rows: Sequence[Row]) -> Table:
    return Table(
        headings=[_("Store"), _("Orders at risk"), _("Money"), *(day.isoformat() for day in days)],
        rows=[
            [
                row.store.key,
                row.orders,
                row.money,
                *("" if cell.percent is None else cell.percent for cell in row.cells),
            ]
            for row in rows
        ],
    )
