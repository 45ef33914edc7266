"""A WooCommerce merchant connects a shop in a real browser: our site, the shop's pages, and back."""

import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome

from conversions import tasks
from sandbox.graph_api import GraphApi
from sandbox.tls import make_certificate, server_context
from sandbox.woocommerce_store import WooCommerceShop
from stores.models import Store
from tests import factories
from tests.browsing import IN_A_BROWSER, Visitor, a_chrome

pytestmark = IN_A_BROWSER
HOST = "connector.example"


class TlsProxy:
    """What stands in front of our site: ends TLS, and passes on what it hears."""

    def __init__(self, context: ssl.SSLContext, behind: str) -> None:
        parts = urlsplit(behind)
        self._behind, self._context = (parts.hostname or "", parts.port or 80), context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                threading.Thread(target=self._join, args=(sock,), daemon=True).start()

    def _join(self, sock: socket.socket) -> None:
        with suppress(OSError):
            near = self._context.wrap_socket(sock, server_side=True)
            far = socket.create_connection(self._behind)
            back = threading.Thread(target=self._pass_on, args=(far, near), daemon=True)
            back.start()
            self._pass_on(near, far)
            back.join()
            near.close()
            far.close()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def site(live_server: Any, settings: Any, tmp_path: Path, shop: WooCommerceShop) -> Iterator[int]:
    """Our site at https://connector.example, for the browser and for the shop; the proxy's port."""
    settings.APP_URL = f"https://{HOST}"
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, HOST]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_HOST", HOST)
    shop.shop.routes[f"https://{HOST}"] = live_server.url
    proxy = TlsProxy(server_context(make_certificate(tmp_path, HOST)), live_server.url)
    yield proxy.port
    proxy.stop()


@pytest.fixture
def browser(site: int) -> Iterator[Chrome]:
    here = f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{site}"
    with a_chrome("--ignore-certificate-errors", here) as chrome:
        yield chrome


def test_a_woocommerce_merchant_is_live_within_fourteen_clicks(
    browser: Chrome, shop: WooCommerceShop, graph_api: GraphApi, settings: Any, record_property: Any
) -> None:
    factories.a_member(factories.a_workspace())
    shop.change(name="Sandbox Kitchen", plugins=("pixelyoursite/pixelyoursite.php",))
    settings.META_GRAPH_URL = graph_api.url
    tasks.graph_client.cache_clear()
    graph_api.dataset("1234567890123", token="EAA-kitchen", name="Kitchen")
    visitor = Visitor(browser)

    browser.get(f"https://{HOST}/woocommerce/connect/")
    visitor.log_in("alice@example.com", factories.PASSWORD)
    visitor.fill("url", shop.url)
    visitor.click("button.primary", "Connect")
    visitor.click("#login")  # in the shop
    visitor.click("#approve")
    visitor.fill("pixel_id", "1234567890123")

    assert "Sandbox Kitchen is connected." in browser.page_source
    assert Store.objects.get().connected
    assert set(shop.webhooks.values()) == {"active"}

    visitor.fill("access_token", "EAA-kitchen")
    visitor.click("#main button.primary", "Check and go on")
    visitor.click("#main li a", "Test events")
    visitor.fill("code", "TEST123")
    visitor.click("form.card button.primary", "Send")
    visitor.see("#answer", "Meta has taken the event")
    visitor.click(".tabs a", "Set-up")
    visitor.click("button[value=live]", "Go live")
    visitor.see("main", "The mappings are changed.")

    assert Store.objects.get().mappings.get().enabled
    assert [event.test_event_code for event in graph_api.events()] == ["TEST123"]
    assert visitor.steps <= 14
    record_property("clicks", visitor.steps)
    sys.stdout.write(
        f"clicks and fields until a WooCommerce shop is live: {visitor.steps} (at most 14)\n"
    )
    assert visitor.complaints() == []
    assert visitor.scrolls_sideways_by() == 0
