"""The balance as a page shows it: a dataset's orders, from what the shop sold to what Meta has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Struct

from conversions.models import State
from dashboard.balance import Balance, Difference, Line, Listed, Sum
from dashboard.charts import Plot, Table, slots, upper_edge, waterfall
from dashboard.models import BalanceRun
from dashboard.words import money, number
from shop_webhooks.readers import readable_stores
from stores.models import Store

# What keeps orders of the shop from Meta, then what has them; the class is the plot's.
TERMS: Sequence[tuple[str, str, str | Promise]] = (
    (State.SKIPPED, "skipped", gettext_lazy("Not to be sent")),
    (State.WAITING, "waiting", gettext_lazy("Waiting")),
    (State.PENDING, "pending", gettext_lazy("On the way")),
    (State.IN_DOUBT, "pending", gettext_lazy("In doubt")),
    (State.REJECTED, "lost", gettext_lazy("Rejected")),
    (State.EXPIRED, "lost", gettext_lazy("Expired")),
    (State.ACCEPTED, "accepted", gettext_lazy("Accepted by Meta")),
)
# Beside the sum: money that moved later, and events whose order the shop has no more.
ASIDE: Sequence[tuple[str, str | Promise]] = (
    ("changed", gettext_lazy("Changed after it was told")),
    ("gone", gettext_lazy("In the ledger, and no longer in the shop")),
)
LABELS = {term: label for term, _css, label in TERMS} | dict(ASIDE)
MOST_SHOWN = 200  # of a list; the file has all


class Step(Struct, frozen=True, kw_only=True):
    """A line of the sum. `term` asks for the orders behind it, where there are any."""

    term: str
    label: str
    count: int
    money: Decimal


class Subject(Struct, frozen=True, kw_only=True):
    """What one sum is about: an event at a pixel, in one currency."""

    pixel_id: str
    event_name: str
    currency: str

    @property
    def slug(self) -> str:
        """How an address names it."""
        return f"{self.pixel_id}.{self.event_name}.{self.currency}"


class Orders(Struct, frozen=True, kw_only=True):
    """The orders behind a term; `more` are not shown."""

    label: str
    rows: Sequence[Listed]
    more: int
    table: Table


class Sheet(Struct, frozen=True, kw_only=True):
    """What the page shows. Without a `balance` none is known yet."""

    readable: bool
    under_way: bool  # asked for, or being read
    reason: str
    retry_at: datetime | None
    done_at: datetime | None
    balance: Balance | None = None
    subjects: Sequence[Subject] = ()
    subject: Subject | None = None
    steps: Sequence[Step] = ()
    aside: Sequence[Step] = ()
    plot: Plot | None = None
    orders: Orders | None = None

    @property
    def balanced(self) -> bool:
        """Whether all is accounted for, and nothing since has cast doubt on it."""
        return bool(self.balance and self.balance.balanced and not self.reason)

    @property
    def differences(self) -> Sequence[Difference]:
        """The first of those there are."""
        return self.balance.differences[:MOST_SHOWN] if self.balance else ()


def read_sheet(*, store: Store, subject: str, term: str, now: datetime) -> Sheet:
    """Two queries, three with a `term`, whose orders are then listed too."""
    run = BalanceRun.objects.filter(store=store).defer("listed").first()
    readable = readable_stores().filter(pk=store.pk).exists()
    if run is None:
        return Sheet(readable=readable, under_way=False, reason="", retry_at=None, done_at=None)
    around: dict[str, Any] = {
        "readable": readable,
        "under_way": readable and (run.lease is not None or run.due_at <= now),
        "reason": run.reason,
        "retry_at": run.due_at,
        "done_at": run.done_at,
    }
    if not run.result:
        return Sheet(**around)
    balance = msgspec.convert(run.result, Balance)
    subjects = _subjects(balance.lines)
    chosen = next((each for each in subjects if each.slug == subject), next(iter(subjects), None))
    if chosen is None:
        return Sheet(balance=balance, **around)
    lines = [line for line in balance.lines if _subject(line) == chosen]
    return Sheet(
        balance=balance,
        subjects=subjects,
        subject=chosen,
        steps=_steps(lines),
        aside=[step for step in _aside(lines) if step.count],
        plot=_plot(lines, chosen),
        orders=_orders(run, chosen, term) if term else None,
        **around,
    )


def _subjects(lines: Iterable[Line]) -> list[Subject]:
    """Those with the most orders first."""
    orders: dict[Subject, int] = {}
    for line in lines:
        subject = _subject(line)
        orders[subject] = orders.get(subject, 0) + line.shop.count
    return sorted(orders, key=lambda subject: (-orders[subject], subject.slug))


def _subject(of: Line | Listed) -> Subject:
    return Subject(pixel_id=of.pixel_id, event_name=of.event_name, currency=of.currency)


def _steps(lines: Sequence[Line]) -> list[Step]:
    """The shop's orders, what became of them, and what is left over."""
    terms = [_step(term, label, _of(lines, term)) for term, _css, label in TERMS]
    there = [step for step in terms if step.count or step.term == State.ACCEPTED]
    left = _total(line.difference() for line in lines)
    return [
        _step("", _("Sold by the shop"), _total(line.shop for line in lines)),
        *there,
        _step("missing" if left.count else "", _("Difference"), left),
    ]


def _aside(lines: Sequence[Line]) -> list[Step]:
    return [_step(term, label, _of(lines, term)) for term, label in ASIDE]


def _step(term: str, label: str | Promise, total: Sum) -> Step:
    return Step(term=term, label=str(label), count=total.count, money=total.money)


def _of(lines: Iterable[Line], term: str) -> Sum:
    return _total(_sum(line, term) for line in lines)


def _sum(line: Line, term: str) -> Sum:
    match term:
        case "missing":
            return line.missing
        case "changed":
            return line.changed
        case "gone":
            return line.gone
    return line.states.get(term, Sum())


def _total(sums: Iterable[Sum]) -> Sum:
    total = Sum()
    for each in sums:
        total.add(each.money, count=each.count)
    return total


def _plot(lines: Sequence[Line], subject: Subject) -> Plot:
    """The sum as bars that hang from one another, and its days as a table."""
    steps = _steps(lines)
    css = {term: css for term, css, _label in TERMS}
    top = upper_edge(steps[0].count)
    hanging, level = [("skipped", 0.0, float(steps[0].count))], float(steps[0].count)
    for step in steps[1:-1]:
        hanging.append((css[step.term], level, level - step.count))
        level -= step.count
    hanging.append(("lost", 0.0, level))
    return Plot(
        summary=", ".join(f"{step.label}: {number(step.count)}" for step in steps),
        top=number(int(top)),
        slots=slots(
            (step.label, f"{step.label}: {_in_words(step, subject.currency)}") for step in steps
        ),
        bars=waterfall(hanging, top=top),
        table=_by_day(lines, subject),
    )


def _by_day(lines: Sequence[Line], subject: Subject) -> Table:
    labels = [_("Sold by the shop"), *map(str, LABELS.values()), _("Difference")]
    sums = [
        [line.shop, *(_sum(line, term) for term in LABELS), line.difference()] for line in lines
    ]
    return Table(
        headings=[
            _("Day"),
            *(head for label in labels for head in (label, f"{label} ({subject.currency})")),
        ],
        rows=[
            [line.day, *(cell for each in row for cell in (each.count, each.money))]
            for line, row in zip(lines, sums, strict=True)
        ],
    )


def _in_words(step: Step, currency: str) -> str:
    return f"{number(step.count)} · {money(step.money, currency=currency)}"


def _orders(run: BalanceRun, subject: Subject, term: str) -> Orders | None:
    labels = LABELS | {"missing": gettext_lazy("Difference")}
    if term not in labels:
        return None
    listed = msgspec.convert(run.listed, list[Listed])
    rows = [row for row in listed if row.term == term and _subject(row) == subject]
    return Orders(
        label=str(labels[term]),
        rows=rows[:MOST_SHOWN],
        more=max(len(rows) - MOST_SHOWN, 0),
        table=Table(
            headings=[_("Day"), _("Order"), _("Order id"), _("Money"), _("Currency")],
            rows=[[row.day, row.order_name, row.order_id, row.money, row.currency] for row in rows],
        ),
    )
