"""Tables that are made when the code is loaded are those that their makers make.

Mutation testing changes a function after that: without these, nothing would notice.
"""

import unicodedata

import pytest
from phonenumbers.phonemetadata import PhoneNumberDesc

from purchases import regions
from purchases.meta import normal, plain_phones, user_data

LETTERS = "aÀéñżЖ字あ정١٢٣0123456789½²Ⅷ .,-_'’/\u200d\ufe0f\u20e3♥€+<"


@pytest.mark.parametrize("digits", [True, False])
def test_what_is_kept_of_a_text(digits: bool) -> None:
    table = normal.Kept(digits=digits)

    kept = LETTERS.translate(table)

    assert kept == ("aÀéñżЖ字あ정١٢٣0123456789½²Ⅷ" if digits else "aÀéñżЖ字あ정Ⅷ")
    assert table == {code: table[code] for code in table}
    assert {code for code in range(0xFDF0, 0xFE30) if code in normal.Kept(digits=digits)} == set(
        range(0xFE00, 0xFE10)
    )


def test_a_character_is_judged_once() -> None:
    table = normal.Kept(digits=True)
    assert ord("a") not in table

    assert (table[ord("a")], table[ord(",")]) == (ord("a"), None)

    assert dict.__contains__(table, ord("a"))
    assert dict.get(table, ord(","), 0) is None
    assert unicodedata.category(",") == "Po"


def test_addresses_that_no_shopper_has_are_found_by_their_first_byte() -> None:
    table = user_data._by_first_byte(
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4"]
    )

    assert len(table) == 256
    assert table[10] == [(bytes([10, 0, 0, 0]), bytes([10, 255, 255, 255]))]
    assert table[172] == [(bytes([172, 16, 0, 0]), bytes([172, 31, 255, 255]))]
    assert all(len(table[byte]) == 1 for byte in range(224, 240))
    assert not any(table[byte] for byte in (0, 9, 11, 171, 173, 193, 223, 240, 255))
    assert user_data._by_first_byte(user_data.NOBODYS_IPV4) == user_data.NOBODYS_BY_FIRST_BYTE


def test_names_of_regions_lead_to_their_codes() -> None:
    table = regions._by_name("ON Ontario|QC Québec|NL Newfoundland and Labrador")

    assert table["quebec"] == table["qc"] == "qc"
    assert table["newfoundlandandlabrador"] == "nl"
    assert len(table) == 6
    assert {country: regions._by_name(rows) for country, rows in regions.ROWS.items()} == (
        regions.BY_NAME
    )


@pytest.mark.parametrize(
    ("number", "pattern"),
    [
        (PhoneNumberDesc(), ""),
        (None, ""),
        (
            PhoneNumberDesc(national_number_pattern="[67]\\d{8}", possible_length=(9,)),
            "(?:(?=(?:.{9})$)(?:[67]\\d{8}))",
        ),
        (
            PhoneNumberDesc(national_number_pattern="\\d+", possible_length=(-1, 7, 8)),
            "(?:(?=(?:.{7}|.{8})$)(?:\\d+))",
        ),
        (
            PhoneNumberDesc(national_number_pattern="\\d+", possible_length=(-1,)),
            "(?:(?=(?:.*)$)(?:\\d+))",
        ),
    ],
)
def test_the_pattern_of_a_kind_of_number_holds_its_lengths(
    number: PhoneNumberDesc | None, pattern: str
) -> None:
    assert plain_phones._pattern(number) == pattern


@pytest.mark.parametrize(
    ("digits", "e164"),
    [
        ("16505551212", "16505551212"),
        ("33612345678", "33612345678"),
        ("351912345678", "351912345678"),
        ("0612345678", None),
        ("9", None),
    ],
)
def test_a_number_with_its_country_code_is_read_without_the_library(
    digits: str, e164: str | None
) -> None:
    assert plain_phones._with_country_code(digits) == e164
