"""Moments, spans and money as people read them, in the active time zone and language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from purchases.currencies import EXPONENTS

NO_BREAK = "\N{NO-BREAK SPACE}"
JUST_NOW = timedelta(seconds=5)
# Farther away than this, a date says more than a number of days.
RELATIVE_WITHIN = timedelta(days=30)


def exact(moment: datetime) -> str:
    """`21 Nov 2026, 14:03:05 (UTC+01:00)`: to the second, with the offset of the zone."""
    local = timezone.localtime(moment)
    shown = date_format(local, _("j M Y, H:i:s"))
    return f"{shown} ({_offset(local)})"


def relative(moment: datetime, *, now: datetime) -> str:
    """`4 min ago`, `in 3 h`, or the date where that is more than a month away."""
    away = now - moment
    if abs(away) < JUST_NOW:
        return _("just now")
    if abs(away) > RELATIVE_WITHIN:
        return date_format(timezone.localtime(moment), _("j M Y"))
    if away > timedelta(0):
        return _("%(span)s ago") % {"span": span(_whole(away))}
    return _("in %(span)s") % {"span": span(_whole(-away))}


def span(length: timedelta) -> str:
    """The length in its largest unit, rounded down: `0.4 s`, `59 s`, `4 min`, `3 h`, `2 days`."""
    seconds = max(length.total_seconds(), 0.0)
    if seconds < 9.95:
        tenths = round(seconds, 1)
        return f"{number_format(tenths, 0 if tenths.is_integer() else 1)}{NO_BREAK}s"
    if seconds < 60:
        return f"{int(max(seconds, 10))}{NO_BREAK}s"
    if seconds < 3600:
        return f"{int(seconds // 60)}{NO_BREAK}min"
    if seconds < 2 * 86_400:
        return f"{int(seconds // 3600)}{NO_BREAK}h"
    days = int(seconds // 86_400)
    return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}


def number(count: int) -> str:
    """`12,800`: with the separators of the language."""
    return number_format(count, use_l10n=True, force_grouping=True)


def money(value: Decimal | None, *, currency: str) -> str:
    """`1,284.00 EUR`, `1,200 JPY`, `1.250 KWD`; "" where there is no value."""
    if value is None:
        return ""
    decimals = EXPONENTS.get(currency, 2)
    amount = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
    return (
        f"{number_format(amount, decimals, use_l10n=True, force_grouping=True)}{NO_BREAK}{currency}"
    )


def sums(by_currency: Sequence[tuple[str, Decimal]]) -> str:
    """`1,284.00 EUR, 90.00 USD and 2 currencies more`; "" where there is none."""
    told = ", ".join(money(amount, currency=currency) for currency, amount in by_currency[:2])
    if (more := len(by_currency) - 2) <= 0:
        return told
    sentence = ngettext(
        "%(sums)s and %(n)s currency more", "%(sums)s and %(n)s currencies more", more
    )
    return sentence % {"sums": told, "n": more}


def day_of(day: date) -> str:
    """`21 Nov`."""
    return date_format(day, _("j M"))


def _whole(length: timedelta) -> timedelta:
    return timedelta(seconds=int(length.total_seconds()))


def _offset(local: datetime) -> str:
    offset = local.strftime("%z")
    return f"UTC{offset[:3]}:{offset[3:5]}" if offset.strip("+-0") else "UTC"
