"""The only door to addresses that somebody typed: a shop's address is hostile until it has answered.

A name is resolved once, every address it has must be public, and the connection goes to that very
address: what the name means a moment later changes nothing. No redirect is followed, no proxy of the
environment is used, no cookie kept, nothing inflated; time and size have ends. What went wrong is a
name (`OutboundError.reason`), never the other side's words: they would tell what runs on our network.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings
from msgspec import Struct

from stores.deadline import shut_after
from stores.fleet.address import DEFAULT_PORTS, AddressError, shop_url
from stores.public_ip import is_public, read_ip

DEADLINE_SECONDS = 15.0
CONNECT_SECONDS = 5.0
MOST_ANSWER_BYTES = 10 * 1024 * 1024

# The addresses that a name has now.
Resolve = Callable[[str, int], Sequence[str]]


class OutboundError(Exception):
    """No answer to use. `location` is where a refused redirect leads, unchecked."""

    def __init__(self, reason: str, *, location: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.location = location


class Answer(Struct, frozen=True, kw_only=True):
    """What came back; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def resolve(host: str, port: int) -> list[str]:
    """Every address that the system's resolver knows for `host`. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def fetch(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    resolve: Resolve = resolve,
    deadline: float = DEADLINE_SECONDS,
) -> Answer:
    """Ask `url`, which is a shop's address (see stores/fleet/address.py) and a path and query in it.

    Raises OutboundError, and nothing else for what the network or the other side does.
    """
    end = time.monotonic() + deadline
    parts = urlsplit(url)
    try:
        shop_url(
            f"{parts.scheme}://{parts.netloc}", allow_private=settings.WOOCOMMERCE_ALLOW_PRIVATE
        )
    except AddressError:
        raise OutboundError("address_not_allowed") from None
    host, port = parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    addresses = _allowed(host, port, resolve, end=end)
    connection = _connection(parts.scheme, host, port)
    watch: threading.Timer | None = None
    try:
        sock = _connect(addresses, port, end=end)
        connection.sock = _secured(sock, host) if parts.scheme == "https" else sock
        watch = shut_after(max(0.0, end - time.monotonic()), connection.sock)
        if isinstance(connection.sock, ssl.SSLSocket):
            connection.sock.do_handshake()
        given = {"User-Agent": f"Connector (+{settings.APP_URL})", "Accept": "application/json"}
        connection.request(method, target, body=body or None, headers=given | dict(headers or {}))
        with connection.getresponse() as response:
            answer = _read(response)
        if time.monotonic() >= end:  # the watch has shut it: what came may be half of it
            raise TimeoutError
        return answer
    except ssl.SSLCertVerificationError:
        raise OutboundError("certificate_refused") from None
    except (OSError, http.client.HTTPException, ValueError):
        raise OutboundError("deadline" if time.monotonic() >= end else "no_connection") from None
    finally:
        if watch:
            watch.cancel()
        connection.close()


def _allowed(host: str, port: int, resolve: Resolve, *, end: float) -> list[str]:
    """The addresses of `host`, if all are public and none is ours. Raises OutboundError."""
    addresses = [host] if read_ip(host) else _resolved(host, port, resolve, end=end)
    if settings.WOOCOMMERCE_ALLOW_PRIVATE:
        return addresses
    for text in addresses:
        address = read_ip(text)
        if address is None or not is_public(address):
            raise OutboundError("address_not_allowed")
    if set(addresses) & _own_addresses(resolve, end=end) or host == _own_host():
        raise OutboundError("address_not_allowed")  # we are no shop, nor is what runs beside us
    return addresses


def _own_host() -> str:
    return urlsplit(settings.APP_URL).hostname or ""


def _own_addresses(resolve: Resolve, *, end: float) -> set[str]:
    try:
        return set(_resolved(_own_host(), 443, resolve, end=end))
    except OutboundError:
        return set()  # a name that only browsers can resolve


def _resolved(host: str, port: int, resolve: Resolve, *, end: float) -> list[str]:
    """Resolve on a thread: the system's resolver has no time-out that we could set."""
    found: list[str] = []

    def look_up() -> None:
        try:
            found.extend(resolve(host, port))
        except (OSError, UnicodeError):
            return

    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    thread.join(max(0.0, min(CONNECT_SECONDS, end - time.monotonic())))
    if not found:
        raise OutboundError("name_not_found")
    return list(found)


def _connection(scheme: str, host: str, port: int) -> http.client.HTTPConnection:
    """For HTTP's grammar only, with the name as Host: it is handed a connected socket."""
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    return kind(host, port)


def _connect(addresses: Sequence[str], port: int, *, end: float) -> socket.socket:
    """A socket to the first of the checked addresses that takes one. Raises OSError."""
    failure: OSError = TimeoutError()
    for address in addresses[:4]:
        seconds = min(CONNECT_SECONDS, end - time.monotonic())
        if seconds <= 0:
            break
        try:
            sock = socket.create_connection((address, port), timeout=seconds)
        except OSError as error:
            failure = error
            continue
        sock.settimeout(DEADLINE_SECONDS)
        return sock
    raise failure


def _secured(sock: socket.socket, host: str) -> ssl.SSLSocket:
    return _tls(settings.SHOPS_CA_FILE).wrap_socket(
        sock, server_hostname=host, do_handshake_on_connect=False
    )


@lru_cache(maxsize=4)
def _tls(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _read(response: http.client.HTTPResponse) -> Answer:
    if 300 <= response.status < 400:
        raise OutboundError("redirect_refused", location=response.getheader("Location") or "")
    body = response.read(MOST_ANSWER_BYTES + 1)
    if len(body) > MOST_ANSWER_BYTES:
        raise OutboundError("answer_too_large")
    if response.length:  # `read(n)` takes a body that was cut short for a whole one
        raise http.client.IncompleteRead(body)
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(status=response.status, headers=headers, body=body)
