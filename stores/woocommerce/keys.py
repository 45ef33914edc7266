"""How a key is shown to a shop: Basic, in the query, or OAuth 1.0a, which never shows the secret.

https://developer.woocommerce.com/docs/apis/rest-api/authentication/
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

from msgspec import Struct

from stores.models import Store


class Signed(Struct, frozen=True, kw_only=True):
    """A request with its key: the query (without its ?) and the headers to add."""

    query: str
    headers: dict[str, str]


def sign(
    method: str,
    url: str,
    query: Mapping[str, str],
    *,
    way: Store.RestAuth,
    consumer_key: str,
    consumer_secret: str,
    now: float,
) -> Signed:
    """The request to `url` with its `query`, in one of the ways that shops take a key."""
    match way:
        case Store.RestAuth.BASIC:
            pair = base64.b64encode(f"{consumer_key}:{consumer_secret}".encode()).decode()
            return Signed(query=urlencode(query), headers={"Authorization": f"Basic {pair}"})
        case Store.RestAuth.QUERY:
            pair_of = {"consumer_key": consumer_key, "consumer_secret": consumer_secret}
            return Signed(query=urlencode({**query, **pair_of}), headers={})
        case _:
            address = _address(url)
            given = {
                **query,
                "oauth_consumer_key": consumer_key,
                "oauth_nonce": secrets.token_hex(16),
                "oauth_signature_method": "HMAC-SHA256",
                "oauth_timestamp": str(int(now)),
            }
            given["oauth_signature"] = _signature(method, address, given, consumer_secret)
            return Signed(query=urlencode(given, quote_via=quote), headers={})


def _address(url: str) -> str:
    """The http form of it: a shop that sees TLS takes the other ways, and one that does not see it
    builds its address as http, however the request has travelled."""
    parts = urlsplit(url)
    return f"http://{parts.netloc}{parts.path}"


def _signature(method: str, address: str, given: Mapping[str, str], consumer_secret: str) -> str:
    """https://datatracker.ietf.org/doc/html/rfc5849#section-3.4, without a token."""
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in given.items())
    text = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method, _encoded(address), _encoded(text)))
    digest = hmac.digest(f"{consumer_secret}&".encode(), base.encode(), "sha256")
    return base64.b64encode(digest).decode()


def _encoded(text: str) -> str:
    return quote(text, safe="~")
