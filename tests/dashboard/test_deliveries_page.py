import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stores.models import Store
from tests import factories
from tests.dashboard.reading import asked, texts


def test_every_delivery_says_what_was_made_of_it(page: Client, store: Store) -> None:
    factories.a_delivery(store, order_id="1042", repeats=2)
    factories.a_delivery(
        store, topic="refunds/create", state="skipped", reason="refund", order_id=""
    )
    factories.a_delivery(
        store, state="unreadable", reason="bad_money", detail="total_price", order_id=""
    )

    answer = page.get(f"/stores/{store.pk}/deliveries/")

    assert texts(answer, "td") == [
        "orders/paid",
        "–",
        "Unreadable One of its amounts is not a number. total_price",
        "refunds/create",
        "–",
        "Skipped It tells of a refund, not of an order.",
        "orders/paid",
        "1042",
        "Recorded It came 2 more times, and counted once.",
    ]


def test_deliveries_are_filtered_by_state(page: Client, store: Store) -> None:
    factories.a_delivery(store)
    unreadable = factories.a_delivery(store, state="unreadable", reason="not_json", order_id="")

    answer = page.get(f"/stores/{store.pk}/deliveries/", {"state": "unreadable"})

    assert answer.context["page"].rows == [unreadable]


def test_a_state_that_no_delivery_is_in_offers_all_of_them(page: Client, store: Store) -> None:
    answer = page.get(f"/stores/{store.pk}/deliveries/", {"state": "forgotten"})

    assert texts(answer, "h2") == ["No delivery to show"]


def test_another_stores_deliveries_stay_out(page: Client, store: Store) -> None:
    factories.a_delivery(factories.a_store(store.workspace))
    factories.a_delivery(None)

    answer = page.get(f"/stores/{store.pk}/deliveries/")

    assert answer.context["page"].rows == []


@pytest.mark.parametrize("deliveries", [1, 3])
def test_the_number_of_queries_does_not_grow_with_the_deliveries(
    page: Client, store: Store, deliveries: int
) -> None:
    for _number in range(deliveries):
        factories.a_delivery(store)

    with CaptureQueriesContext(connection) as queries:
        page.get(f"/stores/{store.pk}/deliveries/")

    # session, user; store, deliveries, last delivery
    assert len(asked(queries)) == 4
