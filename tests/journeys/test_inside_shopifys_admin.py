"""The app in Shopify's admin, in a real browser: a page of another site frames it, without cookies."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from conversions import tasks
from sandbox.graph_api import GraphApi
from sandbox.shopify_admin import ShopifyAdmin
from stores.models import Store
from tests import factories
from tests.browsing import IN_A_BROWSER, Visitor, a_chrome

KEY, SECRET = "our-client-id", "shpss_" + "a" * 32

pytestmark = IN_A_BROWSER


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
    no_cookies = {"profile.default_content_setting_values.cookies": 2}
    # A script that is late would hold the whole page.
    with a_chrome(size=request.param, load="none", **no_cookies) as chrome:
        yield chrome


@pytest.fixture
def visitor(browser: Chrome) -> Visitor:
    return Visitor(browser, frame="app")


def open_app(browser: Chrome, shopify: ShopifyAdmin) -> None:
    admin = shopify.url.replace("127.0.0.1", "localhost")
    browser.get(f"{admin}/store/lyon/apps/{KEY}/")


def test_from_the_first_open_to_a_button_without_a_cookie(
    browser: Chrome, visitor: Visitor, shopify: ShopifyAdmin, live_server: Any
) -> None:
    open_app(browser, shopify)
    visitor.see("h1", "Stores")
    store = Store.objects.get()
    pixel = factories.a_pixel(store.workspace, name="Main", broken_reason="token_expired")
    factories.a_mapping(store, pixel)
    factories.an_event(store, pixel, order_id="1042")

    for link, heading in (
        ("Boutique Lyon", "Boutique Lyon"),
        ("Orders", "Boutique Lyon"),
        ("#1042", "#1042"),
    ):
        visitor.click("a", link)
        visitor.see("h1", heading)
    visitor.click("nav.crumbs a", "Stores")
    visitor.see("button", "Try again")
    assert not browser.find_element(By.ID, "trouble").is_displayed()
    visitor.click("button", "Try again")
    browser.switch_to.default_content()
    Visitor(browser).see("#toast", "We are trying dataset Main again.")
    visitor.see("h1", "Stores")

    pixel.refresh_from_db()
    assert pixel.broken_reason == ""
    assert visitor.steps == 5
    assert visitor.scrolls_sideways_by() == 0
    assert visitor.complaints() == []


def test_a_shopify_merchant_is_live_within_twelve_clicks(
    visitor: Visitor, shopify: ShopifyAdmin, graph_api: GraphApi, settings: Any, live_server: Any
) -> None:
    settings.META_GRAPH_URL = graph_api.url
    tasks.graph_client.cache_clear()
    graph_api.dataset("1234567890123", token="EAA-lyon", name="Lyon")

    open_app(visitor.browser, shopify)
    visitor.click("article a", "Boutique Lyon")
    visitor.click("a", "Go on with the set-up")
    visitor.fill("pixel_id", "1234567890123")
    visitor.fill("access_token", "EAA-lyon")
    visitor.click("#main button.primary", "Check and go on")
    visitor.click("#main li a", "Test events")
    visitor.fill("code", "TEST123")
    visitor.click("form.card button.primary", "Send")
    visitor.see("h2", "Meta has taken the event")
    visitor.click(".tabs a", "Set-up")
    visitor.click("button[value=live]", "Go live")
    visitor.see("h2", "Live")

    assert Store.objects.get().mappings.get().enabled
    assert [event.test_event_code for event in graph_api.events()] == ["TEST123"]
    assert visitor.steps <= 12
    sys.stdout.write(
        f"clicks and fields until a Shopify shop is live: {visitor.steps} (at most 12)\n"
    )
    assert visitor.complaints() == []


def test_a_page_can_be_read_before_app_bridge_has_come(
    browser: Chrome, visitor: Visitor, shopify: ShopifyAdmin, settings: Any, live_server: Any
) -> None:
    settings.SHOPIFY_APP_BRIDGE_URL = f"{shopify.app_bridge}?late=3600"

    open_app(browser, shopify)

    visitor.see("h1", "Stores", rest="return true")
    visitor.see("article a", "Boutique Lyon", rest="return true")
    assert not browser.execute_script("return Boolean(window.shopify)")


def test_another_site_cannot_frame_it(
    browser: Chrome, visitor: Visitor, shopify: ShopifyAdmin, settings: Any, live_server: Any
) -> None:
    open_app(browser, shopify)
    visitor.see("h1", "Stores")
    settings.SHOPIFY_ADMIN_URL = "https://{shop}"  # whose admin is not the stand-in

    open_app(browser, shopify)

    WebDriverWait(browser, 20).until(
        lambda _: any("frame-ancestors" in str(line) for line in browser.get_log("browser"))
    )
