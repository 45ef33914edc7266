"""A stream of orders loses none of them; a line of time keeps its order; a change is drawn both ways."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from conversions.models import ConversionEvent, SendAttempt
from dashboard.charts import WIDTH
from dashboard.daily import DayCount
from dashboard.difference import difference_plot
from dashboard.flow import HEIGHT, flow
from dashboard.timeline import SCALE, place, timeline
from purchases.what_if import Change, WhatIf
from stores.models import Pixel

MAIN, BRAND = Pixel(pk=1, name="Main", pixel_id="111"), Pixel(pk=2, pixel_id="222")
TOLD_AT = datetime(2026, 11, 21, 14, 3, tzinfo=UTC)


def counted(pixel: Pixel, state: str, events: int) -> DayCount:
    return DayCount(
        day=date(2026, 11, 21),
        pixel=pixel.pk,
        event_name="Purchase",
        state=state,
        currency="EUR",
        events=events,
        value=Decimal(),
    )


def test_a_stream_tells_of_each_dataset_and_outcome_and_loses_no_order() -> None:
    counts = [
        counted(MAIN, "accepted", 30),
        counted(MAIN, "in_doubt", 2),
        counted(MAIN, "pending", 1),
        counted(BRAND, "skipped", 7),
    ]

    drawn = flow(counts, pixels=[MAIN, BRAND], ledger="/orders/")

    assert drawn is not None
    assert drawn.orders == "40"
    assert drawn.datasets == [("222", "7"), ("Main", "33")]
    assert list(drawn.table.rows) == [
        ("222", "Not to be sent", "7"),
        ("Main", "Reached Meta", "30"),
        ("Main", "On the way", "3"),
    ]
    assert list(drawn.table.links) == [
        "/orders/?pixel=2&state=skipped",
        "/orders/?pixel=1&state=accepted",
        "/orders/?pixel=1",
    ]
    assert len(drawn.bands) == 2 + 3  # to the datasets, and on
    source, *_rest = drawn.nodes
    assert sum(node.height for node in drawn.nodes) == pytest.approx(3 * source.height)
    assert max(node.y + node.height for node in drawn.nodes) <= HEIGHT + 0.01


def test_days_without_an_order_are_no_stream() -> None:
    assert flow([counted(MAIN, "accepted", 0)], pixels=[MAIN], ledger="") is None


def test_each_step_of_the_line_takes_the_same_share_and_nothing_leaves_it() -> None:
    step = WIDTH / len(SCALE)

    assert [place(end) for end in SCALE] == pytest.approx(
        [step * number for number in range(1, len(SCALE) + 1)]
    )
    assert (place(0), place(10**9)) == (0, WIDTH)


def test_a_line_tells_when_it_was_placed_told_sent_and_accepted() -> None:
    event = ConversionEvent(
        event_time=TOLD_AT - timedelta(hours=3),
        received_at=TOLD_AT,
        accepted_at=TOLD_AT + timedelta(seconds=4),
    )
    attempts = [SendAttempt(started_at=TOLD_AT + timedelta(seconds=late)) for late in (1, 3)]

    assert timeline(event, attempts=[]) is None
    line = timeline(event, attempts=attempts)
    assert line is not None

    assert [(key.label, key.total) for key in line.keys] == [
        ("Placed", "−3\xa0h"),
        ("Told by the shop", "+0\xa0s"),
        ("Request to Meta", "+3\xa0s"),
        ("Accepted", "+4\xa0s"),
    ]
    assert [bar.css for bar in line.bars] == ["waiting", "pending", "pending", "accepted"]
    assert sorted(float(bar.x) for bar in line.bars) == [float(bar.x) for bar in line.bars]


def test_what_a_change_gains_stands_above_the_middle_and_what_it_loses_below() -> None:
    change = Change(
        pixel_id="111",
        event="Purchase",
        reported_before=9,
        reported_after=6,
        gained=2,
        gained_money={},
        lost=5,
        lost_money={},
        revalued=0,
        revalued_money={},
        samples=(),
    )

    plot = difference_plot(
        WhatIf(orders=9, changes=(change,), to_several_before=0, to_several_after=0)
    )

    up, down = plot.bars
    assert float(up.y) + float(up.height) == pytest.approx(100)
    assert (float(down.y), float(down.height)) == (100, 100)
    assert plot.summary == "Purchase → 111: +2 −5"
