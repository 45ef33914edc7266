from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversions.models import State
from stores.models import Pixel, Store, Workspace
from tests import factories
from tests.dashboard.reading import asked, attributes, texts


def test_a_member_without_a_store_is_told_how_to_connect_one(page: Client) -> None:
    answer = page.get("/")

    assert texts(answer, "h2") == ["No store is connected yet"]
    assert texts(answer, "pre") == ["python manage.py apply fleet.yaml"]
    assert texts(answer, "code", "id") == [
        "http://testserver/webhooks/shopify/",
        "http://testserver/webhooks/woocommerce/…/",
    ]


def test_a_store_that_is_well_says_that_all_orders_are_accounted_for(
    page: Client, store: Store, pixel: Pixel
) -> None:
    factories.a_delivery(store)
    factories.an_event(store, pixel)
    factories.an_event(store, pixel, state=State.WAITING, reason="payment")

    answer = page.get("/")

    assert texts(answer, "p", "health") == [
        "All 2 orders of the last 30 days are accounted for; 1 waits for payment."
    ]


def test_a_store_counts_orders_by_state_and_each_number_leads_to_its_rows(
    page: Client, store: Store, pixel: Pixel, workspace: Workspace
) -> None:
    other = factories.a_pixel(workspace, name="Other")
    factories.an_event(store, pixel, order_id="1")
    factories.an_event(store, other, order_id="1")
    factories.an_event(store, pixel, order_id="2", state=State.SKIPPED, reason="test_order")
    factories.an_event(store, pixel, order_id="3", event_time=long_ago())

    answer = page.get("/")
    links = [href for href in attributes(answer, "a", "href") if "state=" in href]

    assert texts(answer, "li") == [
        "0 Waiting",
        "0 Pending",
        "0 In doubt",
        "2 Accepted",  # once for each dataset
        "1 Skipped",
        "0 Rejected",
        "0 Expired",
    ]
    assert links == [
        f"/stores/{store.pk}/orders/?state={state}" for state in ("accepted", "skipped")
    ]
    assert [len(page.get(link).context["page"].rows) for link in links] == [1, 1]


def test_what_needs_somebody_is_said_first(page: Client, store: Store, pixel: Pixel) -> None:
    factories.an_event(store, pixel, state=State.REJECTED, reason="meta_100_2804019")
    factories.an_event(store, pixel, state=State.EXPIRED, reason="too_old")
    factories.an_event(store, pixel, state=State.EXPIRED, reason="too_old", event_id="")
    factories.a_delivery(store, state="unreadable", reason="bad_money", order_id="")

    answer = page.get("/")

    assert texts(answer, "p", "health") == [
        "3 need you: 1 rejected by Meta, 1 not sent in time, 1 delivery that cannot be read."
    ]


def test_a_broken_pixel_says_what_happened_what_we_did_and_what_to_press(
    page: Client, store: Store, workspace: Workspace
) -> None:
    broken = factories.a_pixel(workspace, broken_reason="token_expired", broken_at=now())
    factories.an_event(store, broken, state=State.PENDING)

    answer = page.get("/")
    [banner] = texts(answer, "section", "banner")

    assert banner == (
        "Dataset Main is paused The access token has expired. Its 1 unsent event is safe here."
        " We try one of them every 15 minutes, and send all as soon as Meta accepts it."
        f" Dataset (Pixel) {broken.pixel_id} · paused just now"
        " Give it a token that works (in the fleet file), or put things right at Meta. Then:"
        " Try again"
    )


@pytest.mark.parametrize("role", ["owner", "operator"])
def test_trying_again_clears_the_pixel_and_shows_that_it_was_heard(
    client: Client, workspace: Workspace, role: str
) -> None:
    broken = factories.a_pixel(workspace, broken_reason="token_expired", broken_at=now())
    client.force_login(factories.a_member(workspace, role=role))

    answer = client.post(reverse("dashboard:resumption", args=[broken.pk]), follow=True)

    broken.refresh_from_db()
    assert (broken.broken_reason, broken.broken_at) == ("", None)
    assert answer.redirect_chain == [("/", 302)]
    assert texts(answer, "p", "good") == ["We are trying dataset Main again."]


@pytest.mark.parametrize("role", ["analyst", "client"])
def test_who_may_only_read_is_not_offered_the_button_and_cannot_press_it(
    client: Client, workspace: Workspace, role: str
) -> None:
    broken = factories.a_pixel(workspace, broken_reason="token_expired", broken_at=now())
    client.force_login(factories.a_member(workspace, role=role))

    shown = client.get("/")
    pressed = client.post(reverse("dashboard:resumption", args=[broken.pk]))

    broken.refresh_from_db()
    assert "Try again" not in texts(shown, "button")
    assert pressed.status_code == 404
    assert broken.broken_reason == "token_expired"


@pytest.mark.parametrize("stores", [1, 3])
def test_the_number_of_queries_does_not_grow_with_the_stores(
    page: Client, workspace: Workspace, stores: int
) -> None:
    for number in range(stores):
        store = factories.a_store(workspace)
        broken = factories.a_pixel(workspace, broken_reason="token_expired", broken_at=now())
        factories.a_mapping(store, broken)
        factories.a_delivery(store)
        factories.an_event(store, broken, event_id=f"{uuid4()}-{number}")

    with CaptureQueriesContext(connection) as queries:
        page.get("/")

    # session, user; stores, counts (twice), unreadable deliveries, broken pixels, doubts, may connect
    assert len(asked(queries)) == 10


def now() -> datetime:
    return datetime.now(UTC)


def long_ago() -> datetime:
    return now() - timedelta(days=40)
