"""The wire: HTTP/1.1 on loopback, one path for each shop, and ways of answering badly."""

import ipaddress
import json
import socket
import struct
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.shopify.admin_api import answer_graphql
from sandbox.shopify.admin_page import answer_admin
from sandbox.shopify.control import answer_control
from sandbox.shopify.oauth import answer_token
from sandbox.shopify.world import Call, Fault, Shop, World

LARGEST_BODY = 1024 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER for 0 seconds


class AdminServer(ThreadingHTTPServer):
    """Serves one World. Raises ValueError for an address that is not loopback."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *, host: str, port: int, world: World) -> None:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"{host} is not loopback: the sandbox must not be reachable")
        self.world = world
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind the socket, and ask nobody for the host's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]  # typeshed: AF_UNIX addresses too

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may leave."""


class _Handler(BaseHTTPRequestHandler):
    server: AdminServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Serve one request of any method."""
        world = self.server.world
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, LARGEST_BODY))
        split = urlsplit(self.path)
        parts = [unquote(part) for part in split.path.split("/") if part]
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        if parts[:1] == ["_sandbox"]:
            status, document = answer_control(world, self.command, parts[1:], query, body)
            self._send(status, document)
        elif page := answer_admin(world, parts, query):
            status, content, kind = page
            self._send_bytes(status, content.encode(), {"Content-Type": kind})
        elif (shop := world.shops.get(parts[0] if parts else "")) is None:
            self._send(404, {"errors": "Not Found"})
        elif parts[1:] == ["admin", "oauth", "access_token"] and self.command == "POST":
            self._tokens(shop, body)
        elif parts[1:3] == ["admin", "api"] and parts[4:] == ["graphql.json"]:
            self._graphql(shop, parts[3], body)
        else:
            self._send(404, {"errors": "Not Found"})

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed: the books have every request, without its token."""

    def _tokens(self, shop: Shop, body: bytes) -> None:
        world = self.server.world
        form = self._form(body)
        kind = str(form.get("grant_type") or ("code" if "code" in form else ""))
        what = kind.rpartition(":")[2]
        fault = world.take_fault("token")
        if fault and fault.kind != "incomplete":
            world.note(Call(where="token", shop=shop.domain, what=what, status=0))
            self._misbehave(fault)
            return
        status, document = answer_token(world, shop, form)
        if fault:
            document = {name: value for name, value in document.items() if name not in fault.drop}
        world.note(Call(where="token", shop=shop.domain, what=what, status=status))
        self._send(status, document)

    def _graphql(self, shop: Shop, version: str, body: bytes) -> None:
        world = self.server.world
        if self.command != "POST":
            self._send(405, {"errors": "Method Not Allowed"})
            return
        if fault := world.take_fault("graphql"):
            world.note(Call(where="graphql", shop=shop.domain, what="", status=0))
            self._misbehave(fault)
            return
        try:
            asked = json.loads(body)
        except ValueError:
            self._send(400, {"errors": "Bad Request"})
            return
        token = self.headers.get("X-Shopify-Access-Token") or ""
        status, document, headers = answer_graphql(
            world, shop, version=version, token=token, body=asked
        )
        self._send(status, document, headers)

    def _form(self, body: bytes) -> dict[str, Any]:
        if "json" in (self.headers.get("Content-Type") or ""):
            try:
                said = json.loads(body)
            except ValueError:
                return {}
            return said if isinstance(said, dict) else {}
        return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))

    def _misbehave(self, fault: Fault) -> None:
        over = self.server.world.over
        self.close_connection = True
        match fault.kind:
            case "answer":
                self._send(fault.status, fault.body, fault.headers)
            case "hang":
                over.wait(fault.seconds)
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                self.connection.close()
            case "drip":
                self.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                for _ in range(100_000):
                    self.connection.sendall(b" ")
                    if over.wait(fault.seconds):
                        return
            case "huge":
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {fault.size}\r\n\r\n"
                self.connection.sendall(head.encode())
                for _ in range(fault.size // 65_536):
                    self.connection.sendall(b" " * 65_536)

    def _send(self, status: int, document: object, headers: dict[str, str] | None = None) -> None:
        body = document.encode() if isinstance(document, str) else json.dumps(document).encode()
        self._send_bytes(status, body, {"Content-Type": "application/json"} | (headers or {}))

    def _send_bytes(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
