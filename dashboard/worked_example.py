"""What a mapping makes of the value of the store's last order: a waterfall to what Meta is told."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate

from django.utils.translation import gettext as _
from msgspec import Struct

from dashboard.charts import Plot, Table, slots, upper_edge, waterfall
from dashboard.value_words import step_in_words
from dashboard.words import money
from purchases.costs import codes_of, with_costs
from purchases.mapping import Rules
from purchases.order import Order
from purchases.value import Step, explain, in_currency
from shop_webhooks import inbox
from shop_webhooks.models import WebhookDelivery
from stores.costs import find_costs
from stores.models import Store

LOOKED_AT = 5  # deliveries, of which the first that holds an order is taken
MOST_STEPS = 8
MOST_NAMES = 5  # below the bars, at a phone's width


class Example(Struct, frozen=True, kw_only=True):
    """One order's value; without a `plot` a line's cost is not known."""

    order_id: str
    order_name: str
    plot: Plot | None


def worked_example(*, store: Store, rules: Rules) -> Example | None:
    """Of the last order whose body is kept; None without one. Two queries, three with costs."""
    if (order := _last_order(store)) is None:
        return None
    if rules.needs_costs:
        tables = find_costs({store.pk: codes_of(order)})
        order = with_costs(order, tables.get(store.pk, {}))
    steps = explain(order, rules=rules)
    currency = in_currency(order, rules.currency).currency
    return Example(
        order_id=order.shop_order_id,
        order_name=order.name,
        plot=_plot(_few(steps), currency) if steps else None,
    )


def _last_order(store: Store) -> Order | None:
    kept = WebhookDelivery.objects.filter(
        store=store, state=WebhookDelivery.State.RECORDED, body__isnull=False
    )
    latest = kept.select_related("store").order_by("-pk")[:LOOKED_AT]
    return next((order for delivery in latest if (order := inbox.read(delivery).order)), None)


def _few(steps: Sequence[Step]) -> list[Step]:
    """The steps; the order's lines as one, where all of them would not be readable."""
    lines = [step for step in steps if step.what.startswith("line ")]
    if len(steps) <= MOST_STEPS or not lines:
        return list(steps)
    goods = sum((step.amount for step in lines), Decimal(0))
    return [Step(what="goods", amount=goods), *(step for step in steps if step not in lines)]


def _plot(steps: Sequence[Step], currency: str) -> Plot:
    levels = [float(level) for level in accumulate(step.amount for step in steps)]
    top = upper_edge(max(levels))
    hanging = [
        ("waiting" if step.amount >= 0 else "lost", start, end)
        for step, start, end in zip(steps, [0.0, *levels], levels, strict=False)
    ]
    value = sum((step.amount for step in steps), Decimal(0))
    told = [(step_in_words(step.what), money(step.amount, currency=currency)) for step in steps]
    told.append((_("Meta is told"), money(value, currency=currency)))
    return Plot(
        summary=", ".join(f"{what}: {amount}" for what, amount in told),
        top=money(Decimal(top), currency=currency),
        slots=slots((what, f"{what}: {amount}") for what, amount in told),
        bars=waterfall([*hanging, ("accepted", 0.0, float(value))], top=top),
        names_all=len(told) <= MOST_NAMES,
        table=Table(headings=[_("Step"), _("Amount")], rows=told),
    )
