"""What a shopper says to the banner in a real browser, as it ends in the ledger and at Meta."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from installation import PIXEL, Stack, a_story, wait_for
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from sandbox.graph_api import GraphApi
from sandbox.orders import Story
from sandbox.storefront import Storefront
from tests.browsing import IN_A_BROWSER, a_chrome

pytestmark = [mark for mark in IN_A_BROWSER if mark.name != "django_db"]
FBP, FBCLID = "fb.1.1782900000000.1098115397", "IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB_qa2of"
FLEET = f"""\
version: 1
workspace: {{slug: acme, name: Acme}}
pixels:
  - {{id: "{PIXEL}", name: Main, access_token: "${{JOURNEYS_TOKEN}}"}}
stores:
  - {{key: lyon, name: Lyon, platform: shopify, domain: lyon.myshopify.com,
     consent: {{policy: required, evidence: order_meta}},
     browser: {{wait: 60, purchase: true}}, mappings: [{{pixel: "{PIXEL}"}}]}}
"""


@pytest.fixture(scope="module")
def stack(make_stack: Callable[..., Stack], graph: GraphApi) -> Stack:
    """Lyon asks every buyer for consent, and its script is the shop's one Meta pixel."""
    stack = make_stack(fleet=FLEET, settings={"META_PIXEL_URL": f"{graph.url}/tr/"})
    stack.start("broker")
    stack.start("worker")
    return stack


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Iterator[Storefront]:
    with Storefront(pixel=stack.manage("browser_script", "--store", "lyon")) as shop:
        yield shop


@pytest.fixture
def shopper(shop: Storefront) -> Iterator["Shopper"]:
    with a_chrome() as browser:
        shopper = Shopper(browser, shop)
        yield shopper
        assert shopper.complaints() == []


class Shopper:
    """Comes by an advertisement, and buys."""

    def __init__(self, browser: Chrome, shop: Storefront) -> None:
        self.browser, self.shop = browser, shop
        browser.get(f"{shop.url}/?fbclid={FBCLID}")

    def says(self, word: str) -> None:
        self.browser.find_element(By.ID, word).click()
        kept = "return sessionStorage.getItem('connector_landing')"
        wait_for(lambda: bool(self.browser.execute_script(kept)) == (word == "yes"))

    def buys(self, story: Story, **changes: Any) -> None:
        """Ends the checkout, in the page that says thank you."""
        order = json.loads(story.steps[-1].body)
        checkout = {
            "token": order["checkout_token"],
            "order": {"id": str(order["id"])},
            "totalPrice": {"amount": float(order["total_price"])},
            "currencyCode": order["currency"],
            "transactions": [{"paymentMethod": {"type": "creditCard"}}],
        }
        self.browser.get(self.shop.thank_you(checkout | changes))

    def cookie(self, name: str) -> str:
        return (self.browser.get_cookie(name) or {}).get("value", "")

    def complaints(self) -> list[str]:
        return [
            entry["message"]
            for entry in self.browser.get_log("browser")
            if "favicon" not in entry["message"]
        ]


def a_bare_story() -> Story:
    """An order whose theme has noted nothing: all that Meta gets of the browser comes by the script."""
    story = a_story()
    while json.loads(story.steps[-1].body)["note_attributes"]:
        story = a_story()
    return story


def stands(stack: Stack, story: Story) -> tuple[str, str]:
    """State and reason in the ledger."""
    rows = json.loads(stack.manage("ledger", "--order", str(story.order_id), "--json"))["rows"]
    return (rows[0]["state"], rows[0]["reason"]) if rows else ("", "")


def words(stack: Stack) -> list[str]:
    """The buyers' words that the collector has, the oldest checkout's first."""
    told = "SELECT marketing FROM conversions_browservisit WHERE told_at IS NOT NULL ORDER BY id"
    return [word for (word,) in stack.sql(told)]


def test_a_yes_before_the_order_sends_it_with_what_the_browser_knows(
    stack: Stack, shopper: Shopper
) -> None:
    story = a_bare_story()
    shopper.says("yes")
    shopper.buys(story)

    stack.shopify().tell(story)

    wait_for(lambda: stands(stack, story) == ("accepted", ""))
    (server,) = [copy for copy in stack.arrived(story.order_id) if copy.source == "server"]
    assert server.event["user_data"]["fbp"] == shopper.cookie("_fbp")
    assert server.event["user_data"]["fbc"].endswith(f".{FBCLID}")


def test_the_browsers_purchase_and_the_servers_are_counted_once(
    stack: Stack, shopper: Shopper
) -> None:
    story = a_bare_story()
    shopper.says("yes")
    shopper.buys(story)
    stack.shopify().tell(story)

    wait_for(lambda: len(stack.arrived(story.order_id)) == 2)

    copies = stack.arrived(story.order_id)
    assert sorted(copy.source for copy in copies) == ["browser", "server"]
    assert [copy.verdict for copy in copies].count("counted") == 1


def test_a_yes_that_is_given_late_releases_the_order(stack: Stack, shopper: Shopper) -> None:
    story = a_bare_story()
    shopper.buys(story)
    stack.shopify().tell(story)
    wait_for(lambda: stands(stack, story) == ("waiting", "consent"))
    assert stack.arrived(story.order_id) == []

    shopper.says("yes")

    wait_for(lambda: stands(stack, story) == ("accepted", ""))


def test_a_no_skips_the_order_and_leaves_nothing_in_the_browser(
    stack: Stack, shopper: Shopper
) -> None:
    story = a_bare_story()
    shopper.buys(story)
    stack.shopify().tell(story)

    shopper.says("no")

    wait_for(lambda: stands(stack, story) == ("skipped", "consent_refused"))
    assert stack.arrived(story.order_id) == []
    assert shopper.browser.get_cookies() == []
    kept = "return Object.keys(localStorage).concat(Object.keys(sessionStorage))"
    assert shopper.browser.execute_script(kept) == ["banner"]


def test_a_yes_that_is_withdrawn_before_it_is_sent_stops_it(stack: Stack, shopper: Shopper) -> None:
    story, before = a_bare_story(), words(stack)
    shopper.says("yes")
    shopper.buys(story)
    wait_for(lambda: words(stack) == [*before, "granted"])
    shopper.browser.get(f"{shopper.shop.url}/another-page")

    shopper.says("no")
    wait_for(lambda: words(stack) == [*before, "denied"])
    stack.shopify().tell(story)

    wait_for(lambda: stands(stack, story) == ("skipped", "consent_refused"))
    assert [copy.source for copy in stack.arrived(story.order_id)] == ["browser"]


def test_money_that_has_yet_to_come_is_no_purchase_in_the_browser_either(
    stack: Stack, shopper: Shopper
) -> None:
    story = a_bare_story()
    shopper.says("yes")
    shopper.buys(story, transactions=[{"paymentMethod": {"type": "manualPayment"}}])
    stack.shopify().tell(story)

    wait_for(lambda: stands(stack, story) == ("accepted", ""))

    assert [copy.source for copy in stack.arrived(story.order_id)] == ["server"]


def test_a_collector_that_does_not_answer_is_asked_again(stack: Stack, shopper: Shopper) -> None:
    story = a_bare_story()
    shopper.says("yes")
    stack.kill("web")
    shopper.buys(story)
    stack.start("web")
    wait_for(stack.is_up, within=30)

    stack.shopify().tell(story)

    wait_for(lambda: stands(stack, story) == ("accepted", ""), within=30)
