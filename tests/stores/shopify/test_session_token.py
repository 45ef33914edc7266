"""Which session tokens let somebody in."""

import json

import jwt
import pytest

from stores.shopify.session_token import NotASessionToken, SessionToken, bearer, verify

SECRET, PREVIOUS = "shpss_" + "a" * 32, "shpss_" + "b" * 32
NOW = 1_795_000_000
CLAIMS = {
    "iss": "https://lyon.myshopify.com/admin",
    "dest": "https://lyon.myshopify.com",
    "aud": "our-client-id",
    "sub": "42",
    "exp": NOW + 60,
    "nbf": NOW,
    "iat": NOW,
    "jti": "4321",
    "sid": "abc123",
}
MISSING = object()


def a_token(*, secret=SECRET, algorithm="HS256", **changes):
    claims = {key: value for key, value in (CLAIMS | changes).items() if value is not MISSING}
    return jwt.PyJWS().encode(json.dumps(claims).encode(), secret, algorithm=algorithm)


def verdict(raw, now=NOW):
    """Whom the token lets in, or why it lets nobody in."""
    try:
        return verify(raw, client_id="our-client-id", secrets=(SECRET, PREVIOUS), now=now)
    except NotASessionToken as error:
        return str(error)


def test_a_member_of_staff_comes_in_from_their_shops_admin():
    raw = a_token()

    assert verdict(raw) == SessionToken(
        shop="lyon.myshopify.com", staff_id="42", session_id="abc123", raw=raw
    )
    assert raw not in repr(verdict(raw))


def test_a_token_of_the_previous_secret_still_lets_in():
    assert isinstance(verdict(a_token(secret=PREVIOUS)), SessionToken)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-11, "not_yet_valid"), (-10, SessionToken), (69, SessionToken), (70, "expired")],
)
def test_clocks_may_differ_by_10_seconds(seconds, expected):
    found = verdict(a_token(), now=NOW + seconds)

    assert expected in (found, type(found))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"aud": "another-app"}, "audience"),
        ({"aud": ["our-client-id"]}, "claims"),
        ({"exp": NOW + 121}, "lives_too_long"),
        ({"exp": float("inf")}, "lives_too_long"),
        ({"exp": float("nan")}, "lives_too_long"),
        ({"exp": "soon"}, "claims"),
        ({"iat": NOW + 60}, "not_yet_valid"),
        ({"iss": "https://paris.myshopify.com/admin"}, "issuer"),
        ({"iss": "https://lyon.myshopify.com/checkouts"}, "issuer"),
        ({"iss": "http://lyon.myshopify.com/admin"}, "issuer"),
        ({"dest": "lyon.myshopify.com"}, "destination"),
        ({"dest": "https://lyon.myshopify.com/x"}, "destination"),
        ({"dest": "https://evil.example"}, "destination"),
        ({"dest": "https://lyon.myshopify.com\n"}, "destination"),
        ({"dest": "https://https://admin.shopify.com/store/lyon"}, "destination"),
        ({"sub": None}, "claims"),
        ({"sub": ""}, "subject"),
        ({"sub": "gid://shopify/Customer/1"}, "subject"),
        *[({name: MISSING}, "claims") for name in CLAIMS if name != "iat"],
    ],
)
def test_a_claim_that_is_not_as_the_admin_makes_it_lets_nobody_in(changes, why):
    assert verdict(a_token(**changes)) == why


@pytest.mark.parametrize("algorithm", ["HS384", "HS512", "none"])
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_no_other_algorithm_will_do(algorithm):
    secret = None if algorithm == "none" else SECRET

    assert verdict(a_token(algorithm=algorithm, secret=secret)) == "malformed"


def test_a_token_that_is_none_is_refused_without_a_trace_of_it():
    assert verdict(a_token(secret="c" * 38)) == "signature"
    assert verdict("") == "missing"
    assert verdict("x" * 9_000) == "too_long"
    assert verdict("a.b.c") == verdict("é.é.é") == "malformed"


def test_without_a_secret_or_a_client_id_nobody_comes_in():
    with pytest.raises(NotASessionToken, match="signature"):
        verify(a_token(), client_id="our-client-id", secrets=("", ""), now=NOW)
    with pytest.raises(NotASessionToken, match="audience"):
        verify(a_token(aud=""), client_id="", secrets=(SECRET,), now=NOW)


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "BEARER  abc "])
def test_the_schemes_case_does_not_matter(header):
    assert bearer(header) == "abc"


@pytest.mark.parametrize("header", ["", "abc", "Basic abc", "Bearerabc"])
def test_another_scheme_has_no_token(header):
    assert bearer(header) == ""
