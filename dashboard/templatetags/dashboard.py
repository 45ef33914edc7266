"""State words, money and moments for the templates."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from conversions.models import ConversionEvent
from dashboard import reasons, words
from dashboard.difference import difference_plot
from dashboard.heat import Cell
from dashboard.navigation import AREAS, Area, area_of
from dashboard.value_words import step_in_words
from stores import language

register = template.Library()
register.filter(step_in_words)
register.simple_tag(area_of)
register.simple_tag(difference_plot)

STATES = {
    # of an event
    "waiting": _("Waiting"),
    "pending": _("Pending"),
    "in_doubt": _("In doubt"),
    "accepted": _("Accepted"),
    "skipped": _("Skipped"),
    "rejected": _("Rejected"),
    "expired": _("Expired"),
    # of a delivery
    "received": _("Received"),
    "recorded": _("Recorded"),
    "unreadable": _("Unreadable"),
    "forgotten": _("Forgotten"),
    # of an attempt
    "unknown": _("No answer"),
    "try_later": _("Try later"),
    "pixel_broken": _("Dataset paused"),
}


@register.filter
def state_word(state: str) -> str:
    """The state as a person says it."""
    return str(STATES[state])


@register.inclusion_tag("dashboard/_pill.html")
def pill(state: str) -> dict[str, Any]:
    """The state as a word with its icon."""
    return {"state": state, "word": STATES[state], "icon": f"icons/{state}.svg"}


@register.filter
def why(reason: str) -> str:
    """The reason as a sentence."""
    return reasons.in_words(reason)


@register.filter
def why_of(event: ConversionEvent) -> str:
    """Why the event is not accepted: its own reason, or its pixel's while that is paused."""
    owed = event.state in ("pending", "in_doubt")
    return reasons.in_words((owed and event.pixel.broken_reason) or event.reason)


@register.filter
def number(count: int) -> str:
    """The count with its separators."""
    return words.number(count)


@register.filter
def seconds(length: float) -> str:
    """The length as a span: `4 s`."""
    return words.span(timedelta(seconds=length))


@register.filter
def money(value: Decimal | None, currency: str) -> str:
    """The amount with its currency and that currency's decimals."""
    return words.money(value, currency=currency)


@register.simple_tag
def areas() -> tuple[Area, ...]:
    """The pages of the store, by what they are about."""
    return AREAS


@register.simple_tag
def other_languages() -> list[tuple[str, str]]:
    """What the page could speak instead."""
    return language.others()


@register.filter
def sums(by_currency: Sequence[tuple[str, Decimal]]) -> str:
    """The amounts with their currencies."""
    return words.sums(by_currency)


@register.inclusion_tag("dashboard/_as_command.html", takes_context=True)
def as_command(context: Context, *words: object) -> dict[str, str]:
    """The command that prints what the page shows, to copy; not in a shop's admin, where none is run."""
    if getattr(context["request"], "shopify", None):
        return {}
    return {"command": shlex.join(["python", "manage.py", *map(str, words)])}


@register.simple_tag(takes_context=True)
def moment(context: Context, value: datetime | None) -> SafeString:
    """How long ago, with the exact time in the title; needs `now` in the context."""
    if value is None:
        return SafeString("–")
    relative = words.relative(value, now=context["now"])
    return _time(value, shown=relative, title=words.exact(value))


@register.simple_tag
def exact_moment(value: datetime) -> SafeString:
    """The exact time, with the zone's offset."""
    return _time(value, shown=words.exact(value), title=words.exact(value))


@register.simple_tag
def heat_cells(cells: Sequence[Cell]) -> SafeString:
    """A store's days: thousands on a page, too many for the template's own loop."""
    return format_html_join("", '<td class="cell {}" title="{}">{}</td>', map(_heat, cells))


def _heat(cell: Cell) -> tuple[str, str, str]:
    if cell.percent is None or cell.percent == 100:
        return cell.css, cell.words, "·" if cell.percent is None else "✓"
    link = '<a href="{}" aria-label="{}">{}</a>'
    return cell.css, cell.words, format_html(link, cell.link, cell.words, cell.percent)


def _time(value: datetime, *, shown: str, title: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        value.isoformat(timespec="seconds"),
        title,
        shown,
    )
