"""The wire: HTTP/1.1 with keep-alive on loopback, and every way of sending an answer badly."""

import ipaddress
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl

from sandbox.graph.control import answer_control
from sandbox.graph.endpoints import Call, Visit
from sandbox.graph.misbehaviour import Answer, Reply
from sandbox.graph.tracking import answer_tracking
from sandbox.graph.world import World

PIECE = 64 * 1024
MOST_DISCARDED = 64 * 1024 * 1024
GLANCE = 0.25  # seconds between two looks at whether a waiting client has gone
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER for 0 seconds


class GraphServer(ThreadingHTTPServer):
    """Serves one World. Raises ValueError for an address that is not loopback."""

    daemon_threads = False
    request_queue_size = 256

    def __init__(self, *, host: str, port: int, world: World) -> None:
        if not _is_loopback(host):
            raise ValueError(f"{host} is not loopback: the sandbox must not be reachable")
        self.world = world
        self._connections: set[Any] = set()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind the socket, and no more."""
        # HTTPServer's own would look up the host's name: the sandbox asks nobody anything.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]  # typeshed: AF_UNIX addresses too

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, and know it until it ends."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def stop(self) -> None:
        """End serving and every connection, also those that hang; returns when all are closed."""
        self.shutdown()
        self.world.over.set()
        for connection in tuple(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it has just ended by itself
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what broke, unless it is only the connection: clients may leave."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: GraphServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Serve one request of any method."""
        path, _, query = self.path.partition("?")
        call = Call(
            method=self.command,
            path=path,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
        )
        if path == "/_sandbox" or path.startswith("/_sandbox/"):
            self._control(call)
        elif path.rstrip("/") == "/tr":
            self._send(answer_tracking(self.server.world, call))
        else:
            self._visit(call)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed: the books have every request, without its token."""

    def _control(self, call: Call) -> None:
        body, _ = self._read_body(limit=MOST_DISCARDED)
        self._send(answer_control(self.server.world, call, body))

    def _visit(self, call: Call) -> None:
        world = self.server.world
        visit = Visit(world, call)
        if visit.ends_before_reading():
            self._reset()
            return
        body, too_large = self._read_body(limit=world.settings.largest_body)
        self._deliver(visit.answer(body, too_large=too_large), world=world)

    def _read_body(self, *, limit: int) -> tuple[bytes, bool]:
        """The body, or nothing and True if it is larger than `limit` bytes."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            pieces = self._chunks()
        else:
            pieces = self._pieces(_number(self.headers.get("Content-Length") or "0"))
        body = bytearray()
        size = 0
        for piece in pieces:
            size += len(piece)
            if size <= limit:
                body += piece
            elif size > MOST_DISCARDED:
                break
        if size <= limit:
            return bytes(body), False
        self.close_connection = True
        return b"", True

    def _pieces(self, length: int) -> Iterator[bytes]:
        while length > 0:
            if not (piece := self.rfile.read(min(length, PIECE))):
                raise ConnectionAbortedError  # half a body is no request
            length -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while size := _number(self.rfile.readline().partition(b";")[0], base=16):
            yield from self._pieces(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers

    def _deliver(self, reply: Reply, *, world: World) -> None:
        """Send the reply in its manner; a client that leaves or a sandbox that ends stops it."""
        answer = reply.answer
        over = world.over  # of now: who is answered before a reset must not wait for the next one
        match reply.manner:
            case "whole":
                self._wait(reply.seconds, over=over)
                self._send(answer)
            case "hang":
                self._wait(reply.seconds, over=over)
                self.close_connection = True
            case "silence":
                self.connection.sendall(self._head(answer))
                self._wait(reply.seconds, over=over)
                self.close_connection = True
            case "drip":
                self.connection.sendall(self._head(answer))
                for start in range(0, len(answer.body), reply.chunk):
                    self.connection.sendall(answer.body[start : start + reply.chunk])
                    self._wait(reply.seconds, over=over)
            case "cut":
                half = answer.body[: len(answer.body) // 2]
                self.connection.sendall(self._head(answer) + half)
                self.close_connection = True
            case "raw":
                self.connection.sendall(answer.body)
                self.close_connection = True
            case "reset":
                self._reset()

    def _send(self, answer: Answer) -> None:
        self.connection.sendall(self._head(answer) + answer.body)

    def _head(self, answer: Answer) -> bytes:
        headers = {"Content-Length": str(len(answer.body)), "Date": self.date_time_string()}
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [f"{name}: {value}" for name, value in {**headers, **answer.headers}.items()]
        status = f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"
        return "\r\n".join([status, *lines, "", ""]).encode("latin-1", errors="replace")

    def _wait(self, seconds: float, *, over: threading.Event) -> None:
        """Wait on behalf of a fault. Raises ConnectionAbortedError if nobody waits any more."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if over.wait(min(left, GLANCE)) or self._client_has_gone():
                raise ConnectionAbortedError

    def _client_has_gone(self) -> bool:
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False

    def _reset(self) -> None:
        """Close with RST instead of FIN, as a crashed peer or a firewall does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        os.close(self.connection.detach())


def _number(text: str | bytes, *, base: int = 10) -> int:
    try:
        return int(text, base)
    except ValueError:
        raise ConnectionAbortedError from None  # no body can be found in such a request


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
