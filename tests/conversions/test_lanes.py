"""Two lanes: what has just happened goes before what a shop is catching up with."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models import F

from conversions import claiming, sending, stopping, tasks
from conversions.models import ConversionEvent, Lane, PixelQueue
from sandbox.graph_api import GraphApi
from tests.pipeline import send_all

OLD = {"minutes_ago": 12 * 60}


@pytest.fixture
def worker(meta: GraphApi, settings: Any) -> Iterator[None]:
    """The task, sending to Meta's stand-in."""
    settings.META_GRAPH_URL = meta.url
    tasks.graph_client.cache_clear()
    yield
    tasks.graph_client.cache_clear()


def arrived(meta: GraphApi) -> list[int]:
    return [int(event["event_id"]) for event in meta.received]


def test_old_news_is_a_back_fill(owe: Callable[..., list[ConversionEvent]]) -> None:
    (live,), (late,) = owe(1), owe(2, **OLD)

    assert (live.lane, late.lane) == (Lane.LIVE, Lane.BACKFILL)


def test_live_orders_go_before_a_back_fill_of_the_same_pixel(
    meta: GraphApi, owe: Callable[..., list[ConversionEvent]], worker: None
) -> None:
    owe(1, 2, 3, **OLD)
    owe(4)

    tasks.send_due.run()

    assert arrived(meta) == [4, 1, 2, 3]
    assert [request.event_ids for request in meta.requests] == [("4",), ("1", "2", "3")]


def test_what_comes_while_a_back_fill_waits_its_turn_goes_along_with_it_first(
    meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
) -> None:
    owe(1, 2, **OLD)
    owe(3)

    claim = claiming.claim_turn(Lane.BACKFILL)

    orders = ConversionEvent.objects.in_bulk([event.id for event in claim.groups[0]])
    assert [orders[event.id].order_id for event in claim.groups[0]] == ["3", "1", "2"]


def test_a_back_fill_is_nobodys_turn_in_the_live_lane(
    meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
) -> None:
    owe(1, **OLD)

    assert send_all(meta) == 0


def test_each_lane_serves_the_pixel_it_has_served_longest_ago(
    acme: SimpleNamespace,
    meta: GraphApi,
    two_pixels: SimpleNamespace,
    owe: Callable[..., list[ConversionEvent]],
) -> None:
    owe(1, **OLD)
    owe(101, store=two_pixels.store, **OLD)
    mine = PixelQueue.objects.filter(pixel=acme.pixel)
    mine.update(
        backfill_served_at=F("backfill_served_at") + timedelta(hours=1),
        served_at=F("served_at") - timedelta(hours=1),
    )

    claim = claiming.claim_turn(Lane.BACKFILL)

    assert claim.pixel == two_pixels.pixel
    queue = PixelQueue.objects.get(pixel=two_pixels.pixel)
    assert queue.backfill_served_at > queue.served_at


def test_a_back_fill_gets_no_more_than_its_quarter_of_the_slots(
    meta: GraphApi,
    owe: Callable[..., list[ConversionEvent]],
    worker: None,
) -> None:
    owe(1, **OLD)
    owe(2)
    taken = 0
    while tasks.backfill_slots.acquire(blocking=False):
        taken += 1

    tasks.send_due.run()
    without_a_slot = arrived(meta)
    tasks.backfill_slots.release(taken)
    tasks.send_due.run()

    assert taken == 3  # of twelve
    assert (without_a_slot, arrived(meta)) == ([2], [2, 1])


def test_a_worker_that_is_asked_to_stop_begins_nothing_more(
    meta: GraphApi,
    owe: Callable[..., list[ConversionEvent]],
    worker: None,
) -> None:
    owe(1)
    owe(2, **OLD)
    stopping.begin_nothing_more()
    try:
        tasks.send_due.run()
    finally:
        stopping._asked.clear()

    assert meta.requests == []


def test_a_turn_that_is_given_up_on_the_way_leaves_no_lease_and_no_open_attempt(
    acme: SimpleNamespace, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
) -> None:
    owe(1, 2, 3, 4)
    meta.fault("html", status=413)  # halve it, says Meta

    sending.send_next(
        graph=sending.GraphClient(url=meta.url, version="v26.0"),
        call_colleague=lambda: None,
        may_go_on=lambda: False,
    )

    queue = PixelQueue.objects.get()
    assert (queue.lease_token, queue.not_before <= datetime.now(UTC)) == (None, True)
    assert len(meta.requests) == 1
    assert send_all(meta) == 1
    assert sorted(arrived(meta)) == [1, 2, 3, 4]
