"""`make screenshots`: the demo's story, and then a picture of every page that its screens lead to.

A page is known by its path, with the numbers left out: one order's page stands for all. Each is taken at
the width of a desk and of a phone, light, dark and in French, in full height. What the browser's console
says is an error: the exit code is 1.
"""

import base64
import os
import re
import secrets
import shutil
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from sandbox import scenario

WIDTHS = {"desk": 1280, "phone": 390}
LOOKS = {"light": ("light", "en"), "dark": ("dark", "en"), "french": ("light", "fr")}
DOORS = ("/login/", "/signup/", "/password/reset/")  # before one is logged in
ADDRESS = os.environ.get("CONNECTOR_URL", "")
EMAIL = "demo@example.com"


def main() -> int:
    """0 if the story balanced and every page was quiet."""
    if code := scenario.main():
        return code
    folder = Path(os.environ.get("SCREENSHOTS") or "screenshots").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    with a_browser() as browser:
        doors = [(path.strip("/").replace("/", "-"), ADDRESS + path) for path in DOORS]
        troubles = sum(
            len(take(browser, address, name=name, folder=folder)) for name, address in doors
        )
        log_in(browser)
        for name, address in pages(browser, ADDRESS):
            said = take(browser, address, name=name, folder=folder)
            troubles += len(said)
            print(f"{name}: {'; '.join(said) or 'quiet'}")
    print(f"The pictures are in {folder}.")
    return 1 if troubles else 0


def a_browser() -> Chrome:
    """A browser without a window that keeps what its console says."""
    options = ChromeOptions()
    names = ("chromium", "chromium-browser", "google-chrome")
    options.binary_location = next(filter(None, map(shutil.which, names)), "")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ):
        options.add_argument(argument)
    driver = shutil.which("chromedriver")
    if not (options.binary_location and driver):
        sys.exit("There is no Chromium with its driver: install both.")
    return Chrome(options=options, service=Service(driver))


def log_in(browser: Chrome) -> None:
    """As an owner of the demo's workspace, whose password is made here."""
    password = secrets.token_urlsafe(12)
    command = ("member", EMAIL, "--workspace", "demo", "--role", "owner", "--password-stdin")
    scenario.manage(*command, text=password)
    browser.get(ADDRESS)
    browser.find_element(By.NAME, "login").send_keys(EMAIL)
    browser.find_element(By.NAME, "password").send_keys(password)
    browser.find_element(By.CSS_SELECTOR, "form button").click()


def pages(browser: Chrome, site: str) -> Iterator[tuple[str, str]]:
    """(name, address) of each kind of page of the site, as its links lead there: one store's stand for
    all. Whoever asks for the next one may have gone elsewhere in between."""
    to_see, seen = deque([f"{site}/"]), set()
    while to_see:
        address = to_see.popleft()
        name = re.sub(r"[^a-z]+", "-", re.sub(r"\d+", "n", urlsplit(address).path)).strip("-")
        if name in seen:
            continue
        seen.add(name)
        yield name or "home", address
        browser.get(address)
        for link in browser.find_elements(By.CSS_SELECTOR, "a[href]:not([download])"):
            there = urljoin(address, link.get_attribute("href") or "").partition("#")[0]
            if there.startswith(f"{site}/") and "?" not in there:
                to_see.append(there)


def take(browser: Chrome, address: str, *, name: str, folder: Path) -> list[str]:
    """Take its pictures; returns what the console said of the page."""
    for size, width in WIDTHS.items():
        for look, (scheme, language) in LOOKS.items():
            show(browser, address, width=width, scheme=scheme, language=language)
            picture = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
            place = folder / f"{size}-{look}" / f"{name}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(base64.b64decode(picture["data"]))
    return [entry["message"] for entry in browser.get_log("browser")]  # type: ignore[no-untyped-call]


def show(browser: Chrome, address: str, *, width: int, scheme: str, language: str) -> None:
    """Open the page as wide as asked, and as high as it is."""
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.execute_cdp_cmd("Network.enable", {})
    asks = {"headers": {"Accept-Language": language}}
    browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", asks)
    resize(browser, width, 800)
    browser.get(address)
    height = browser.execute_script("return document.documentElement.scrollHeight")
    resize(browser, width, int(height))


def resize(browser: Chrome, width: int, height: int) -> None:
    """The size of the page that is shown."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


if __name__ == "__main__":
    sys.exit(main())
