"""The fleet by day: its sums are those of the stores' pages, and what is most at risk stands first."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversions.models import State
from stores.models import Store
from tests import factories
from tests.dashboard.reading import asked, attributes, texts


def orders(store: Store, pixel: object, *states: str, days_ago: int = 0) -> None:
    for state in states:
        factories.an_event(
            store,
            pixel,  # type: ignore[arg-type]  # a Pixel
            state=state,
            value=Decimal(10),
            event_time=timezone.now() - timedelta(days=days_ago),
        )


@pytest.fixture
def fleet(acme: SimpleNamespace) -> SimpleNamespace:
    orders(acme.kitchen, acme.pixel, *["accepted"] * 19, "expired", days_ago=2)
    orders(acme.kitchen, acme.pixel, "accepted", "skipped", "waiting")
    orders(acme.lyon, acme.pixel, "accepted", "pending", "in_doubt", "rejected", days_ago=1)
    return acme


def test_the_most_at_risk_stands_first_and_each_day_leads_to_its_orders(
    owner: Client, fleet: SimpleNamespace
) -> None:
    answer = owner.get("/fleet/")

    first, second = answer.context["heat"].rows
    assert (first.store, first.orders, first.money) == (fleet.lyon, 3, "30.00\xa0EUR")
    assert (second.store, second.orders, second.money) == (fleet.kitchen, 1, "10.00\xa0EUR")
    assert [cell.percent for cell in first.cells[-3:]] == [None, 25, None]
    assert [(cell.percent, cell.css) for cell in second.cells[-3:]] == [
        (95, "fair"),
        (None, "none"),
        (100, "whole"),
    ]
    day = (timezone.now() - timedelta(days=1)).date().isoformat()
    (link,) = [
        href for href in attributes(answer, "a", "href") if f"/{fleet.lyon.pk}/orders/" in href
    ]
    assert link == f"/stores/{fleet.lyon.pk}/orders/?on={day}"
    assert len(owner.get(link).context["page"].rows) == 4


def test_its_sums_are_those_of_the_stores_pages(owner: Client, fleet: SimpleNamespace) -> None:
    rows = owner.get("/fleet/").context["heat"].rows

    for row in rows:
        counts = dict(owner.get(f"/stores/{row.store.pk}/orders/").context["chips"])
        missing = [counts[state] for state in ("pending", "in_doubt", "rejected", "expired")]
        assert row.orders == sum(missing)


def test_only_what_is_whole_is_a_hundred(owner: Client, acme: SimpleNamespace) -> None:
    orders(acme.lyon, acme.pixel, *["accepted"] * 999, "rejected")

    (row, _other) = owner.get("/fleet/").context["heat"].rows

    assert (row.cells[-1].percent, row.cells[-1].css) == (99, "good")


def test_the_file_has_a_row_for_each_store(owner: Client, fleet: SimpleNamespace) -> None:
    lines = owner.get("/fleet/?format=csv").content.decode().splitlines()

    assert len(lines) == 3
    assert lines[1].startswith("lyon,3,30.00\xa0EUR,,")


def test_the_number_of_queries_does_not_grow_with_the_stores(
    owner: Client, fleet: SimpleNamespace
) -> None:
    for _number in range(5):
        factories.a_store(fleet.workspace)

    with CaptureQueriesContext(connection) as queries:
        owner.get("/fleet/")

    assert len(asked(queries)) == 5  # session, user; stores, totals; whether one may change any


def test_where_all_is_there_it_says_so_and_a_stranger_sees_none(
    owner: Client, client: Client, acme: SimpleNamespace
) -> None:
    orders(acme.lyon, acme.pixel, State.ACCEPTED)
    assert "Whatever was due in the last 30 days is at Meta." in texts(owner.get("/fleet/"), "p")

    client.force_login(factories.a_member(factories.a_workspace("elsewhere"), "charlie"))
    assert client.get("/fleet/").context["heat"].rows == []
