"""A real browser in tests, and a person in it, whose clicks and fields are counted."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from sandbox.screenshots import resize

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
DRIVER = shutil.which("chromedriver") or ""

IN_A_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="there is no Chromium with its driver"),
    pytest.mark.django_db(transaction=True),
]


@contextmanager
def a_chrome(
    *arguments: str, size: tuple[int, int] = (390, 844), load: str = "normal", **prefs: Any
) -> Iterator[Chrome]:
    """A browser without a window that keeps what its console says."""
    options = ChromeOptions()
    options.binary_location, options.page_load_strategy = CHROMIUM, load
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", prefs)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", *arguments):
        options.add_argument(argument)
    with Chrome(options=options, service=Service(DRIVER)) as chrome:
        resize(chrome, *size)
        yield chrome


# What a click leaves is marked, so that nothing on it is taken for a part of the next page.
LEAVE = "(document.querySelector('main') ?? document.documentElement).dataset.left = ''"
RESTS = "return document.readyState === 'complete' && !document.querySelector('[data-left]')"


class Visitor:
    """Fills fields in and clicks, and waits for what each click leads to; in a frame, if told so."""

    def __init__(self, browser: Chrome, *, frame: str = "") -> None:
        self.browser, self.frame, self.steps = browser, frame, 0

    def log_in(self, email: str, password: str) -> None:
        """Not counted: a merchant is logged in already."""
        self.see("[name=login]").send_keys(email)
        self.see("[name=password]").send_keys(password)
        self._leave(self.see("form button"))

    def fill(self, name: str, value: str) -> None:
        self.steps += 1
        self.see(f"[name={name}]").send_keys(value)

    def click(self, selector: str, text: str = "") -> None:
        self.steps += 1
        self._leave(self.see(selector, text))

    def see(self, selector: str, text: str = "", *, rest: str = RESTS) -> WebElement:
        """The first such element that says `text`, once it is there and its page at rest: before, a
        click may miss it. The frame is looked up again each time: the driver loses one that goes on."""

        def found(browser: Chrome) -> WebElement | None:
            if self.frame:
                browser.switch_to.default_content()
                browser.switch_to.frame(self.frame)
            if not browser.execute_script(rest):
                return None
            elements = browser.find_elements(By.CSS_SELECTOR, selector)
            return next((element for element in elements if text in element.text), None)

        waiting = WebDriverWait(self.browser, 20, ignored_exceptions=[WebDriverException])
        element: WebElement = waiting.until(found, f"no {selector} says {text!r}")
        return element

    def _leave(self, element: WebElement) -> None:
        self.browser.execute_script(LEAVE)
        element.click()

    def complaints(self) -> list[str]:
        """What the console has said, but for the icon of a page that has none."""
        said = [entry["message"] for entry in self.browser.get_log("browser")]
        return [message for message in said if "favicon" not in message]

    def scrolls_sideways_by(self) -> int:
        """By how many pixels the page is wider than its window."""
        page = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
        wider: int = self.browser.execute_script(page)
        return wider
