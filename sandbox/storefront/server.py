"""A Shopify storefront's pages: its banner, and a custom pixel in the frame that Shopify gives it.

The frame is sandboxed as theirs is (it has no origin, and no way to the page but messages), and what a
pixel finds in it is what Shopify documents.
https://shopify.dev/docs/api/web-pixels-api
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

FOLDER = Path(__file__).parent


class Storefront:
    """One shop. `pixel` is what the merchant has pasted; with `asks`, marketing needs a yes here."""

    def __init__(self, *, pixel: str = "", asks: bool = True) -> None:
        self.pixel, self.asks = pixel, asks
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.storefront = self
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """By name: browsers keep secure cookies of localhost, without TLS."""
        return f"http://localhost:{self._server.server_address[1]}"

    def thank_you(self, checkout: dict[str, Any]) -> str:
        """The address of the page that ends a checkout, which tells pixels that it is completed."""
        return f"{self.url}/thank-you#{json.dumps(checkout)}"

    def page(self) -> str:
        """Any page of the shop."""
        frame = (FOLDER / "frame.html").read_text().replace("/* PIXEL */", self.pixel)
        page = (FOLDER / "page.html").read_text()
        return page.replace('"FRAME"', _in_script(frame)).replace('"ASKS"', _in_script(self.asks))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    storefront: Storefront


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Every address is a page, but for the icon that browsers ask for."""
        found = urlsplit(self.path).path != "/favicon.ico"
        body = self.server.storefront.page().encode() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in parse_qsl(urlsplit(self.path).query):
            if name == "set-cookie":  # as another script of the shop would
                self.send_header("Set-Cookie", f"{value}; Path=/")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


def _in_script(value: object) -> str:
    """As JSON that no page takes for the end of its script."""
    return json.dumps(value).replace("</", "<\\/")
