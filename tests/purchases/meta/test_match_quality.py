"""The estimate of how well Meta may know a buyer: never lowered by knowing more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purchases.meta.match_quality import (
    BITS,
    IDENTIFIERS,
    estimate,
    identifiers_of,
    with_bits,
)
from purchases.meta.user_data import Finding

masks = st.integers(0, 2 ** len(IDENTIFIERS) - 1)


def told(*keys: str, **values: str) -> int:
    plain = [Finding(key=key, origin="x", value="y") for key in keys]
    return identifiers_of(plain + [Finding(key=k, origin="x", value=v) for k, v in values.items()])


@given(masks, st.sampled_from(IDENTIFIERS))
def test_one_more_identifier_never_lowers_it(mask: int, name: str) -> None:
    assert estimate(with_bits(mask, name)) >= estimate(mask)


@given(masks)
def test_it_lies_between_nothing_and_ten(mask: int) -> None:
    assert 0 <= estimate(mask) < 10


@pytest.mark.parametrize(
    ("mask", "score"),
    [
        (told(), 0.0),
        (told("em"), 5.5),
        (told("em", "ph", "fn", "ln", "zp", "ct", "st", "country"), 8.2),
        (told("em", "ph", "fn", "ln", "zp", "ct", "fbc", "fbp", "client_user_agent"), 9.3),
    ],
)
def test_a_usual_order_has_a_usual_score(mask: int, score: float) -> None:
    assert estimate(mask) == pytest.approx(score, abs=0.06)


@pytest.mark.parametrize(
    ("mask", "same_as"),
    [
        (told("em", "fn", "ln"), told("em")),  # a name alone is anybody's
        (told("em", "client_ip_address"), told("em")),  # an address without its browser
    ],
)
def test_what_says_nothing_by_itself_adds_nothing(mask: int, same_as: int) -> None:
    assert estimate(mask) == estimate(same_as)


def test_what_was_dropped_counts_nothing() -> None:
    dropped = Finding(key="em", origin="billing.email", dropped="placeholder")

    assert identifiers_of([dropped]) == 0


def test_an_address_of_version_6_says_more() -> None:
    four = told("client_user_agent", client_ip_address="203.0.113.9")
    six = told("client_user_agent", client_ip_address="2001:db8::9")

    assert estimate(six) > estimate(four)


def test_the_places_of_the_bits_stay_as_they_are_kept() -> None:
    assert (BITS["em"], BITS["external_id"], BITS["ipv6"]) == (1, 1 << 10, 1 << 16)
