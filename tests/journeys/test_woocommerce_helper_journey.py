"""What a shopper of a WooCommerce shop says to the banner, as it ends in the ledger and at Meta."""

import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from installation import PIXEL, Stack, a_story, wait_for
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from sandbox.graph_api import GraphApi
from sandbox.orders import Story
from sandbox.wordpress import PHP, WordPress
from tests.browsing import IN_A_BROWSER, a_chrome

pytestmark = [
    *[mark for mark in IN_A_BROWSER if mark.name != "django_db"],
    pytest.mark.skipif(not PHP, reason="there is no PHP"),
]
FLEET = f"""\
version: 1
workspace: {{slug: acme, name: Acme}}
pixels:
  - {{id: "{PIXEL}", name: Main, access_token: "${{JOURNEYS_TOKEN}}"}}
stores:
  - {{key: kitchen, name: Kitchen, platform: woocommerce, url: "http://127.0.0.1:1",
     webhook_secret: "${{KITCHEN_SECRET}}", consent: {{policy: required, evidence: order_meta}},
     browser: {{purchase: true}}, mappings: [{{pixel: "{PIXEL}"}}]}}
"""


@pytest.fixture(scope="module")
def stack(make_stack: Callable[..., Stack], graph: GraphApi) -> Stack:
    """Kitchen asks every buyer for consent, and its helper is the shop's one Meta pixel."""
    stack = make_stack(fleet=FLEET, settings={"META_PIXEL_URL": f"{graph.url}/tr/"})
    stack.start("broker")
    stack.start("worker")
    return stack


@pytest.fixture(scope="module")
def shop(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WordPress]:
    """The shop, with the helper as the merchant gets it."""
    folder = tmp_path_factory.mktemp("wordpress")
    stack.manage("browser_script", "--store", "kitchen", "--output", str(folder / "helper.zip"))
    with zipfile.ZipFile(folder / "helper.zip") as archive:
        archive.extractall(folder)
    plugin = folder / "connector-helper" / "connector-helper.php"
    with WordPress(plugin=plugin, folder=folder) as shop:
        yield shop
        assert shop.complaints() == []


@pytest.fixture
def shopper(shop: WordPress) -> Iterator["Shopper"]:
    with a_chrome() as browser:
        yield Shopper(browser, shop)


class Shopper:
    """Answers the banner of Complianz, and buys in the classic checkout."""

    def __init__(self, browser: Chrome, shop: WordPress) -> None:
        self.browser, self.shop = browser, shop
        browser.get(shop.url)

    def has_said(self, word: str) -> None:
        self.browser.execute_script(f"document.cookie = 'cmplz_marketing={word}; path=/'")
        self.browser.get(self.shop.url)

    def says(self, word: str) -> None:
        """As Complianz tells other plug-ins of it."""
        self.browser.execute_script(
            "document.cookie = `cmplz_marketing=${arguments[0]}; path=/`;"
            "const detail = {category: 'marketing', value: arguments[0]};"
            "document.dispatchEvent(new CustomEvent('cmplz_status_change', {detail}));",
            word,
        )

    def buys(self, story: Story) -> None:
        self.shop.cart(json.loads(story.steps[-1].body))
        self.browser.find_element(By.NAME, "order").send_keys(str(story.order_id))
        self.browser.find_element(By.TAG_NAME, "button").click()
        wait_for(lambda: "Thank you." in self.browser.page_source)

    def cookie(self, name: str) -> str:
        return (self.browser.get_cookie(name) or {}).get("value", "")


def a_bare_story() -> Story:
    """An order on which no other plug-in has noted cookies."""
    story = a_story("woocommerce")
    while any(meta["key"] in COOKIES for meta in json.loads(story.steps[-1].body)["meta_data"]):
        story = a_story("woocommerce")
    return story


COOKIES = ("_fbp", "_fbc", "pys_fb_cookie")


def tells(stack: Stack, shop: WordPress, story: Story) -> None:
    """The shop's webhook, with what the helper has noted on the order by now."""
    order = json.loads(story.steps[-1].body)
    order["meta_data"] += [
        {"id": number, "key": key, "value": value}
        for number, (key, value) in enumerate(shop.meta(story.order_id).items(), 9_000)
    ]
    delivered = stack.woocommerce().deliver("order.updated", json.dumps(order).encode())
    assert delivered.status == 200


def stands(stack: Stack, story: Story) -> tuple[str, str]:
    rows = json.loads(stack.manage("ledger", "--order", str(story.order_id), "--json"))["rows"]
    return (rows[0]["state"], rows[0]["reason"]) if rows else ("", "")


def noted(shop: WordPress, story: Story) -> Any:
    return shop.meta(story.order_id).get("_capi_consent_marketing")


def test_a_yes_sends_it_with_the_browsers_id_and_both_copies_count_once(
    stack: Stack, shop: WordPress, shopper: Shopper
) -> None:
    story = a_bare_story()
    shopper.has_said("allow")
    shopper.buys(story)

    tells(stack, shop, story)

    wait_for(lambda: len(stack.arrived(story.order_id)) == 2)
    wait_for(lambda: stands(stack, story) == ("accepted", ""))
    copies = {copy.source: copy for copy in stack.arrived(story.order_id)}
    assert copies["server"].event["user_data"]["fbp"] == shopper.cookie("_fbp") != ""
    assert [copy.verdict for copy in copies.values()].count("counted") == 1


def test_a_yes_that_is_given_late_releases_the_order(
    stack: Stack, shop: WordPress, shopper: Shopper
) -> None:
    story = a_bare_story()
    shopper.buys(story)
    tells(stack, shop, story)
    wait_for(lambda: stands(stack, story) == ("waiting", "consent"))

    shopper.says("allow")
    wait_for(lambda: noted(shop, story) == "granted")
    tells(stack, shop, story)

    wait_for(lambda: stands(stack, story) == ("accepted", ""))


def test_a_no_skips_the_order(stack: Stack, shop: WordPress, shopper: Shopper) -> None:
    story = a_bare_story()
    shopper.has_said("deny")
    shopper.buys(story)

    tells(stack, shop, story)

    wait_for(lambda: stands(stack, story) == ("skipped", "consent_refused"))
    assert stack.arrived(story.order_id) == []
    assert shopper.cookie("_fbp") == ""


def test_a_yes_that_is_withdrawn_before_the_shop_tells_stops_it(
    stack: Stack, shop: WordPress, shopper: Shopper
) -> None:
    story = a_bare_story()
    shopper.has_said("allow")
    shopper.buys(story)
    wait_for(lambda: noted(shop, story) == "granted")

    shopper.says("deny")
    wait_for(lambda: noted(shop, story) == "denied")
    tells(stack, shop, story)

    wait_for(lambda: stands(stack, story) == ("skipped", "consent_refused"))
    assert shopper.cookie("_fbp") == ""
