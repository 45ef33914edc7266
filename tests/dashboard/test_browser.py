"""The screens in a real browser, by keyboard alone, under the site's own Content-Security-Policy."""

from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from stores.models import Store
from tests import factories
from tests.browsing import IN_A_BROWSER, Visitor, a_chrome

pytestmark = IN_A_BROWSER


@pytest.fixture
def browser() -> Iterator[Chrome]:
    with a_chrome() as chrome:
        yield chrome


@pytest.fixture
def store(live_server: Any) -> Store:
    """A store with every state that there is on a screen."""
    workspace = factories.a_workspace()
    factories.a_member(workspace)
    store = factories.a_store(workspace, name="Boutique Lyon")
    pixel = factories.a_pixel(workspace, broken_reason="token_expired")
    factories.a_mapping(store, pixel)
    for state in ("waiting", "pending", "in_doubt", "skipped", "rejected", "expired"):
        factories.an_event(store, pixel, state=state)
    factories.a_delivery(store, order_id="1042")
    factories.an_attempt(factories.an_event(store, pixel, order_id="1042"))
    return store


def test_from_the_login_to_one_orders_journey_by_keyboard(
    browser: Chrome, live_server: Any, store: Store
) -> None:
    browser.get(live_server.url)
    keys(browser, "alice@example.com", Keys.TAB, factories.PASSWORD, Keys.ENTER)
    heading_is(browser, "Stores")
    tab_to(browser, "Boutique Lyon")
    keys(browser, Keys.ENTER)
    heading_is(browser, "Boutique Lyon")
    tab_to(browser, "Orders")
    keys(browser, Keys.ENTER)
    tab_is(browser, "Orders")
    tab_to(browser, "#1042")
    keys(browser, Keys.ENTER)
    heading_is(browser, "#1042")

    verdict = browser.find_element(By.CLASS_NAME, "verdict").text.split("\n")
    assert verdict == ["Accepted", "#1042 reached Meta dataset Main 4 s after the shop told us."]
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("path", ["", "orders/", "deliveries/", "orders/1042/"])
def test_a_narrow_screen_shows_each_page_without_scrolling_sideways(
    browser: Chrome, live_server: Any, store: Store, path: str
) -> None:
    browser.get(f"{live_server.url}/stores/{store.pk}/{path}")
    keys(browser, "alice@example.com", Keys.TAB, factories.PASSWORD, Keys.ENTER)
    WebDriverWait(browser, 10).until(lambda _: f"/stores/{store.pk}/{path}" in browser.current_url)

    assert Visitor(browser).scrolls_sideways_by() == 0
    assert len(browser.find_elements(By.TAG_NAME, "h1")) == 1


def keys(browser: Chrome, *strokes: str) -> None:
    for stroke in strokes:
        ActionChains(browser).send_keys(stroke).perform()


def tab_is(browser: Chrome, text: str) -> None:
    """Wait until the page of this tab of the store is there, to its end."""
    named = "return document.querySelector('.tabs [aria-current]')?.textContent"
    there = "return document.readyState === 'complete'"
    WebDriverWait(browser, 10).until(
        lambda _: browser.execute_script(there) and browser.execute_script(named) == text
    )


def tab_to(browser: Chrome, text: str) -> None:
    """Press Tab until the focus, which must be visible, is on `text`."""
    for _press in range(60):
        keys(browser, Keys.TAB)
        focused = browser.switch_to.active_element
        if focused.text == text:
            assert focused.value_of_css_property("outline-style") == "solid"
            return
    pytest.fail(f"60 presses of Tab do not lead to {text}")


def heading_is(browser: Chrome, text: str) -> None:
    """Wait until the page under this heading is there, to its end."""
    named = "return document.readyState === 'complete' && document.querySelector('h1')?.textContent"
    WebDriverWait(browser, 10).until(
        lambda _: (browser.execute_script(named) or "").strip() == text
    )
