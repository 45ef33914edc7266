"""The plain case of reading a phone number, five times as fast as `phonenumbers` and never otherwise.

Most numbers are digits with spaces, dots or dashes, in their country's usual form. For those the
library's own patterns, compiled once per region, answer at once; whatever is less plain is left to the
library. tests/purchases/meta/test_phones.py compares the two.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple
from unicodedata import decimal

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberDesc

PLAIN = re.compile(r"[ (.-]*(\+?)\d[\d ().\-/]*")  # digits of any script
SEPARATORS = str.maketrans("", "", "+ ().-/")
NEVER = r"(?!)"
KINDS = (
    *("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan"),
    *("voicemail", "fixed_line", "mobile"),
)


class Region(NamedTuple):
    """How numbers of one region are written and which of them exist."""

    country_code: str
    exit_code: re.Pattern[str]
    trunk_prefix: re.Pattern[str]
    lengths: tuple[int, ...]
    rewrites: bool  # where the last group of the prefix matches, more changes: Argentina's 15
    leading_digits: re.Pattern[str] | None
    national_number: re.Pattern[str]


def plain_international(text: str, *, country: str) -> str | None:
    """The digits of E.164 where the library would find them valid beyond doubt; None in doubt."""
    if (form := PLAIN.fullmatch(text)) is None or len(text) > 30:
        return None
    digits = text.translate(SEPARATORS)
    if not digits.isascii():
        digits = "".join([str(decimal(digit)) for digit in digits])
    if form[1]:
        return _with_country_code(digits)
    if (region := _region(country)) is None:
        return None
    if exit_code := region.exit_code.match(digits):
        return _with_country_code(digits[exit_code.end() :])
    national = digits.removeprefix(region.country_code)
    # Digits that begin with the code hold it for certain only where they are too many without.
    if national != digits and (
        len(digits) <= region.lengths[-1] or region.trunk_prefix.match(national)
    ):
        return None
    return _if_valid(region.country_code, national, written_in=region)


def is_one_digit(national: str) -> bool:
    """Whether the national number is one digit again and again, as people type to get past a form."""
    return len(set(national)) == 1


def _with_country_code(digits: str) -> str | None:
    if digits.startswith("0"):
        return None
    for length in range(1, min(3, len(digits)) + 1):
        code, national = digits[:length], digits[length:]
        if regions := COUNTRY_CODE_TO_REGION_CODE.get(int(code)):
            region = _region(regions[0])
            return _if_valid(code, national, written_in=region) if region else None
    return None


def _if_valid(country_code: str, national: str, *, written_in: Region) -> str | None:
    """Without its trunk prefix, if the first region that claims the number knows it."""
    if prefix := written_in.trunk_prefix.match(national):
        if written_in.rewrites and prefix[prefix.re.groups] is not None:
            return None
        national = national[prefix.end() :]
    if len(national) not in written_in.lengths:
        return None
    if is_one_digit(national.lstrip("0")):  # an Italian number may begin with zeros
        return None
    regions = COUNTRY_CODE_TO_REGION_CODE[int(country_code)]
    for name in regions:
        if (region := _region(name)) is None:
            return None
        exists = region.national_number.fullmatch(national)
        claims = region.leading_digits.match(national) if region.leading_digits else exists
        if len(regions) == 1 or claims:
            return country_code + national if exists else None
    return None


@cache
def _region(name: str) -> Region | None:
    metadata = PhoneMetadata.metadata_for_region(name, None) if name else None
    if metadata is None or metadata.general_desc is None:
        return None
    general = _pattern(metadata.general_desc)
    kinds = "|".join(filter(None, (_pattern(getattr(metadata, kind)) for kind in KINDS)))
    leading = metadata.leading_digits
    return Region(
        country_code=str(metadata.country_code),
        exit_code=re.compile(metadata.international_prefix or NEVER),
        trunk_prefix=re.compile(metadata.national_prefix_for_parsing or NEVER),
        lengths=metadata.general_desc.possible_length,
        rewrites=bool(metadata.national_prefix_transform_rule),
        leading_digits=re.compile(leading) if leading else None,
        national_number=re.compile(f"(?={general}$)(?:{kinds})"),
    )


def _pattern(description: PhoneNumberDesc | None) -> str:
    """What `description` matches, its possible lengths included; "" for nothing."""
    if description is None or not description.national_number_pattern:
        return ""
    lengths = "|".join(f".{{{length}}}" for length in description.possible_length if length > 0)
    return f"(?:(?=(?:{lengths or '.*'})$)(?:{description.national_number_pattern}))"
