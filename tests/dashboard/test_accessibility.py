"""Every page, as a program that knows WCAG 2.2 AA sees it: axe finds nothing, in light and in dark."""

from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from sandbox.screenshots import a_browser, pages, show
from stores.models import Store
from tests import factories
from tests.dashboard.test_browser import pytestmark, store

__all__ = ["pytestmark", "store"]  # a browser is there; a store with every state

AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOK = """
const [rules, done] = arguments;
axe.run({runOnly: rules}).then((found) => done(found.violations.map(
  (rule) => `${rule.id}: ${rule.nodes.map((node) => node.html).join(" | ")}`)));
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(live_server: Any, store: Store, scheme: str) -> None:
    with a_browser() as browser:
        browser.get(live_server.url)
        found = {"login": violations(browser)}
        log_in(browser)
        for name, address in pages(browser, live_server.url):
            show(browser, address, width=390, scheme=scheme)
            found[name] = violations(browser)

    assert {name: said for name, said in found.items() if said} == {}
    assert len(found) >= 6


def violations(browser: Chrome) -> list[str]:
    browser.execute_script(AXE.read_text())
    found: list[str] = browser.execute_async_script(LOOK, RULES)
    return found


def log_in(browser: Chrome) -> None:
    browser.find_element(By.NAME, "username").send_keys("alice@example.com")
    browser.find_element(By.NAME, "password").send_keys(factories.PASSWORD)
    browser.find_element(By.CSS_SELECTOR, "form button").click()
