"""A store's home page: is all accounted for, what needs a person, and what became of each day?"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions.models import State
from stores.models import Pixel, Store, Workspace
from tests import factories
from tests.dashboard.reading import asked, attributes, texts


@pytest.fixture(autouse=True)
def heard_of(store: Store) -> None:
    """The shop has sent something."""
    factories.a_delivery(store)


def test_one_sentence_says_that_every_order_is_accounted_for(
    page: Client, store: Store, pixel: Pixel
) -> None:
    factories.a_mapping(store, pixel)
    factories.an_event(store, pixel)
    factories.an_event(store, pixel, state=State.WAITING, reason="payment")

    answer = page.get(f"/stores/{store.pk}/")

    assert texts(answer, "p", "said") == [
        "All 2 orders of the last 30 days are accounted for; 1 waits for payment."
    ]
    assert texts(answer, "li", "need") == []


def test_three_things_that_need_a_person_come_first_each_with_where_to_mend_it(
    page: Client, store: Store, workspace: Workspace
) -> None:
    paused = factories.a_pixel(workspace, broken_reason="token_expired")
    factories.a_mapping(store, paused)
    factories.an_event(store, paused, state=State.PENDING)
    soon = datetime.now(UTC) + timedelta(hours=12, minutes=1)
    factories.an_event(store, paused, state=State.WAITING, reason="payment", cut_off=soon)
    factories.an_event(store, paused, state=State.IN_DOUBT, reason="timeout", held=True)
    factories.an_event(store, paused, state=State.REJECTED, reason="meta_100_2804019")

    answer = page.get(f"/stores/{store.pk}/")

    at = f"/stores/{store.pk}/orders/"
    assert texts(answer, "li", "need") == [
        "Dataset Main is paused: 2 events wait. See why",
        "1 order (46.08 EUR) can no longer be sent in 12 h. Look at them",
        "1 order is in doubt and waits for your word. Decide",
        "1 order was rejected by Meta. See why",
    ]
    assert texts(answer, "summary")[0] == "1 more"
    needs = [link for link in attributes(answer, "a", "href") if link.startswith((at, "/in-doubt"))]
    assert needs[1:] == [at, f"{at}?state=waiting", "/in-doubt/", f"{at}?state=rejected"]


def test_each_days_numbers_lead_to_the_orders_of_that_day_in_the_stores_zone(
    page: Client, store: Store, pixel: Pixel
) -> None:
    Store.objects.filter(pk=store.pk).update(time_zone="Asia/Tokyo")
    # 16:30 UTC is already the next day in Tokyo.
    placed = datetime.now(UTC).replace(hour=16, minute=30) - timedelta(days=3)
    day = placed.date() + timedelta(days=1)
    factories.an_event(store, pixel, event_time=placed, order_id="1")
    factories.an_event(store, pixel, event_time=placed, order_id="2", state=State.SKIPPED)

    home = page.get(f"/stores/{store.pk}/")
    rows = home.context["home"].plot.table.rows
    orders = page.get(f"/stores/{store.pk}/orders/?on={day}")

    assert [row for row in rows if row[1]] == [[str(day), 2, 1, 1, 0, 0, 0]]
    assert f"orders/?on={day}" in attributes(home, "a", "href")
    assert len(orders.context["page"].rows) == 2


def test_money_is_told_by_what_became_of_it(page: Client, store: Store, pixel: Pixel) -> None:
    factories.an_event(store, pixel, value=Decimal("100"))
    factories.an_event(store, pixel, value=Decimal("20.50"))
    factories.an_event(store, pixel, value=Decimal("9"), currency="USD")
    factories.an_event(store, pixel, value=Decimal("7"), state=State.REJECTED, reason="meta_100")

    answer = page.get(f"/stores/{store.pk}/")

    assert texts(answer, "dd")[:3] == ["120.50 EUR, 9.00 USD", "–", "7.00 EUR"]


def test_one_dataset_is_drawn_at_a_time_the_busiest_unless_asked(
    page: Client, store: Store, pixel: Pixel, workspace: Workspace
) -> None:
    other = factories.a_pixel(workspace, name="Other")
    for _order in range(2):
        factories.an_event(store, pixel)
    factories.an_event(store, other)

    busiest = page.get(f"/stores/{store.pk}/")
    asked = page.get(f"/stores/{store.pk}/", {"pixel": other.pk})

    assert [drawn(busiest), drawn(asked)] == [2, 1]
    assert texts(busiest, "option") == ["Main", "Other"]


def test_the_numbers_are_a_file_too(page: Client, store: Store, pixel: Pixel) -> None:
    factories.an_event(store, pixel)

    answer = page.get(f"/stores/{store.pk}/", {"format": "csv"})

    lines = answer.content.decode().splitlines()
    assert answer["Content-Disposition"] == 'attachment; filename="lyon-days.csv"'
    assert lines[0] == "Day,All,Reached Meta,Not to be sent,Waiting,On the way,Not delivered"
    assert sum(int(line.split(",")[2]) for line in lines[1:]) == 1


def test_a_store_that_sends_nothing_is_led_to_its_set_up(page: Client, store: Store) -> None:
    answer = page.get(f"/stores/{store.pk}/")

    assert texts(answer, "li", "need") == [
        "Nothing is sent to Meta: no mapping is in force. Go on with the set-up"
    ]


def test_a_shop_without_orders_shows_no_empty_plot(page: Client, store: Store) -> None:
    answer = page.get(f"/stores/{store.pk}/")

    assert texts(answer, "p", "said") == ["No order in the last 30 days."]
    assert texts(answer, "figure") == []


@pytest.mark.parametrize("orders", [1, 3])
def test_the_number_of_queries_does_not_grow(
    page: Client, store: Store, pixel: Pixel, orders: int
) -> None:
    for _order in range(orders):
        factories.an_event(store, pixel, state=State.WAITING, reason="payment")

    with CaptureQueriesContext(connection) as queries:
        page.get(f"/stores/{store.pk}/")

    assert len(asked(queries)) == 12


def test_a_day_that_is_none_is_left_out(page: Client, store: Store, pixel: Pixel) -> None:
    factories.an_event(store, pixel)

    answer = page.get(f"/stores/{store.pk}/orders/?on=2026-02-30")

    assert len(answer.context["page"].rows) == 1


def drawn(answer: object) -> int:
    """How many orders the plot shows."""
    plot = answer.context["home"].plot  # type: ignore[attr-defined]
    assert all(date.fromisoformat(row[0]) for row in plot.table.rows)
    return sum(row[1] for row in plot.table.rows)
