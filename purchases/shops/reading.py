"""What the platform readers share: from a wire shape to values, tolerantly.

The readers take what JSON may hold where the shop's documentation promises something else (null,
numbers for strings, "" for nothing) and name the field when a value cannot be used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct

from purchases.currencies import EXPONENTS
from purchases.order import Click, Quote
from purchases.shops.delivery import UnreadableOrder

S = TypeVar("S", bound=Struct)

# A wire shape must not fail on a value of an unexpected type, so these hold all of JSON. A list may
# be an object: PHP writes one so when its keys have gaps.
Stray: TypeAlias = list[Any] | str | float | bool | int | None
Part: TypeAlias = S | Stray
Parts: TypeAlias = list[S | Stray] | dict[str, S | Stray] | str | float | bool | int | None


ZERO = Decimal(0)
MOST_ATTRIBUTES = 2_000  # plugins write hundreds on an order, and an event id may be the last

_NUMBERS = (int, Decimal)
_AMOUNT = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,30})?")
_ORDER_ID = re.compile(r"[1-9][0-9]{0,19}")
_YEAR = re.compile(r"[+-]?([0-9]{4,9})-")
_YEARS = range(1970, 2100)
_FBCLID = re.compile(r"[A-Za-z0-9_-]{1,500}")
_FBCLID_IN_QUERY = re.compile(r"[?&]fbclid=([A-Za-z0-9_-]+)(?=[&#]|$)")


def part(value: Part[S], shape: type[S]) -> S:
    """The object, or an empty one where the shop put something else."""
    return value if isinstance(value, shape) else shape()


def parts(values: Parts[S], shape: type[S]) -> list[S]:
    """The objects of a list; what stands among them and is none is left out."""
    if not values:
        return []
    if isinstance(values, dict):
        values = list(values.values())
    if not isinstance(values, list):
        return []
    return [value for value in values if isinstance(value, shape)]


def text(value: object, *, limit: int = 500) -> str:
    """A text, or a number as text, without NUL (PostgreSQL refuses it), cut at `limit`."""
    if value is None:
        return ""
    if isinstance(value, str):
        if len(value) > limit or "\0" in value:
            value = value[:limit].replace("\0", "")
        return value.strip()
    if isinstance(value, _NUMBERS) and not isinstance(value, bool):
        return str(value)[:limit]
    return ""


def quotes(*found: tuple[str, object]) -> tuple[Quote, ...]:
    """The (origin, value) pairs that hold a text, in order, each text once.

    A text with NUL or an endless one is dropped, not mended: half an identifier is another one.
    """
    kept: dict[str, Quote] = {}
    last = ""
    for origin, value in found:
        if value is None:
            continue
        if isinstance(value, str):
            if value == last or "\0" in value or len(value) > 1000:  # most repeat word for word
                continue
            last = value
        if said := text(value, limit=1000):
            kept.setdefault(said.casefold(), Quote(text=said, origin=origin))
    return tuple(kept.values())


# Under which names checkouts ask for them, with any prefix that says whose they are.
_BIRTH_DATES = frozenset({"birthday", "birthdate", "birth_date", "date_of_birth", "dob"})
_GENDERS = frozenset({"gender", "sex", "salutation"})
_PERSONAL = re.compile(r"birth|dob|gender|sex|salut", re.IGNORECASE)
_PREFIX = re.compile(r"^_?(?:billing_|customer_)?")


def personal(
    found: Iterable[tuple[str, object]], *, origin: str
) -> tuple[tuple[Quote, ...], tuple[Quote, ...]]:
    """The birth dates and the genders among (name, value) pairs that plugins and themes wrote."""
    births: list[tuple[str, object]] = []
    genders: list[tuple[str, object]] = []
    for name, value in found:
        if len(name) > 40 or not _PERSONAL.search(name):  # most
            continue
        bare = _PREFIX.sub("", name.lower().replace(" ", "_").replace("-", "_"), count=1)
        if bare in _BIRTH_DATES:
            births.append((f"{origin}.{name}", value))
        elif bare in _GENDERS:
            genders.append((f"{origin}.{name}", value))
    return quotes(*births), quotes(*genders)


def attributes(found: Iterable[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    """Those (name, value) pairs whose value is a text, a number or a boolean, up to MOST_ATTRIBUTES."""
    kept = []
    for name, value in islice(found, MOST_ATTRIBUTES):
        said = str(value).lower() if isinstance(value, bool) else text(value)
        if name and said:
            kept.append((name, said))
    return tuple(kept)


def clicks(*found: tuple[str, object, datetime | None]) -> tuple[Click, ...]:
    """The (origin, fbclid, time) triples that hold a click id, in order, each id once."""
    kept: dict[str, Click] = {}
    for origin, fbclid, at in found:
        if isinstance(fbclid, str) and _FBCLID.fullmatch(fbclid):
            kept.setdefault(fbclid, Click(fbclid=fbclid, at=at, origin=origin))
    return tuple(kept.values())


def fbclid_of(url: object) -> str:
    """The `fbclid` in a URL's query, or "". One with escapes is none: it has been tampered with."""
    if not isinstance(url, str) or "fbclid" not in url:
        return ""
    found = _FBCLID_IN_QUERY.search(url)
    return found[1] if found else ""


def order_id(value: object, *, field: str) -> str:
    """A positive whole number as text, never through a float. Raises UnreadableOrder."""
    digits = value if isinstance(value, str) else text(value)
    if not _ORDER_ID.fullmatch(digits):
        raise UnreadableOrder("bad_order_id", field=field, detail="a positive whole number")
    return digits


def reference(value: object) -> str:
    """The id of a product, variant or customer; "" for none, which WooCommerce spells 0."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)  # 16.0 is 16, written by a program that knows no whole numbers
    said = str(value)[:64] if type(value) is int else text(value, limit=64)
    return "" if said == "0" else said


def money(value: object) -> Decimal | None:
    """An amount in major units, or None for anything else ("1,234.50", "$5", NaN, true).

    More than 6 decimals are rounded to 6, half to even, which takes off the noise of an amount that
    was a float in the shop (10.649999999999999). More than 30 are nobody's money.
    """
    if isinstance(value, str):
        return _amount_in(value) if len(value) <= 50 else None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value) if abs(value) < 10**15 else None
    return _amount(value) if isinstance(value, Decimal) else None


def sum_of(values: Iterable[object]) -> Decimal:
    """The sum of those of `values` that are amounts."""
    return sum([amount for value in values if (amount := money(value)) is not None], ZERO)


@lru_cache(maxsize=10_000)  # a shop has its prices, and every order its zeros
def _amount_in(said: str) -> Decimal | None:
    return _amount(Decimal(said)) if _AMOUNT.fullmatch(said) else None


def _amount(number: Decimal) -> Decimal | None:
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -30 or number.adjusted() > 14:
        return None
    if exponent < -6:
        number = number.quantize(Decimal("0.000001"))
    return number + 0  # turns -0.00 into 0.00 and 1E+2 into 100


def total(value: object, *, field: str) -> Decimal:
    """The order's total. Raises UnreadableOrder for none, a bad or a negative one."""
    if value is None:
        raise UnreadableOrder("no_total", field=field)
    amount = money(value)
    if amount is None:
        raise UnreadableOrder("bad_money", field=field, detail="a decimal number such as 12.50")
    if amount < 0:
        raise UnreadableOrder("negative_total", field=field)
    return amount


def currency(value: object, *, field: str) -> str:
    """An ISO 4217 code in upper case. Raises UnreadableOrder."""
    # isascii: upper() makes an ASCII S of the long s.
    code = value.upper() if isinstance(value, str) and value.isascii() else ""
    if code not in EXPONENTS:
        raise UnreadableOrder("bad_currency", field=field, detail="an ISO 4217 code such as EUR")
    return code


def moment(value: object, *, zone: tzinfo) -> datetime | None:
    """An ISO 8601 time in UTC, one without an offset being of `zone`; None for anything else.

    Years before 1970 and after 2099 are no times of a sale: what becomes of them in PostgreSQL or
    at Meta, nobody wants to find out.
    """
    if not isinstance(value, str):
        return None
    if value[17:19] == "60":  # a leap second has no place in datetime, nor in Meta's Unix time
        value = f"{value[:17]}59{value[19:]}"
    try:
        local = datetime.fromisoformat(value)
    except ValueError:
        return None
    if local.year not in _YEARS:
        return None
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone)
    return local.astimezone(UTC)


def first_moment(*found: tuple[object, tzinfo], field: str) -> datetime:
    """The first (value, zone) that is a moment. Raises UnreadableOrder.

    A year that cannot be is an error at once (bad_time): it is no garbage that may stand where the
    shop has no time, it is a wrong time.
    """
    for value, zone in found:
        if at := moment(value, zone=zone):
            return at
        year = _YEAR.match(value) if isinstance(value, str) else None
        if year and int(year[1]) not in _YEARS:
            raise UnreadableOrder("bad_time", field=field, detail="a year from 1970 to 2099")
    raise UnreadableOrder("no_time", field=field)
