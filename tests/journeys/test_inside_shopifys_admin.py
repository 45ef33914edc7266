"""The app in Shopify's admin, in a real browser: a page of another site frames it, without cookies."""

import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import (
    frame_to_be_available_and_switch_to_it,
)
from selenium.webdriver.support.wait import WebDriverWait

from conversions import tasks
from sandbox.graph_api import GraphApi
from sandbox.shopify_admin import ShopifyAdmin
from stores.models import Store
from tests import factories

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
DRIVER = shutil.which("chromedriver") or ""
KEY, SECRET = "our-client-id", "shpss_" + "a" * 32

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="there is no Chromium with its driver"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def shopify(live_server: Any, settings: Any) -> Iterator[ShopifyAdmin]:
    """The admin on `localhost`, a site of its own to a browser, and the app on 127.0.0.1."""
    app = live_server.url.replace("localhost", "127.0.0.1")
    with ShopifyAdmin(client_id=KEY, client_secret=SECRET, app_url=f"{app}/shopify") as shopify:
        settings.SHOPIFY_API_KEY, settings.SHOPIFY_API_SECRET = KEY, SECRET
        settings.SHOPIFY_ADMIN_URL = shopify.template
        settings.SHOPIFY_APP_BRIDGE_URL = shopify.app_bridge
        settings.ALLOWED_HOSTS = ["*"]
        shopify.shop("lyon.myshopify.com", name="Boutique Lyon")
        yield shopify


@pytest.fixture(params=[(1280, 800), (390, 844)], ids=["wide", "narrow"])
def browser(request: pytest.FixtureRequest) -> Iterator[Chrome]:
    """A browser that lets no site in a frame keep a cookie, and keeps what its console says."""
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    options.page_load_strategy = "none"  # a script that is late would hold the whole page
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"profile.default_content_setting_values.cookies": 2})
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    width, height = request.param
    with Chrome(options=options, service=Service(DRIVER)) as chrome:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield chrome


def open_app(browser: Chrome, shopify: ShopifyAdmin) -> None:
    admin = shopify.url.replace("127.0.0.1", "localhost")
    browser.get(f"{admin}/store/lyon/apps/{KEY}/")
    WebDriverWait(browser, 20).until(frame_to_be_available_and_switch_to_it("app"))


def wait_for(browser: Chrome, selector: str, text: str) -> WebElement:
    """The element, once it says `text`; pages come and go meanwhile."""

    def found(_: Chrome) -> WebElement | bool:
        for element in browser.find_elements(By.CSS_SELECTOR, selector):
            if text in element.text:
                return element
        return False

    waiting = WebDriverWait(browser, 20, ignored_exceptions=[Exception])
    return waiting.until(found)  # type: ignore[return-value]  # an element, by then


def test_from_the_first_open_to_a_button_without_a_cookie(
    browser: Chrome, shopify: ShopifyAdmin, live_server: Any
) -> None:
    clicks = 0
    open_app(browser, shopify)
    wait_for(browser, "h1", "Stores")
    store = Store.objects.get()
    pixel = factories.a_pixel(store.workspace, name="Main", broken_reason="token_expired")
    factories.a_mapping(store, pixel)
    factories.an_event(store, pixel, order_id="1042")

    for link, heading in (
        ("Boutique Lyon", "Boutique Lyon"),
        ("Orders", "Boutique Lyon"),
        ("#1042", "#1042"),
    ):
        wait_for(browser, "a", link).click()
        clicks += 1
        wait_for(browser, "h1", heading)
    wait_for(browser, "nav.crumbs a", "Stores").click()
    clicks += 1
    button = wait_for(browser, "button", "Try again")
    assert not browser.find_element(By.ID, "trouble").is_displayed()
    button.click()
    clicks += 1
    browser.switch_to.default_content()
    wait_for(browser, "#toast", "We are trying dataset Main again.")
    browser.switch_to.frame("app")
    wait_for(browser, "h1", "Stores")

    pixel.refresh_from_db()
    assert pixel.broken_reason == ""
    assert clicks == 5
    wide = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
    assert browser.execute_script(wide) == 0
    assert [line for line in browser.get_log("browser") if "favicon" not in str(line)] == []


def test_a_shopify_merchant_is_live_within_twelve_clicks(
    browser: Chrome, shopify: ShopifyAdmin, graph_api: GraphApi, settings: Any, live_server: Any
) -> None:
    settings.META_GRAPH_URL = graph_api.url
    tasks.graph_client.cache_clear()
    graph_api.dataset("1234567890123", token="EAA-lyon", name="Lyon")
    clicks = 0

    def find(selector: str, text: str = "") -> WebElement:
        nonlocal clicks
        clicks += 1
        return wait_for(browser, selector, text)

    open_app(browser, shopify)
    find("article a", "Boutique Lyon").click()
    find("a", "Go on with the set-up").click()
    find("[name=pixel_id]").send_keys("1234567890123")
    find("[name=access_token]").send_keys("EAA-lyon")
    find("#main button.primary", "Check and go on").click()
    find("#main li a", "Test events").click()
    find("[name=code]").send_keys("TEST123")
    find("form.card button.primary", "Send").click()
    wait_for(browser, "h2", "Meta has taken the event")
    find(".tabs a", "Set-up").click()
    find("button[value=live]", "Go live").click()
    wait_for(browser, "h2", "Live")

    assert Store.objects.get().mappings.get().enabled
    assert [event.test_event_code for event in graph_api.events()] == ["TEST123"]
    assert clicks <= 12
    sys.stdout.write(f"clicks and fields until a Shopify shop is live: {clicks} (at most 12)\n")
    assert [line for line in browser.get_log("browser") if "favicon" not in str(line)] == []


def test_a_page_can_be_read_before_app_bridge_has_come(
    browser: Chrome, shopify: ShopifyAdmin, settings: Any, live_server: Any
) -> None:
    settings.SHOPIFY_APP_BRIDGE_URL = f"{shopify.app_bridge}?late=3600"

    open_app(browser, shopify)

    wait_for(browser, "h1", "Stores")
    wait_for(browser, "article a", "Boutique Lyon")
    assert not browser.execute_script("return Boolean(window.shopify)")


def test_another_site_cannot_frame_it(
    browser: Chrome, shopify: ShopifyAdmin, settings: Any, live_server: Any
) -> None:
    open_app(browser, shopify)
    wait_for(browser, "h1", "Stores")
    settings.SHOPIFY_ADMIN_URL = "https://{shop}"  # whose admin is not the stand-in

    open_app(browser, shopify)

    WebDriverWait(browser, 20).until(
        lambda _: any("frame-ancestors" in str(line) for line in browser.get_log("browser"))
    )
