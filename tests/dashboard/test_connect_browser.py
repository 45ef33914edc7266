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
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from conversions import tasks
from sandbox.graph_api import GraphApi
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


def test_a_woocommerce_merchant_is_live_within_fourteen_clicks(
    browser: Chrome, shop: WooCommerceShop, graph_api: GraphApi, settings: Any, record_property: Any
) -> None:
    factories.a_member(factories.a_workspace())
    shop.change(name="Sandbox Kitchen", plugins=("pixelyoursite/pixelyoursite.php",))
    settings.META_GRAPH_URL = graph_api.url
    tasks.graph_client.cache_clear()
    graph_api.dataset("1234567890123", token="EAA-kitchen", name="Kitchen")
    clicks = 0

    def find(by: str, value: str) -> WebElement:
        nonlocal clicks
        clicks += 1
        return WebDriverWait(browser, 20).until(lambda b: b.find_element(by, value))

    browser.get(f"https://{HOST}/woocommerce/connect/")
    browser.find_element(By.NAME, "username").send_keys("alice@example.com")
    browser.find_element(By.NAME, "password").send_keys(factories.PASSWORD)
    browser.find_element(By.NAME, "password").submit()
    find(By.NAME, "url").send_keys(shop.url)
    find(By.CSS_SELECTOR, "button.primary").click()  # Connect
    find(By.ID, "login").click()  # in the shop
    find(By.ID, "approve").click()
    find(By.NAME, "pixel_id").send_keys("1234567890123")

    assert "Sandbox Kitchen is connected." in browser.page_source
    assert Store.objects.get().connected
    assert set(shop.webhooks.values()) == {"active"}

    find(By.NAME, "access_token").send_keys("EAA-kitchen")
    find(By.CSS_SELECTOR, "#main button.primary").click()  # Check and go on
    find(By.LINK_TEXT, "Test events").click()
    find(By.NAME, "code").send_keys("TEST123")
    find(By.CSS_SELECTOR, "form.card button.primary").click()  # Send
    WebDriverWait(browser, 20).until(lambda b: b.find_element(By.ID, "answer"))
    assert "Meta has taken the event" in browser.page_source
    find(By.LINK_TEXT, "Set-up").click()
    find(By.CSS_SELECTOR, "button[value=live]").click()
    WebDriverWait(browser, 20).until(lambda b: "The mappings are changed." in b.page_source)

    assert Store.objects.get().mappings.get().enabled
    assert [event.test_event_code for event in graph_api.events()] == ["TEST123"]
    assert clicks <= 14
    record_property("clicks", clicks)
    sys.stdout.write(f"clicks and fields until a WooCommerce shop is live: {clicks} (at most 14)\n")
    said = [entry["message"] for entry in browser.get_log("browser")]
    assert [message for message in said if "favicon" not in message] == []
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= 390
