import random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat

from purchases.meta.normal import normalise
from purchases.meta.phones import international
from purchases.meta.plain_phones import plain_international

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
SCRIPTS = [
    str.maketrans("0123456789", digits)
    for digits in ("٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "０１２３４５６７８９")
]

CASES = [
    # National forms, by the address's country.
    ("(650)555-1212", "US", "16505551212"),
    ("06 12 34 56 78", "FR", "33612345678"),
    ("07700 900123", "GB", "447700900123"),
    ("06 698 12345", "IT", "390669812345"),
    ("8 (912) 345-67-89", "RU", "79123456789"),
    ("０９０−１２３４−５６７８", "JP", "819012345678"),
    ("٠٥٠ ١٢٣ ٤٥٦٧", "AE", "971501234567"),
    # International forms, whatever the country.
    ("+33 6 12 34 56 78", "US", "33612345678"),
    ("+44 (0)7700 900123", "", "447700900123"),
    ("0049 (0)151 23456789", "US", "4915123456789"),
    ("001-650-555-1212", "US", "16505551212"),
    ("011 44 7700 900123", "US", "447700900123"),
    ("447700900123", "GB", "447700900123"),
    ("tel:+1-650-555-1212", "", "16505551212"),
    ("+1 650 555 1212 ext. 99", "", "16505551212"),
    # Forms that are no more.
    ("+52 1 55 1234 5678", "", "525512345678"),
    ("044 55 1234 5678", "MX", "525512345678"),
    ("011 15-2345-6789", "AR", "5491123456789"),
    # No number, or not enough of one.
    ("650-555-1212", "", None),
    ("555-1212", "US", None),
    ("12345", "US", None),
    ("0000000000", "US", None),
    ("9999999999", "IN", None),
    ("1234567890", "US", None),
    # Numbers that count up and exist.
    ("012-345 6789", "MY", "60123456789"),
    ("01 23 45 67 89", "FR", "33123456789"),
    ("+33 1 23 45 67 89", "", "33123456789"),
    ("01 234567890", "AT", "431234567890"),
    ("12 345 67 89", "PL", "48123456789"),
    # The country's code without a plus.
    ("4917612345678", "DE", "4917612345678"),
    ("0049 176 12345678", "DE", "4917612345678"),
    ("491711234567", "DE", "491711234567"),
    ("62812345678", "ID", "62812345678"),
    ("468123456", "SE", "468123456"),
    ("38343201234", "XK", "38343201234"),
    # What a spreadsheet makes of a number.
    ("919876543210.0", "IN", "919876543210"),
    ("N/A", "FR", None),
    ("", "FR", None),
    ("+33 6 12 34 56 78" + " " * 60, "FR", None),
    ("06 12 34 56 78", "XX", None),
]


@pytest.mark.parametrize(("text", "country", "digits"), CASES)
def test_a_number_gets_its_country_code_or_is_none(text, country, digits):
    assert international(text, country=country) == digits


@settings(deadline=None)  # a region's patterns are compiled at its first number
@given(text=st.text(max_size=40), country=st.sampled_from(["", "XX", *REGIONS]))
def test_any_text_is_a_number_or_none(text, country):
    digits = international(text, country=country)

    assert digits is None or (digits.isascii() and digits.isdecimal())


@pytest.mark.parametrize("seed", range(4))
def test_the_plain_case_never_differs_from_the_library(seed):
    dice = random.Random(seed)

    for _ in range(1_000):
        text, country = dialled(dice)
        plain = plain_international(text, country=country)
        assert plain in (None, by_library(text, country)), (text, country)


def dialled(dice: random.Random) -> tuple[str, str]:
    """A number like one in use somewhere, with faults, in one of the ways people write it."""
    region = dice.choice(REGIONS)
    metadata = PhoneMetadata.metadata_for_region(region, None)
    example = phonenumbers.example_number(region)
    digits = list(phonenumbers.national_significant_number(example) if example else "12345678")
    for _ in range(dice.choice([0, 1, 1, 2, 4])):
        digits[dice.randrange(len(digits))] = dice.choice("0123456789")
    code = str(metadata.country_code)
    prefix = dice.choice(
        ["", metadata.national_prefix or "0", f"+{code}", code, f"+{code}0", "00", "01", "+"]
    )
    separators = ["", "", "", " ", "-", ".", ") ", "(", "/"]
    text = prefix + "".join(digit + dice.choice(separators) for digit in digits)
    text = text.translate(dice.choice([{}, {}, {}, *SCRIPTS]))
    return text, dice.choice([region, region, region, dice.choice(REGIONS), ""])


def by_library(text: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(text, country or None)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]


FIFTY = [
    "AE",
    "AR",
    "AT",
    "AU",
    "BD",
    "BE",
    "BG",
    "BR",
    "CA",
    "CH",
    "CL",
    "CN",
    "CO",
    "CZ",
    "DE",
    "DK",
    "EG",
    "ES",
    "FI",
    "FR",
    "GB",
    "GR",
    "HK",
    "HU",
    "ID",
    "IE",
    "IL",
    "IN",
    "IT",
    "JP",
    "KE",
    "KR",
    "MA",
    "MX",
    "MY",
    "NG",
    "NL",
    "NO",
    "NZ",
    "PE",
    "PH",
    "PK",
    "PL",
    "PT",
    "RO",
    "RU",
    "SA",
    "SE",
    "TH",
    "TR",
    "TW",
    "UA",
    "US",
    "VN",
    "ZA",
]


def messy(number):
    """How people of its country write a number, and what forms and address books make of it."""
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    away = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    code, rest = f"+{number.country_code}", e164.removeprefix(f"+{number.country_code}")
    return [
        national,
        national.replace(" ", "").replace("-", ""),
        national.replace(" ", ".").replace("-", "."),
        f"  {national} ",
        f"Tel. {national}",
        f"{national} ext. 12",
        away,
        away.replace(" ", "-"),
        f"tel:{e164}",
        "00" + e164.removeprefix("+"),
        e164.removeprefix("+"),
        f"{code} (0) {rest}" if number.country_code not in (7, 39) else e164,
        f"{e164}\u200b",
        f"\u202a{away}\u202c",
    ]


@pytest.mark.parametrize("region", FIFTY)
@pytest.mark.parametrize("kind", ["MOBILE", "FIXED_LINE"])
def test_the_messy_numbers_of_fifty_countries_are_those_of_the_library(region, kind):
    kind = getattr(phonenumbers.PhoneNumberType, kind)
    number = phonenumbers.example_number_for_type(region, kind)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)

    read = {text: normalise("ph", text, country=region) for text in messy(number)}

    assert {text: digits for text, digits in read.items() if f"+{digits}" != e164} == {}
