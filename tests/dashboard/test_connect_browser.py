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
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from sandbox.tls import make_certificate, server_context
from sandbox.woocommerce_store import WooCommerceShop
from stores.models import Store
from tests import factories
from tests.dashboard.test_browser import CHROMIUM, DRIVER

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="there is no Chromium with its driver"),
    pytest.mark.django_db(transaction=True),
]
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
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--ignore-certificate-errors",
        f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{site}",
    ):
        options.add_argument(argument)
    with Chrome(options=options, service=Service(DRIVER)) as chrome:
        size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False}
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield chrome


def test_a_shop_is_connected_in_a_few_clicks(
    browser: Chrome, shop: WooCommerceShop, record_property: Any
) -> None:
    factories.a_member(factories.a_workspace())
    shop.change(name="Sandbox Kitchen", plugins=("pixelyoursite/pixelyoursite.php",))
    clicks = 0

    def click(by: str, value: str) -> None:
        nonlocal clicks
        WebDriverWait(browser, 20).until(lambda b: b.find_element(by, value)).click()
        clicks += 1

    browser.get(f"https://{HOST}/woocommerce/connect/")
    browser.find_element(By.NAME, "username").send_keys("alice@example.com")
    browser.find_element(By.NAME, "password").send_keys(factories.PASSWORD)
    browser.find_element(By.NAME, "password").submit()
    WebDriverWait(browser, 20).until(lambda b: b.find_element(By.NAME, "url")).send_keys(shop.url)
    click(By.CSS_SELECTOR, "button.primary")  # Connect
    click(By.ID, "login")  # in the shop
    click(By.ID, "approve")
    WebDriverWait(browser, 20).until(lambda b: "/connection/" in b.current_url)

    assert "Sandbox Kitchen is connected." in browser.page_source
    assert Store.objects.get().connected
    assert set(shop.webhooks.values()) == {"active"}
    assert clicks == 3
    record_property("clicks", clicks)
    sys.stdout.write(f"clicks to connect a WooCommerce shop: {clicks}\n")
    said = [entry["message"] for entry in browser.get_log("browser")]
    assert [message for message in said if "favicon" not in message] == []
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= 390
