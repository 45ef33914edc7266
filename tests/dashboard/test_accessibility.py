"""Every page, as a program that knows WCAG 2.2 AA sees it: axe finds nothing, in light and in dark."""

from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome

from sandbox.screenshots import DOORS, a_browser, pages, show
from stores.models import Store
from tests import factories
from tests.browsing import IN_A_BROWSER, Visitor
from tests.dashboard.test_browser import store

__all__ = ["store"]  # a store with every state

pytestmark = IN_A_BROWSER

AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOK = """
const [rules, done] = arguments;
axe.run({runOnly: rules}).then((found) => done(found.violations.map(
  (rule) => `${rule.id}: ${rule.nodes.map((node) => node.html).join(" | ")}`)));
"""


@pytest.mark.parametrize(("scheme", "language"), [("light", "en"), ("dark", "fr")])
def test_axe_finds_nothing_on_any_page(
    live_server: Any, store: Store, settings: Any, scheme: str, language: str
) -> None:
    settings.SIGN_UP = settings.SENDS_MAIL = True
    with a_browser() as browser:
        found = {}
        for door in DOORS:
            show(browser, live_server.url + door, width=390, scheme=scheme, language=language)
            found[door] = violations(browser)
        browser.get(live_server.url)
        Visitor(browser).log_in("alice@example.com", factories.PASSWORD)
        for name, address in pages(browser, live_server.url):
            show(browser, address, width=390, scheme=scheme, language=language)
            found[name] = violations(browser)

    assert {name: said for name, said in found.items() if said} == {}
    assert len(found) >= 6


def violations(browser: Chrome) -> list[str]:
    browser.execute_script(AXE.read_text())
    found: list[str] = browser.execute_async_script(LOOK, RULES)
    return found
