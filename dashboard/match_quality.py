"""How well Meta may know a store's buyers: by day, by identifier, and what would raise it the most."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from statistics import median

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Struct

from conversions.graph import GraphClient
from dashboard.charts import Layer, Plot, Table, line, mark, slots
from dashboard.queries import DAYS
from dashboard.samples import sample
from dashboard.words import day_of, number
from purchases.meta.match_quality import BEST, BITS, estimate, with_bits
from stores.models import Pixel, Store

FEWEST = 50  # orders from which on a median says something
WEAK, GOOD = 6.0, 7.0
OF_THE_BROWSER = BITS["fbp"] | BITS["fbc"]


class Kind(Struct, frozen=True, kw_only=True):
    """What the page counts as one identifier; `needs` are the bits that make it one."""

    label: str | Promise
    needs: tuple[str, ...]
    advice: str | Promise = ""  # how to have it, "" where that is nobody's choice


KINDS = (
    Kind(
        label=gettext_lazy("E-mail"),
        needs=("em",),
        advice=gettext_lazy("Ask for an e-mail address at the checkout, also of guests."),
    ),
    Kind(
        label=gettext_lazy("Phone"),
        needs=("ph",),
        advice=gettext_lazy(
            "Ask for the phone number at the checkout. With the address's country beside it, it need"
            " not be international."
        ),
    ),
    Kind(
        label=gettext_lazy("Name and postcode"),
        needs=("fn", "ln", "zp"),
        advice=gettext_lazy("Ask for a billing address, also where nothing is shipped."),
    ),
    Kind(
        label=gettext_lazy("Click on the ad (fbc)"),
        needs=("fbc",),
        advice=gettext_lazy(
            "Have the shop's pages tell us, on the page Browser, or keep it as cart attribute or order"
            " meta _fbc. Only buyers who came by an ad have one."
        ),
    ),
    Kind(
        label=gettext_lazy("Browser (fbp)"),
        needs=("fbp",),
        advice=gettext_lazy(
            "Have the shop's pages tell us, on the page Browser, or keep the pixel's cookie as cart"
            " attribute or order meta _fbp."
        ),
    ),
    Kind(
        label=gettext_lazy("IP address and browser's name"),
        needs=("client_ip_address", "client_user_agent"),
        advice=gettext_lazy(
            "Orders that reach the shop through another server do not have the buyer's own: have the"
            " shop keep them."
        ),
    ),
    Kind(label=gettext_lazy("Customer number"), needs=("external_id",)),
    Kind(label=gettext_lazy("Date of birth"), needs=("db",)),
)


class Coverage(Struct, frozen=True, kw_only=True):
    """Of how many of a hundred orders Meta is told an identifier."""

    label: str
    percent: int


class Fix(Struct, frozen=True, kw_only=True):
    """What would raise the estimate of the average order by `gain`, were it there for each."""

    label: str
    advice: str
    gain: float
    orders: int  # of the sample, that lack it


class Quality(Struct, frozen=True, kw_only=True):
    """What the page shows; without a `plot` there are too few orders."""

    orders: int
    median: float = 0.0
    weak_percent: int = 0
    without_browser: float = 0.0  # the median, had no browser told its ids
    plot: Plot | None = None
    coverage: Sequence[Coverage] = ()
    fixes: Sequence[Fix] = ()


def read_quality(*, store: Store, pixel: Pixel, now: datetime) -> Quality:
    """Of a sample of the last days' purchases; one query."""
    found = sample(
        store=store,
        pixel=pixel,
        days=DAYS,
        now=now,
        columns="identifiers",
        condition="identifiers IS NOT NULL",
    )
    masks = [mask for _day, mask in found]
    if len(masks) < FEWEST:
        return Quality(orders=len(masks))
    estimates = [estimate(mask) for mask in masks]
    return Quality(
        orders=len(masks),
        median=median(estimates),
        without_browser=median(estimate(mask & ~OF_THE_BROWSER) for mask in masks),
        weak_percent=_percent(sum(each < WEAK for each in estimates), len(estimates)),
        plot=_plot(found),
        coverage=[
            Coverage(
                label=str(kind.label),
                percent=_percent(sum(_has(mask, kind) for mask in masks), len(masks)),
            )
            for kind in KINDS
        ],
        fixes=fixes(masks),
    )


def fixes(masks: Sequence[int]) -> list[Fix]:
    """What somebody could do about it, what gains most first; nothing that gains next to nothing."""
    found = [
        Fix(
            label=str(kind.label),
            advice=str(kind.advice),
            gain=sum(estimate(with_bits(mask, *kind.needs)) - estimate(mask) for mask in masks)
            / len(masks),
            orders=sum(not _has(mask, kind) for mask in masks),
        )
        for kind in KINDS
        if kind.advice
    ]
    return sorted((fix for fix in found if fix.gain >= 0.05), key=lambda fix: -fix.gain)


def metas_own(*, pixel: Pixel, graph: GraphClient) -> tuple[float | None, str]:
    """Meta's score of the dataset's purchases, or why there is none: not every token may read it.

    https://developers.facebook.com/docs/marketing-api/conversions-api/dataset-quality-api
    """
    found, reason = graph.ask(
        "dataset_quality",
        access_token=pixel.access_token,
        dataset_id=pixel.pixel_id,
        fields="web{event_name,event_match_quality{composite_score}}",
    )
    if reason:
        return None, reason
    try:
        scored = msgspec.convert(found, _Answer).web
    except msgspec.ValidationError:
        return None, "unreadable_answer"
    for each in scored:
        if each.event_name == "Purchase" and each.event_match_quality:
            return each.event_match_quality.composite_score, ""
    return None, "no_score_yet"


class _Score(Struct):
    composite_score: float


class _Scored(Struct):
    event_name: str
    event_match_quality: _Score | None = None


class _Answer(Struct):
    web: list[_Scored] = []


def _plot(found: Sequence[tuple[date, int]]) -> Plot:
    by_day: dict[date, list[float]] = {}
    for day, mask in found:
        by_day.setdefault(day, []).append(estimate(mask))
    days = sorted(by_day)
    medians = [median(by_day[day]) for day in days]
    label = _("Median of the day, estimated")
    return Plot(
        summary=_("The estimate by day, from %(low)s to %(high)s of 10.")
        % {"low": _score(min(medians)), "high": _score(max(medians))},
        top=number(int(BEST)),
        slots=slots(
            (
                (day_of(day), f"{day_of(day)} – {_score(value)}")
                for day, value in zip(days, medians, strict=True)
            ),
            on_points=True,
        ),
        lines=[line(Layer(css="good", label=label, values=medians), top=BEST)],
        marks=[
            mark(_("6: weak below"), WEAK, top=BEST),
            mark(_("7: good from here on"), GOOD, top=BEST),
        ],
        table=Table(
            headings=[_("Day"), label, _("Orders looked at")],
            rows=[
                [day.isoformat(), _score(value), len(by_day[day])]
                for day, value in zip(days, medians, strict=True)
            ],
        ),
    )


def _has(mask: int, kind: Kind) -> bool:
    return all(mask & BITS[name] for name in kind.needs)


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole)


def _score(value: float) -> str:
    return f"{value:.1f}"
