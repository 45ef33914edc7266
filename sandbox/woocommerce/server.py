"""The wire of the shop: HTTP/1.1 on loopback, with or without TLS; faults and walls come first."""

import json
import os
import socket
import ssl
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from sandbox.orders.woocommerce import write
from sandbox.woocommerce import handover, rest
from sandbox.woocommerce.control import answer_control
from sandbox.woocommerce.keys import Asked
from sandbox.woocommerce.shop import Shop

MOST_BODY = 1024 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER for 0 seconds
WALLS = {
    "challenge": (403, "<html><title>Just a moment...</title>__cf_chl_rt_tk</html>"),
    "maintenance": (503, "<html><h1>Briefly unavailable for scheduled maintenance.</h1></html>"),
    "login": (200, "<html><h1>This shop is private</h1><form>Password</form></html>"),
    "forbidden": (403, "<html><h1>Forbidden</h1></html>"),
}
HANDOVER = ("/wc-auth/", "/wp-login.php")
NOTICE = b"<br />\n<b>Notice</b>: Undefined index in functions.php\n"


class ShopServer(ThreadingHTTPServer):
    """Serves one Shop at 127.0.0.1, where nobody else reaches it."""

    daemon_threads = True
    shop: Shop

    def __init__(self, *, port: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        if tls:
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def server_bind(self) -> None:
        """Bind, without looking the host's name up."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]  # typeshed: AF_UNIX addresses too

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what broke, unless it is only the connection: clients may leave."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: ShopServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        """Serve one request of any method."""
        path, _, query = self.path.partition("?")
        asked = Asked(
            method=self.command,
            path=path,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MOST_BODY)),
        )
        if path.startswith("/_sandbox"):
            status, document = answer_control(self.server.shop, asked)
            self._send(status, {}, json.dumps(document).encode(), "application/json")
        else:
            self._visit(asked)

    do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed: the books have every request, without its key."""

    def _visit(self, asked: Asked) -> None:
        shop = self.server.shop
        settings = shop.settings
        shop.requests.append({"method": asked.method, "path": asked.path})
        if fault := shop.take_fault(asked.path):
            if fault.hangs_up:
                self._reset()
                return
            self._send(fault.status, fault.headers, fault.body.encode(), "text/html")
        elif settings.redirects_to:
            self._send(301, {"Location": settings.redirects_to + self.path}, b"", "text/html")
        elif settings.wall:
            status, page = WALLS[settings.wall]
            self._send(status, {}, page.encode(), "text/html; charset=UTF-8")
        elif asked.path.startswith(HANDOVER) and not settings.plain_permalinks:
            status, headers, page = handover.answer(asked, shop=shop)
            self._send(status, headers, page.encode(), "text/html; charset=UTF-8")
        else:
            self._rest(asked)

    def _rest(self, asked: Asked) -> None:
        shop = self.server.shop
        if asked.path == "/" and "rest_route" in asked.query:
            route = asked.query["rest_route"]
        elif asked.path.startswith("/wp-json") and not shop.settings.plain_permalinks:
            route = asked.path.removeprefix("/wp-json")
        else:
            self._send(404, {}, b"<html><h1>Page not found</h1></html>", "text/html")
            return
        status, headers, document = rest.answer(asked, shop=shop, route=route)
        body = (NOTICE if shop.settings.notices else b"") + _written(document)
        self._send(status, headers, body, "application/json; charset=UTF-8")

    def _send(self, status: int, headers: dict[str, str], body: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        os.close(self.connection.detach())


def _written(document: Any) -> bytes:
    """As PHP writes it, so that an order reads the same here and in a webhook."""
    try:
        return write(document)
    except TypeError:
        return msgspec.json.encode(document)
