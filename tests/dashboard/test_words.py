from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from dashboard import words

NOW = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=2), "just now"),
        (timedelta(seconds=-2), "just now"),
        (timedelta(seconds=7.4), "7 s ago"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=4, seconds=59), "4 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(hours=47), "47 h ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(hours=-3), "in 3 h"),
        (timedelta(days=31), "21 Oct 2026"),
    ],
)
def test_moments_are_told_from_now(ago: timedelta, said: str) -> None:
    assert plain(words.relative(NOW - ago, now=NOW)) == said


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("UTC", "21 Nov 2026, 13:00:00 (UTC)"),
        ("Europe/Paris", "21 Nov 2026, 14:00:00 (UTC+01:00)"),
        ("Asia/Kathmandu", "21 Nov 2026, 18:45:00 (UTC+05:45)"),
        ("America/St_Johns", "21 Nov 2026, 09:30:00 (UTC-03:30)"),
    ],
)
def test_an_exact_moment_names_the_offset(zone: str, said: str) -> None:
    with timezone.override(ZoneInfo(zone)):
        assert words.exact(NOW) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (0.4, "0.4 s"), (4, "4 s"), (9.96, "10 s"), (61, "1 min"), (-1, "0 s")],
)
def test_spans_are_told_in_their_largest_unit(seconds: float, said: str) -> None:
    assert plain(words.span(timedelta(seconds=seconds))) == said


@pytest.mark.parametrize(
    ("value", "currency", "said"),
    [
        ("1234567.8901", "EUR", "1,234,567.89 EUR"),
        ("12800.0000", "JPY", "12,800 JPY"),
        ("1.2500", "KWD", "1.250 KWD"),
        ("46.08", "XXX", "46.08 XXX"),
    ],
)
def test_money_has_the_decimals_of_its_currency(value: str, currency: str, said: str) -> None:
    assert plain(words.money(Decimal(value), currency=currency)) == said


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")
