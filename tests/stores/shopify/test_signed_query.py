"""What Shopify has signed is told from what it has not, to the second."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stores.shopify.host import read_host
from stores.shopify.signed_query import is_genuine, is_proxied, is_signed, read_query

SECRET, NOW = "the-app's-secret", 1_795_000_000


def signed(message, name="hmac", secret=SECRET):
    return (name, hmac.digest(secret.encode(), message.encode(), "sha256").hex())


def link(**changes):
    query = {"host": "aG9zdA", "shop": "lyon.myshopify.com", "timestamp": str(NOW)} | changes
    message = "&".join(f"{key}={value}" for key, value in sorted(query.items()))
    return [*query.items(), signed(message)]


@pytest.mark.parametrize(
    ("seconds", "genuine"), [(90, True), (-90, True), (91, False), (-91, False)]
)
def test_a_link_is_genuine_for_90_seconds(seconds, genuine):
    assert is_genuine(link(), secrets=[SECRET], now=NOW + seconds) == genuine


def test_either_secret_will_do_and_none_that_is_empty():
    assert is_genuine(link(), secrets=["new", SECRET], now=NOW)
    assert not is_genuine(link(), secrets=["new", ""], now=NOW)
    assert not is_signed([signed("", secret="")], secrets=[""])


@pytest.mark.parametrize("name", ["shop", "timestamp", "hmac", "code", "state", "host"])
def test_a_parameter_that_decides_may_not_stand_twice(name):
    query = link()

    assert not is_genuine([*query, (name, dict(query).get(name, "x"))], secrets=[SECRET], now=NOW)


def test_every_parameter_is_covered_by_the_signature():
    query = link()

    assert not is_genuine([*query, ("extra", "1")], secrets=[SECRET], now=NOW)
    assert not is_genuine(query[1:], secrets=[SECRET], now=NOW)


@pytest.mark.parametrize("said", ["", "Infinity", "1e9", "١٧", "-5", "9" * 5_000, "1795000000.0"])
def test_a_time_that_is_no_number_is_no_time(said):
    assert not is_genuine(link(timestamp=said), secrets=[SECRET], now=NOW)


def test_a_proxied_request_joins_repeated_keys_by_a_comma():
    query = read_query(f"shop=lyon.myshopify.com&extra=1&extra=2&timestamp={NOW}&empty")
    message = f"empty=extra=1,2shop=lyon.myshopify.comtimestamp={NOW}"

    assert is_proxied([*query, signed(message, "signature")], secrets=[SECRET], now=NOW)
    assert not is_proxied([*query, signed(message, "signature")], secrets=[SECRET], now=NOW + 91)


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=6))
def test_no_query_of_a_strangers_making_is_genuine(query):
    assert not is_genuine(query, secrets=[SECRET], now=NOW)


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvbHlvbg==", "admin.shopify.com/store/lyon"),
        ("YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvbHlvbg", "admin.shopify.com/store/lyon"),
        ("bHlvbi5teXNob3BpZnkuY29tL2FkbWlu", "lyon.myshopify.com/admin"),
        ("ZXZpbC5leGFtcGxlL2FkbWlu", None),  # evil.example/admin
        ("bHlvbi5teXNob3BpZnkuY29tL2FkbWluCg", None),  # with a line's end
        ("not-base64", None),
        ("", None),
        ("A", None),
    ],
)
def test_a_host_is_a_place_in_shopifys_admin(said, place):
    assert read_host(said) == place
