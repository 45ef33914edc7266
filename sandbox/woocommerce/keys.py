"""Who is asking: the REST API's ways to take a key, and each way in which they fail.

`includes/class-wc-rest-authentication.php`: Basic and query string where PHP sees TLS, the query
string first; else one-legged OAuth 1.0a; and only for addresses that contain `wp-json/wc/`.
"""

import base64
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from sandbox.woocommerce.shop import Key, Shop

WINDOW_SECONDS = 15 * 60
METHODS = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256"}
OAUTH = ("consumer_key", "timestamp", "nonce", "signature", "signature_method")


class Refused(Exception):
    """An error of the REST API."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Asked:
    """A request. `path` is decoded no further than the query is."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


def owner_of(asked: Asked, *, shop: Shop) -> Key | None:
    """The key that asks, or None. Raises Refused where a key is named and something is wrong."""
    if "wp-json/wc/" not in asked.path:
        return None
    key = _by_tls(asked, shop) if shop.settings.sees_tls else None
    key = key or _by_oauth(asked, shop)
    if key and asked.method not in ("GET", "HEAD", "OPTIONS") and key.permissions == "read":
        raise _bad("The API key provided does not have write permissions.")
    if key and asked.method == "GET" and key.permissions == "write":
        raise _bad("The API key provided does not have read permissions.")
    return key


def _by_tls(asked: Asked, shop: Shop) -> Key | None:
    name, secret = asked.query.get("consumer_key", ""), asked.query.get("consumer_secret", "")
    if not (name and secret):
        said = asked.headers.get("authorization", "")
        if shop.settings.strips_authorization or not said.startswith("Basic "):
            return None
        decoded = base64.b64decode(said.removeprefix("Basic ")).decode("utf-8", "replace")
        name, _, secret = decoded.partition(":")
    if (key := _find(name, shop)) is None:
        return None
    if not hmac.compare_digest(key.consumer_secret, secret):
        raise _bad("Consumer secret is invalid.")
    return key


def _by_oauth(asked: Asked, shop: Shop) -> Key | None:
    given = {name: asked.query.get(f"oauth_{name}", "") for name in OAUTH}
    if not any(given.values()):
        return None
    if missing := [f"oauth_{name}" for name, value in given.items() if not value]:
        raise _bad(f"Missing OAuth parameter {', '.join(missing)}")
    if (key := _find(given["consumer_key"], shop)) is None:
        raise _bad("Consumer key is invalid.")
    if given["signature_method"] not in METHODS:
        raise _bad("Invalid signature - signature method is invalid.")
    expected = _signature(asked, key, shop, digest=METHODS[given["signature_method"]])
    if not hmac.compare_digest(expected, given["signature"]):
        raise _bad("Invalid signature - provided signature does not match.")
    if abs(time.time() - float(given["timestamp"])) > WINDOW_SECONDS:
        raise _bad("Invalid timestamp.")
    with shop.lock:
        if (key.consumer_key, given["nonce"]) in shop.nonces:
            raise _bad("Invalid nonce - nonce has already been used.")
        shop.nonces.add((key.consumer_key, given["nonce"]))
    return key


def _signature(asked: Asked, key: Key, shop: Shop, *, digest: str) -> str:
    """Over the address as WordPress knows it: http where it sees no TLS, whatever was typed."""
    _, _, rest = shop.home.partition("://")
    address = f"{'https' if shop.settings.sees_tls else 'http'}://{rest}{asked.path}"
    named = {name: value for name, value in asked.query.items() if name != "oauth_signature"}
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in named.items())
    text = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((asked.method, _encoded(address), _encoded(text)))
    signed = hmac.digest(f"{key.consumer_secret}&".encode(), base.encode(), digest)
    return base64.b64encode(signed).decode()


def _encoded(text: str) -> str:
    return quote(text, safe="~")


def _find(name: str, shop: Shop) -> Key | None:
    with shop.lock:
        return next((key for key in shop.keys if key.consumer_key == name), None)


def _bad(message: str) -> Refused:
    return Refused(401, "woocommerce_rest_authentication_error", message)
