"""Whether Shopify has signed a query string: links into the app, OAuth callbacks, the app proxy.

Works on decoded pairs and a clock that is handed in; knows no request and no shop.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from urllib.parse import parse_qsl, quote

Pairs = Sequence[tuple[str, str]]

# A link that is older was copied, or held back.
WINDOW_SECONDS = 90
# Each may stand there once: of two values one would be signed and the other one read.
ONCE = ("hmac", "signature", "shop", "timestamp", "code", "state", "host")


def read_query(query: str) -> list[tuple[str, str]]:
    """The pairs of a query string, decoded, in their order; a key without = has the value ""."""
    return parse_qsl(query, keep_blank_values=True, max_num_fields=200)


def is_genuine(query: Pairs, *, secrets: Iterable[str], now: float) -> bool:
    """Whether one of `secrets` has signed the query, not more than 90 seconds from `now`."""
    return is_signed(query, secrets=secrets) and is_fresh(query, now=now)


def is_signed(query: Pairs, *, secrets: Iterable[str]) -> bool:
    """Whether the parameter `hmac` signs the others.

    Shopify joins them as they are. For what it sends, two ways of escaping give just that: of
    everything, and of the separators alone. Neither lets two queries share a text.
    https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
    """
    said = _once(query, "hmac")
    signed = [(key, value) for key, value in query if key not in ("hmac", "signature")]
    messages = ("&".join(_escape_all(signed)), "&".join(_escape_separators(signed)))
    return any(_signs(said, message, secrets=secrets) for message in messages)


def is_proxied(query: Pairs, *, secrets: Iterable[str], now: float) -> bool:
    """Whether a request came through the app proxy of a shop: its `signature` signs the others.

    The text has no separators, so that a free parameter could swallow its neighbour: of what is
    signed only `shop`, `timestamp`, `path_prefix` and `logged_in_customer_id` may be believed.
    https://shopify.dev/docs/apps/build/online-store/app-proxies/authenticate-app-proxies
    """
    said = _once(query, "signature")
    signed = [(key, value) for key, value in query if key != "signature"]
    message = "".join(f"{key}={','.join(values)}" for key, values in _by_key(signed))
    return _signs(said, message, secrets=secrets) and is_fresh(query, now=now)


def is_fresh(query: Pairs, *, now: float) -> bool:
    """Whether `timestamp` is within 90 seconds of `now`, on either side."""
    said = _once(query, "timestamp")
    if not (said.isascii() and said.isdecimal() and len(said) <= 12):
        return False
    return abs(now - int(said)) <= WINDOW_SECONDS


def _once(query: Pairs, wanted: str) -> str:
    """The value of `wanted`, or "" where it is missing or where a key of `ONCE` stands twice."""
    keys = [key for key, _ in query]
    if any(keys.count(key) > 1 for key in ONCE):
        return ""
    return dict(query).get(wanted, "")


def _signs(said: str, message: str, *, secrets: Iterable[str]) -> bool:
    """Whether `said` is the hexadecimal HMAC of `message`; an empty secret never signs."""
    return any(
        hmac.compare_digest(
            hmac.digest(secret.encode(), message.encode("utf-8", "surrogatepass"), "sha256")
            .hex()
            .encode(),
            said.encode("utf-8", "surrogatepass"),
        )
        for secret in secrets
        if secret
    )


def _escape_all(query: Pairs) -> list[str]:
    pairs = sorted(query, key=itemgetter(0))
    return [f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in pairs]


def _escape_separators(query: Pairs) -> list[str]:
    """`ids[]=2&ids[]=1` is signed as a JSON list: `ids=["2", "1"]`."""
    pairs = []
    for key, values in _by_key(query):
        name = key.removesuffix("[]").replace("%", "%25").replace("=", "%3D")
        for value in [json.dumps(values)] if key.endswith("[]") else values:
            pairs.append(f"{name}={value.replace('%', '%25')}".replace("&", "%26"))
    return sorted(pairs)


def _by_key(query: Pairs) -> list[tuple[str, list[str]]]:
    pairs = sorted(query, key=itemgetter(0))
    return [
        (key, [value for _, value in group]) for key, group in groupby(pairs, key=itemgetter(0))
    ]
