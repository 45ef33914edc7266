"""One request of a shop, and the wire it leaves by, header for header.

`http.client` rather than requests: nothing may be added to, reordered in or re-cased among the
headers a shop sends, and no redirect may be followed.
"""

import contextlib
import http.client
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Headers = Sequence[tuple[str, str]]

_CHUNK = 1024
_READ_AT_MOST = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back for one request: `status` None and an `error` when no HTTP answer did."""

    status: int | None
    elapsed: float  # seconds on the machine's clock
    error: str = ""


@dataclass(kw_only=True)
class Delivery:
    """One webhook on its way: what is sent, where to, and each answer so far (oldest first).

    `answers` stays empty when the shop sent nothing, because the subscription is gone.
    """

    topic: str
    delivery_id: str  # X-Shopify-Webhook-Id or X-WC-Webhook-Delivery-ID
    url: str
    headers: Headers
    body: bytes
    chunked: bool = False
    answers: list[Answer] = field(default_factory=list)
    succeeded: bool = False  # in the eyes of the shop, whose rules differ

    @property
    def sent(self) -> bool:
        """Whether any request was made."""
        return bool(self.answers)

    @property
    def status(self) -> int | None:
        """Of the last answer; None when there was none."""
        return self.answers[-1].status if self.answers else None

    @property
    def elapsed(self) -> float:
        """Seconds until the last answer, or until it was given up."""
        return self.answers[-1].elapsed if self.answers else 0.0

    @property
    def error(self) -> str:
        """Why there is no answer; "" when there is one."""
        return self.answers[-1].error if self.answers else "not sent: the subscription is gone"


class Wire:
    """HTTP/1.1 to one address. Holds one connection when kept alive, so use it from one thread."""

    def __init__(
        self, url: str, *, keep_alive: bool, timeout: float, connect_timeout: float | None = None
    ) -> None:
        self._kept: http.client.HTTPConnection | None = None
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError(f"a delivery address starts with http:// or https://, not {url!r}")
        self._scheme, self._netloc = address.scheme, address.netloc
        self._path = (address.path or "/") + (f"?{address.query}" if address.query else "")
        self._keep_alive = keep_alive
        self._timeout = timeout
        self._connect_timeout = connect_timeout or timeout

    def post(self, headers: Headers, body: bytes, *, chunked: bool = False) -> Answer:
        """Posts once. Every way of not getting an answer in time is an Answer with an error."""
        started = time.perf_counter()
        try:
            status = self._post(headers, body, chunked)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            return Answer(status=None, elapsed=time.perf_counter() - started, error=reason)
        elapsed = time.perf_counter() - started
        if elapsed > self._timeout:
            self.close()
            return Answer(status=None, elapsed=elapsed, error="the answer came too late")
        return Answer(status=status, elapsed=elapsed)

    def close(self) -> None:
        """Ends the kept connection; the next post opens another."""
        if self._kept:
            self._kept.close()
        self._kept = None

    def __del__(self) -> None:  # so that a script or a test may simply drop its shop
        self.close()

    def _post(self, headers: Headers, body: bytes, chunked: bool) -> int:
        if self._kept:
            try:
                return self._exchange(self._kept, headers, body, chunked)
            except (ConnectionError, http.client.BadStatusLine):
                self.close()  # the server had let go of an idle connection: a new one, once
        return self._exchange(self._connect(), headers, body, chunked)

    def _connect(self) -> http.client.HTTPConnection:
        secure = self._scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self._netloc, timeout=self._connect_timeout)
        connection.connect()
        connection.sock.settimeout(self._timeout)
        return connection

    def _exchange(
        self, connection: http.client.HTTPConnection, headers: Headers, body: bytes, chunked: bool
    ) -> int:
        self._kept = connection
        connection.putrequest("POST", self._path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        # A server may answer (413, say) and close before it has read all: its answer counts.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            _send(connection, body, chunked)
        response = connection.getresponse()
        response.read(_READ_AT_MOST)
        if not self._keep_alive or response.will_close or not response.isclosed():
            self.close()
        return response.status


def _send(connection: http.client.HTTPConnection, body: bytes, chunked: bool) -> None:
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
        pieces = (body[at : at + _CHUNK] for at in range(0, len(body), _CHUNK))
        connection.endheaders(pieces, encode_chunked=True)
    else:
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
