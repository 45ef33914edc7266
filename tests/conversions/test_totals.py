"""The totals say at any moment what counting the ledger would say."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction

from conversions import totals
from conversions.models import ConversionEvent, LedgerTotal, State
from sandbox.graph_api import GraphApi
from stores.sql import rows, run
from tests import factories
from tests.pipeline import a_kept_order, an_order, read_all, send_all

COUNTED = """
SELECT event.store_id, pixel_id, (event_time AT TIME ZONE %s)::date, event_name, state, currency,
       count(*), COALESCE(sum(value), 0)
FROM conversions_conversionevent AS event GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
"""
TOLD = """
SELECT store_id, pixel_id, day, event_name, state, currency, sum(events), sum(value)
FROM conversions_ledgertotal GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(events) <> 0
ORDER BY 1, 2, 3, 4, 5, 6
"""


def orders_of(store: Any) -> int:
    ((orders,),) = rows(
        "SELECT sum(orders) FROM conversions_ledgertotal WHERE store_id = %s", [store.pk]
    )
    return int(orders)


def test_the_totals_follow_events_from_their_first_sight_to_their_end(
    acme: SimpleNamespace, meta: GraphApi
) -> None:
    other = factories.a_pixel(acme.workspace, pixel_id="5555555555555", access_token="EAA-5")
    factories.a_mapping(acme.lyon, other, settings={"value": "net"})
    meta.dataset(other.pixel_id, token="EAA-5")
    steps: list[Callable[[], object]] = [
        lambda: a_kept_order(acme.lyon, an_order(1, financial_status="pending", minutes_ago=60)),
        lambda: a_kept_order(acme.lyon, an_order(2, minutes_ago=3000)),
        read_all,
        lambda: a_kept_order(acme.lyon, an_order(1, minutes_ago=50)),
        read_all,
        totals.merge,
        lambda: meta.fault("error", error="throttled_app"),
        lambda: send_all(meta),
        totals.merge,
        lambda: send_all(meta),
    ]
    for step in steps:
        step()
        assert rows(TOLD) == rows(COUNTED, ["UTC"])

    assert orders_of(acme.lyon) == 2
    assert {total[4] for total in rows(TOLD)} == {State.ACCEPTED, State.PENDING}


def test_merging_leaves_one_row_for_each_key(
    acme: SimpleNamespace, owe: Callable[..., list[ConversionEvent]], meta: GraphApi
) -> None:
    owe(1, 2, 3)
    send_all(meta)
    before = rows(TOLD)
    assert LedgerTotal.objects.filter(merged=False).count() > 1

    totals.merge()
    totals.merge()

    assert rows(TOLD) == before
    kept = LedgerTotal.objects.order_by("events")
    assert list(kept.values_list("state", "events", "orders", "merged")) == [
        (State.PENDING, 0, 3, True),
        (State.ACCEPTED, 3, 0, True),
    ]


def test_days_are_those_of_the_store_and_follow_it_to_another_zone(acme: SimpleNamespace) -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    factories.an_event(acme.lyon, acme.pixel, event_time=late)
    factories.an_event(acme.kitchen, acme.pixel, event_time=late)
    totals.merge()

    acme.lyon.time_zone = "Asia/Kathmandu"
    acme.lyon.save()

    days = LedgerTotal.objects.order_by("store").values_list("store", "day", "events", "orders")
    assert [(store, f"{day}", *counts) for store, day, *counts in days] == [
        (acme.lyon.pk, "2026-11-21", 1, 1),
        (acme.kitchen.pk, "2026-11-20", 1, 1),
    ]


def test_a_zone_that_the_database_does_not_know_costs_no_order(
    acme: SimpleNamespace, owe: Callable[..., list[ConversionEvent]], meta: GraphApi
) -> None:
    run("UPDATE stores_store SET time_zone = 'Mars/Olympus' WHERE id = %s", [acme.kitchen.pk])
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)

    event = factories.an_event(acme.kitchen, acme.pixel, event_time=late, state=State.PENDING)
    ConversionEvent.objects.filter(pk=event.pk).update(state=State.ACCEPTED)

    assert rows(TOLD) == rows(COUNTED, ["UTC"])
    assert rows(TOLD)[0][2:5] == (late.date(), "Purchase", State.ACCEPTED)


def test_who_moves_events_of_a_store_does_not_wait_for_who_else_does(
    acme: SimpleNamespace, owe: Callable[..., list[ConversionEvent]]
) -> None:
    first, second = owe(1, 2)
    totals.merge()

    def reject(pk: int) -> int:
        try:
            run("SET lock_timeout = '2s'")
            return ConversionEvent.objects.filter(pk=pk).update(state=State.REJECTED, reason="x")
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as elsewhere:
        ConversionEvent.objects.filter(pk=first.pk).update(state=State.REJECTED, reason="x")
        assert elsewhere.submit(reject, second.pk).result() == 1

    assert rows(TOLD) == rows(COUNTED, ["UTC"])


@pytest.mark.parametrize("moments", [timedelta(0), timedelta(days=1)])
def test_an_order_counts_once_however_often_it_is_told(
    acme: SimpleNamespace, moments: timedelta
) -> None:
    other = factories.a_pixel(acme.workspace)
    first = datetime.now(UTC) - timedelta(days=2)
    factories.an_event(acme.lyon, acme.pixel, order_id="7", event_time=first)
    factories.an_event(acme.lyon, other, order_id="7", event_time=first + moments)

    assert orders_of(acme.lyon) == 1
