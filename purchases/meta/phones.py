"""Phone numbers as Meta wants them: digits with the country code, nothing else.

Meta never adds a country code, and a number without one matches nobody, so the address's country
supplies it. https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/customer-information-parameters
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, ValidationResult

from purchases.meta.plain_phones import is_one_digit, plain_international

COUNTING_UP = "12345678901234567890"
FLOAT = re.compile(r"\+?[0-9]{6,15}\.0")  # what a spreadsheet makes of a number
LONGEST = 60  # characters; a number with its extension and every separator is shorter
TRUNK_ZERO = re.compile(r"[(\[（]\s*[0０]\s*[)\]）]")  # the (0) of +44 (0)7700 900123
# Mexico gave up its dialling prefixes in 2019, and the mobile 1 behind +52 with them.
MEXICAN_PREFIX = re.compile(r"(?:\+?52)?(?:01|044|045|1)([0-9]{10})")


def international(text: str, *, country: str) -> str | None:
    """The digits of E.164 without the plus, or None where no number can be read.

    `country` is ISO 3166-1 alpha-2 for numbers written without a country code, or "". Extensions
    are left out; placeholders (000…, and 1234567890 where nobody has it) are no numbers. A number in
    use is preferred; one of the right length will do, for numbering plans grow faster than tables.
    """
    if len(text) > LONGEST:
        return None
    text = text.strip()
    if FLOAT.fullmatch(text):
        text = text.removesuffix(".0")
    if plain := plain_international(text, country=country):
        return plain
    if with_code := _with_its_country_code(text, country=country):
        return with_code
    possible = None
    for number in _readings(text, country=country):
        if phonenumbers.is_valid_number(number):
            return _digits(number)
        if possible is None and _is_long_enough(number) and not _counts_up(number):
            possible = _if_read_so_again(_digits(number))
    return possible


def _with_its_country_code(text: str, *, country: str) -> str | None:
    """The number of a text that has its country's code without the plus: 49 176 12345678.

    The library reads it as a national number wherever one may be that long, as in Germany.
    """
    code = phonenumbers.country_code_for_region(country) if country else 0
    digits = re.sub(r"[\s ().\-/]", "", text)
    if not code or not digits.isdecimal() or not digits.startswith(str(code)):
        return None
    try:
        number = phonenumbers.parse(f"+{digits}")
    except NumberParseException:
        return None
    return _digits(number) if phonenumbers.is_valid_number(number) else None


def _readings(text: str, *, country: str) -> Iterator[PhoneNumber]:
    for candidate in _spellings(text, country=country):
        try:
            yield phonenumbers.parse(candidate, country or None)
        except NumberParseException:
            continue


def _spellings(text: str, *, country: str) -> Iterator[str]:
    """What may be meant, likeliest first: as written, then with a habit of writing undone."""
    yield text
    if (without_zero := TRUNK_ZERO.sub("", text)) != text:
        yield without_zero
    # 00 is how most of the world dials a plus, and writes it, also where the exit code is another.
    if text.startswith("00"):
        yield "+" + text[2:]
    dialled = re.sub(r"[^0-9+]", "", text) if country == "MX" or text.startswith("+52") else ""
    if legacy := MEXICAN_PREFIX.fullmatch(dialled):
        yield "+52" + legacy[1]


def _is_long_enough(number: PhoneNumber) -> bool:
    """Whether it can be dialled from anywhere: not a local number without its area code."""
    length = phonenumbers.is_possible_number_with_reason(number)
    return bool(length == ValidationResult.IS_POSSIBLE)


def _if_read_so_again(digits: str | None) -> str | None:
    """The digits, unless they lose a zero each time they are read: nobody has such a number."""
    try:
        again = phonenumbers.parse(f"+{digits}")
    except NumberParseException:
        return None
    return digits if _digits(again) == digits else None


def _counts_up(number: PhoneNumber) -> bool:
    return COUNTING_UP.startswith(str(number.national_number))


def _digits(number: PhoneNumber) -> str | None:
    """Written by hand: `national_number` lacks the zeros that Italy keeps; they are counted beside."""
    national = str(number.national_number)
    if is_one_digit(national):
        return None
    zeros = (number.number_of_leading_zeros or 1) if number.italian_leading_zero else 0
    return f"{number.country_code}{'0' * zeros}{national}"
