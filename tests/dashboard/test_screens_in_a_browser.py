"""Each screen in a real browser: its main path, what it says of a mistake, and when it is empty."""

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from conversions.models import ConversionEvent
from dashboard.models import SavedFilter
from sandbox.graph_api import GraphApi
from stores.models import Invitation, Pixel, Store
from tests import factories
from tests.browsing import IN_A_BROWSER, Visitor, a_chrome
from tests.pipeline import a_kept_order, an_order, read_all

pytestmark = IN_A_BROWSER


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with a_chrome() as chrome:
        yield chrome


class Merchant(Visitor):
    """Alice, who owns Acme, on the pages of its store Lyon."""

    def __init__(self, browser: Chrome, *, site: str, store: Store) -> None:
        super().__init__(browser)
        self.site, self.store = site, store

    def opens(self, page: str = "", *, store: Store | None = None) -> None:
        self.browser.get(f"{self.site}/stores/{(store or self.store).pk}/{page}")

    def types(self, name: str, text: str) -> None:
        """In place of what stands in the field."""
        field = self.see(f"[name={name}]")
        field.clear()
        field.send_keys(text)

    def presses(self, text: str) -> None:
        self.click("main button", text)


@pytest.fixture
def alice(
    browser: Chrome, live_server: Any, acme: SimpleNamespace, through_the_sandbox: GraphApi
) -> Iterator[Merchant]:
    factories.a_member(acme.workspace)
    browser.delete_all_cookies()
    browser.get(live_server.url)
    merchant = Merchant(browser, site=live_server.url, store=acme.lyon)
    merchant.log_in("alice@example.com", factories.PASSWORD)
    merchant.see("h1", "Stores")
    browser.get_log("browser")
    yield merchant
    refused = "the server responded with a status of 422"  # the browser's own line
    assert [line for line in merchant.complaints() if refused not in line] == []
    assert merchant.scrolls_sideways_by() == 0


@pytest.fixture
def lyon(acme: SimpleNamespace) -> Store:
    """The store, with an order that the shop has told of."""
    store: Store = acme.lyon
    a_kept_order(store, an_order(1042))
    read_all()
    return store


def test_a_wrong_password_is_named_and_tells_nothing_else(
    browser: Chrome, live_server: Any, acme: SimpleNamespace
) -> None:
    browser.delete_all_cookies()
    browser.get(live_server.url)
    visitor = Visitor(browser)

    visitor.log_in("nobody@example.com", "wrong")

    visitor.see(".error, [role=alert]", "don't belong together")


def test_home_follows_what_happens_without_being_loaded_again(alice: Merchant, lyon: Store) -> None:
    alice.opens()
    alice.see(".said", "1 is on its way")
    alice.browser.execute_script("window.loadedOnce = true")
    ConversionEvent.objects.update(state="rejected", reason="meta_100")

    alice.browser.execute_script("document.dispatchEvent(new Event('visibilitychange'))")

    alice.see("#now", "1 order was rejected by Meta.")
    assert alice.browser.execute_script("return window.loadedOnce")


def test_home_gives_way_to_the_login_once_that_has_ended(alice: Merchant, lyon: Store) -> None:
    alice.opens()
    alice.see(".said", "1 is on its way")
    Session.objects.all().delete()

    alice.browser.execute_script("document.dispatchEvent(new Event('visibilitychange'))")

    alice.see("[name=password]")


def test_home_before_the_first_order_says_how_to_begin(
    alice: Merchant, acme: SimpleNamespace
) -> None:
    alice.opens()

    alice.see("main", "This shop has not sent anything yet")


def test_orders_are_found_and_the_choice_is_kept_and_removed(alice: Merchant, lyon: Store) -> None:
    alice.opens("orders/")
    alice.types("q", "1042")
    alice.presses("Show")
    alice.see("tbody a", "#1042")
    alice.see("summary", "Keep these filters").click()
    alice.types("name", "My order")
    alice.presses("Keep")
    alice.see(".saved a[aria-current]", "My order")
    alice.click(".saved .chip button")
    alice.see("#states")

    assert not SavedFilter.objects.exists()

    alice.types("q", "no such order")
    alice.presses("Show")
    alice.see("main", "No order fits these filters.")


def test_an_orders_page_leads_to_what_meta_would_be_told(alice: Merchant, lyon: Store) -> None:
    alice.opens("orders/1042/")
    alice.see(".verdict", "#1042 is on its way to Meta dataset Main.")

    alice.click("a", "What Meta would be told now")

    alice.see("main", "How the value comes about")


def test_a_preview_without_an_order_says_when_there_will_be_one(
    alice: Merchant, acme: SimpleNamespace
) -> None:
    alice.opens("preview/")

    alice.see("main", "No order to show yet")


def test_a_mapping_is_refused_in_words_then_added_and_switched_off(
    alice: Merchant, lyon: Store
) -> None:
    alice.opens("mappings/")
    alice.click("main a", "Add a mapping")
    alice.see("[name=pixel] option", "Main").click()
    alice.see("summary", "More").click()
    alice.types("hold", "soon")
    alice.presses("Save")
    alice.see(".error", "It must be such as 90m or 24h, and 48h at most.")
    alice.types("hold", "2h")
    alice.presses("Save")
    alice.see("[role=status]", "Saved.")
    alice.see("main", "It never matches: a mapping above takes all its orders")
    alice.presses("Switch off")
    alice.see("[role=status]", "The mappings are changed.")
    alice.see(".pill", "Off")


def test_a_dataset_is_refused_with_metas_reason_then_added(
    alice: Merchant, acme: SimpleNamespace, through_the_sandbox: GraphApi
) -> None:
    through_the_sandbox.dataset("9876543210987", token="EAA-right", name="Second")

    alice.opens("datasets/")
    alice.types("pixel_id", "9876543210987")
    alice.types("access_token", "EAA-wrong")
    alice.presses("Check and add")
    alice.see(".error", "Meta does not accept the access token.")
    alice.types("access_token", "EAA-right")
    alice.presses("Check and add")
    alice.see("[role=status]", "Meta knows dataset Second.")

    assert Pixel.objects.get(pixel_id="9876543210987").access_token == "EAA-right"


def test_consent_is_refused_in_words_then_saved_and_told(
    alice: Merchant, acme: SimpleNamespace
) -> None:
    alice.opens("privacy/")
    alice.see("main", "This store asks nobody")
    alice.click("main a", "Change what is asked of buyers")
    alice.see("[name=policy][value=required]").click()
    alice.types("regions", "Europe")
    alice.presses("Save")
    alice.see(".error", "Each must be EEA, a country (GB) or a state (US-CA).")
    alice.types("regions", "EEA, GB")
    alice.presses("Save")
    alice.see(".lead", "Not without the buyer's yes – in EEA, GB.")


def test_a_test_event_is_refused_in_words_then_sent(
    alice: Merchant, acme: SimpleNamespace, through_the_sandbox: GraphApi
) -> None:
    alice.opens("test-events/")
    alice.types("code", "no code")
    alice.presses("Send")
    alice.see("[role=alert]")
    alice.types("code", "TEST77")
    alice.presses("Send")
    alice.see("#answer", "Meta has taken the event")

    assert [event.test_event_code for event in through_the_sandbox.events()] == ["TEST77"]


def test_a_test_event_without_a_dataset_says_what_to_do_first(
    alice: Merchant, acme: SimpleNamespace
) -> None:
    alice.opens("test-events/", store=factories.a_store(acme.workspace))

    alice.see("main", "No dataset is mapped yet")


def test_a_balance_of_a_shop_that_we_cannot_read_says_so(alice: Merchant, lyon: Store) -> None:
    alice.opens("balance/")

    alice.see("main", "Not known: we cannot read this shop's orders")


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("speed/", "No order has reached Meta in these days."),
        ("match-quality/", "A median needs 50 orders"),
        ("deliveries/", "This shop has not sent anything yet."),
        ("privacy/", "This store asks nobody"),
    ],
)
def test_a_page_without_numbers_yet_says_so(
    alice: Merchant, acme: SimpleNamespace, page: str, said: str
) -> None:
    alice.opens(page)

    alice.see("main", said)


def test_speed_and_match_quality_show_their_numbers_as_a_table_too(
    alice: Merchant, acme: SimpleNamespace
) -> None:
    for _number in range(50):
        factories.an_event(acme.lyon, acme.pixel, identifiers=3)

    for page, said in (("speed/", "Half of them within"), ("match-quality/", "Median order")):
        alice.opens(page)
        alice.see("main", said)
        alice.see("summary", "The numbers as a table").click()
        alice.see("a[download]", "Download as CSV")


def test_deliveries_are_chosen_by_state(alice: Merchant, lyon: Store) -> None:
    alice.opens("deliveries/")
    alice.see("tbody", "orders/paid")

    alice.click(".chips a", "Unreadable")

    alice.see("main", "No delivery is in this state.")


def test_an_event_in_doubt_is_settled(alice: Merchant, acme: SimpleNamespace) -> None:
    since = timezone.now() - timedelta(hours=1)
    event = factories.an_event(acme.lyon, acme.pixel, state="in_doubt", first_unknown_at=since)
    alice.browser.get(f"{alice.site}/in-doubt/")

    alice.presses("Meta has it")

    alice.see("[role=status]", "counts as accepted, and is not sent again.")
    alice.see("main", "No event is in doubt")
    assert ConversionEvent.objects.get(pk=event.pk).state == "accepted"


def test_an_invitation_is_made_and_taken_back(alice: Merchant, acme: SimpleNamespace) -> None:
    alice.browser.get(f"{alice.site}/invitations/")
    alice.types("whom", "Boutique Nice")
    alice.presses("Make a link")
    alice.see("#link", "/join/")

    alice.presses("Take back")

    alice.see("[role=status]", "The invitation of Boutique Nice is taken back.")
    assert not Invitation.objects.exists()


def test_browsers_are_listened_to_once_it_is_saved(alice: Merchant, acme: SimpleNamespace) -> None:
    alice.opens("browser/")
    alice.see("main form.card [type=checkbox]").click()
    alice.presses("Save")

    alice.see("[role=status]", "Saved.")
    alice.see("main", "Take it to the shop")


def test_a_shop_is_disconnected_after_its_consequences_were_told(
    alice: Merchant, acme: SimpleNamespace
) -> None:
    alice.opens("set-up/", store=acme.kitchen)
    alice.click("main a", "Disconnect this shop")
    alice.see("main", "New orders are no longer taken in")

    alice.presses("Disconnect")

    alice.see("[role=status]", "Kitchen is disconnected.")
    acme.kitchen.refresh_from_db()
    assert not acme.kitchen.connected


def test_another_language_is_chosen_on_any_page(alice: Merchant, lyon: Store) -> None:
    alice.opens("orders/?state=pending")

    alice.click("header button", "Français")

    alice.see(".tabs a", "Commandes")
    assert alice.browser.current_url.endswith("orders/?state=pending")
    assert alice.browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "fr"


def test_nobodys_stores_are_an_invitation_to_connect_one(
    browser: Chrome, live_server: Any, acme: SimpleNamespace
) -> None:
    factories.a_member(factories.a_workspace("empty"), "eve")
    browser.delete_all_cookies()
    browser.get(live_server.url)
    visitor = Visitor(browser)

    visitor.log_in("eve@example.com", factories.PASSWORD)

    visitor.see("main", "No store is connected yet")


def test_a_strangers_store_is_a_page_that_does_not_exist(
    alice: Merchant, acme: SimpleNamespace
) -> None:
    elsewhere = factories.a_store(factories.a_workspace("elsewhere"))

    alice.opens(store=elsewhere)

    alice.see("h1", "This page does not exist")
    alice.browser.get_log("browser")  # the browser's own line on the 404
