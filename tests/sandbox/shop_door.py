"""Where the shops' stand-ins deliver to in their tests: a real HTTP server on loopback."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ORDER = '{"id":820982911946154508,"note":"Zoë ☕"}'.encode()
HANG_UP, HANG = -1, -2  # answers that are none


class Door(ThreadingHTTPServer):
    """A receiver: keeps what came, answers with `answers` in turn and then with 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Visitor)
        self.received: list[Visitor] = []
        self.answers: list[int] = []
        self.closing = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/webhooks/"


class Visitor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Door

    def do_POST(self) -> None:
        self.sent = list(self.headers.items())
        self.body = self._read_chunks() if self._chunked() else self._read_length()
        self.request_path, self.port = self.path, self.client_address[1]
        self.server.received.append(self._kept())
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == HANG:
            self.server.closing.wait()
        if status in (HANG, HANG_UP):
            self.close_connection = True
            return
        self.send_response_only(status)
        if status in range(301, 304):
            self.send_header("Location", self.server.url + "elsewhere/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        raise AssertionError("a redirect was followed")

    def _kept(self) -> "Visitor":
        kept = object.__new__(Visitor)
        kept.__dict__.update(self.__dict__)
        return kept

    def _chunked(self) -> bool:
        return self.headers["Transfer-Encoding"] == "chunked"

    def _read_length(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _read_chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def open_door() -> Iterator[Door]:
    server = Door()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def independent_signature(key: bytes, body: bytes) -> str:
    return base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()


def closed_port_url() -> str:
    with ThreadingHTTPServer(("127.0.0.1", 0), Visitor) as server:
        return f"http://127.0.0.1:{server.server_address[1]}/"
