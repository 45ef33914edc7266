"""One POST to a shop's admin, bounded in every direction.

To `SHOPIFY_ADMIN_URL` and nowhere else: the shop's name, which must be one, is all that varies. No
redirect, no cookie, no proxy. A connection lives as long as its `Wire`.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import msgspec
from django.conf import settings
from msgspec import Struct

from purchases.shops.shopify import shop_domain

CONNECT_SECONDS = 3.0
# Of a whole exchange. Shorter than the database's lock_timeout: who waits for a refresh must outlast it.
DEADLINE_SECONDS = 8.0
MOST_ANSWER_BYTES = 8 * 1024 * 1024


HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # an answer is never inflated
    "User-Agent": "Connector",
}


class ShopSilent(Exception):
    """No answer came, or none that could be taken in. Says why in one word."""


class Answer(Struct, frozen=True, kw_only=True):
    """What the shop's admin said; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> object:
        """The body, read as JSON; None where it is none."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return None


class Wire:
    """A connection to the admin of one shop; for one thread, and in a `with`."""

    def __init__(self, shop: str) -> None:
        if shop_domain(shop) != shop:  # the secret of the app must never leave for elsewhere
            raise ValueError("is not the domain of a Shopify shop")
        address = urlsplit(settings.SHOPIFY_ADMIN_URL.replace("{shop}", shop))
        secure = address.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._connection = kind(address.netloc, timeout=CONNECT_SECONDS)
        self._base = address.path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def post(self, path: str, document: object, *, headers: dict[str, str] | None = None) -> Answer:
        """Post `document` as JSON. Raises ShopSilent.

        What is posted here bears being posted twice: a kept connection may have ended meanwhile, which
        is noticed only when it is used.
        """
        body = msgspec.json.encode(document, enc_hook=str)  # of Secrets
        kept = self._connection.sock is not None
        try:
            try:
                return self._exchange(self._base + path, body, HEADERS | (headers or {}))
            except (ConnectionError, http.client.RemoteDisconnected):
                if not kept:
                    raise
                self._connection.close()
                return self._exchange(self._base + path, body, HEADERS | (headers or {}))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise ShopSilent(f"network_{type(error).__name__.lower()}"[:64]) from error

    def _exchange(self, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        started = time.monotonic()
        if self._connection.sock is None:
            self._connection.connect()
        sock = self._connection.sock
        left = DEADLINE_SECONDS - (time.monotonic() - started)
        # A read's own time-out begins anew with every byte; this one ends the whole.
        watch = threading.Timer(left, _shut, (sock,))
        watch.daemon = True
        watch.start()
        try:
            sock.settimeout(DEADLINE_SECONDS)
            self._connection.request("POST", path, body, headers)
            return self._read()
        finally:
            watch.cancel()

    def _read(self) -> Answer:
        response = self._connection.getresponse()
        body = response.read(MOST_ANSWER_BYTES + 1)
        if len(body) > MOST_ANSWER_BYTES:
            self._connection.close()
            raise ShopSilent("answer_too_large")
        if response.length:  # closed before all of it had come
            self._connection.close()
            raise ShopSilent("answer_cut_short")
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(status=response.status, headers=named, body=body)


def _shut(sock: socket.socket) -> None:
    """`socket.shutdown`, not the TLS one, which would change the object under its reader."""
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
