"""What became of a store's buyers' consent, by country, and what the law has asked of us."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Struct

from conversions.models import OrderConsent
from dashboard.charts import Layer, Plot, Table, slots, stacked_bars
from dashboard.filters import UNNAMED
from dashboard.queries import DAYS
from dashboard.words import number
from purchases.consent import Answer
from shop_webhooks.models import ShopNotice
from shop_webhooks.notices import COMPLIANCE, DATA_REQUEST
from stores.models import Store

MOST_COUNTRIES = 8  # bars that can be told apart on a phone
MOST_REQUESTS = 50
OTHERS = "…"  # as it stands below their bar, which is narrow on a phone
ANSWERS = (
    (Answer.GIVEN, "accepted", gettext_lazy("Yes")),
    (Answer.REFUSED, "lost", gettext_lazy("No")),
    (Answer.MISSING, "waiting", gettext_lazy("No answer")),
    (Answer.NOT_NEEDED, "skipped", gettext_lazy("Not asked there")),
)
REQUESTS: dict[str, str | Promise] = {
    DATA_REQUEST: gettext_lazy("A customer asks what is held of them"),
    "customers/redact": gettext_lazy("A customer asks to be forgotten"),
    "shop/redact": gettext_lazy("The shop asks to be forgotten"),
}
OUTCOMES: dict[str, str | Promise] = {
    "another_shop": gettext_lazy("It named another shop: nothing was done."),
    "exported": gettext_lazy("What is held was handed over."),
    "installed_again": gettext_lazy("The shop has the app again: nothing was erased."),
    "nothing_held": gettext_lazy("Nothing was held."),
    "": gettext_lazy("Not done yet."),
}


class Asked(Struct, frozen=True, kw_only=True):
    """What has come of a store's policy in the last `DAYS` days, in orders."""

    orders: int
    answered_percent: int  # of those whose buyer had to be asked
    released: int  # by an answer that came late
    plot: Plot


class Request(Struct, frozen=True, kw_only=True):
    """One request that privacy law gives a customer or a shop."""

    what: str
    received_at: datetime
    due_at: datetime | None
    done_at: datetime | None
    outcome: str
    certificate: int  # the request's number; 0 where nothing was erased
    to_answer: int  # the request's number; 0 where nothing is to be handed over


def read_asked(*, store: Store, now: datetime) -> Asked | None:
    """Of the orders that a policy was laid on; None where there is none. One query."""
    recent = OrderConsent.objects.filter(store=store, placed_at__gte=now - timedelta(days=DAYS))
    late = Count("pk", filter=Q(waited=True, answer=Answer.GIVEN))
    counted = recent.values("country", "answer").annotate(orders=Count("pk"), late=late)
    found = list(counted.values_list("country", "answer", "orders", "late"))
    if not found:
        return None
    by_country: dict[str, dict[str, int]] = {}
    for country, answer, orders, _late in found:
        by_country.setdefault(country, {})[answer] = orders
    of_answer = {
        answer: sum(each.get(answer, 0) for each in by_country.values())
        for answer, _css, _label in ANSWERS
    }
    answered = of_answer[Answer.GIVEN] + of_answer[Answer.REFUSED]
    return Asked(
        orders=sum(of_answer.values()),
        answered_percent=_percent(answered, answered + of_answer[Answer.MISSING]),
        released=sum(row[3] for row in found),
        plot=_plot(_largest(by_country), ledger=reverse("dashboard:ledger", args=[store.pk])),
    )


def requests_of(store: Store) -> list[Request]:
    """What Shopify has passed on, or the merchant has asked, the latest first; one query."""
    found = notices_of(store).filter(topic__in=COMPLIANCE).order_by("-pk")
    return [
        Request(
            what=str(REQUESTS[notice.topic]),
            received_at=notice.received_at,
            due_at=notice.due_at,
            done_at=notice.done_at,
            outcome=_outcome(notice.outcome),
            certificate=notice.pk if notice.outcome.startswith("erased_") else 0,
            to_answer=notice.pk if notice.topic == DATA_REQUEST and notice.done_at is None else 0,
        )
        for notice in found.defer("body")[:MOST_REQUESTS]
    ]


def notices_of(store: Store) -> QuerySet[ShopNotice]:
    """The store's own: those that name it, and Shopify's of its domain."""
    own = ShopNotice.objects.filter(store=store)
    if store.platform != Store.Platform.SHOPIFY:
        return own
    return own | ShopNotice.objects.filter(store=None, shop=store.domain)


def _outcome(said: str) -> str:
    if said in OUTCOMES:
        return str(OUTCOMES[said])
    return _("Erased: %(count)s records.") % {"count": number(int(said.removeprefix("erased_")))}


def _largest(by_country: dict[str, dict[str, int]]) -> list[tuple[str, dict[str, int]]]:
    """The countries with the most orders first, the rest as one."""
    ranked = sorted(by_country.items(), key=lambda each: (-sum(each[1].values()), each[0]))
    shown = [(country or UNNAMED, answers) for country, answers in ranked[:MOST_COUNTRIES]]
    rest: dict[str, int] = {}
    for _country, answers in ranked[MOST_COUNTRIES:]:
        for answer, orders in answers.items():
            rest[answer] = rest.get(answer, 0) + orders
    return [*shown, (OTHERS, rest)] if rest else shown


def _plot(countries: Sequence[tuple[str, dict[str, int]]], *, ledger: str) -> Plot:
    layers = [
        Layer(
            css=css,
            label=str(label),
            values=[
                100 * answers.get(answer, 0) / sum(answers.values()) for _, answers in countries
            ],
            total=number(sum(answers.get(answer, 0) for _, answers in countries)),
        )
        for answer, css, label in ANSWERS
    ]
    told = [
        ", ".join(f"{layer.label} {layer.values[place]:.0f} %" for layer in layers)
        for place in range(len(countries))
    ]
    names = [_name(country) for country, _answers in countries]
    words = [f"{name}: {said}" for name, said in zip(names, told, strict=True)]
    return Plot(
        summary="; ".join(words),
        top="100 %",
        slots=slots(zip((country for country, _answers in countries), words, strict=True)),
        bars=stacked_bars(layers, top=100),
        keys=layers,
        names_all=True,
        table=Table(
            headings=[_("Country"), *(layer.label for layer in layers)],
            rows=[
                [name, *(number(answers.get(answer, 0)) for answer, _css, _label in ANSWERS)]
                for name, (_country, answers) in zip(names, countries, strict=True)
            ],
            links=["" if each == OTHERS else f"{ledger}?country={each}" for each, _ in countries],
        ),
    )


def _name(country: str) -> str:
    return {UNNAMED: _("unknown"), OTHERS: _("others")}.get(country, country)


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0
