"""Check 9: which copy counts. Times are those of the simulated clock."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from graph_client import DAY, GONE, HOUR, NOW, PIXEL, post, purchase

from sandbox.graph_api import GraphApi

MINUTE = 60
OTHER_PIXEL = "999"
FBP = f"fb.1.{(NOW - DAY) * 1000}.1098115397"  # as in every purchase() of these tests

# First copy, second copy, seconds between; verdicts of both, why, and whether Meta might count two.
# A copy is (source, event id).
TRUTH_TABLE: list[tuple[str, tuple[str, str | None], tuple[str, str | None], int, Any]] = [
    ("browser first", ("browser", "1"), ("server", "1"), MINUTE,
     ("counted", "dropped", "event_id", False)),
    ("browser first, just within 48 h", ("browser", "1"), ("server", "1"), 48 * HOUR,
     ("counted", "dropped", "event_id", False)),
    ("browser first, after 48 h", ("browser", "1"), ("server", "1"), 48 * HOUR + 1,
     ("counted", "counted", "after_48_hours", True)),
    ("server first, browser within 5 minutes", ("server", "1"), ("browser", "1"), 5 * MINUTE,
     ("dropped", "counted", "browser_preferred", False)),
    ("server first, browser after 5 minutes", ("server", "1"), ("browser", "1"), 5 * MINUTE + 1,
     ("counted", "dropped", "event_id", False)),
    ("server twice", ("server", "1"), ("server", "1"), MINUTE,
     ("counted", "dropped", "event_id", True)),
    ("server twice, after 48 h", ("server", "1"), ("server", "1"), 48 * HOUR + 1,
     ("counted", "counted", "after_48_hours", True)),
    ("browser twice", ("browser", "1"), ("browser", "1"), MINUTE,
     ("counted", "dropped", "event_id", True)),
    ("different ids", ("browser", "1"), ("server", "2"), MINUTE,
     ("counted", "counted", "", False)),
    ("same person, no id, browser first", ("browser", None), ("server", "1"), MINUTE,
     ("counted", "dropped", "fallback", False)),
    ("same person, no id, after 48 h", ("browser", None), ("server", "1"), 48 * HOUR + 1,
     ("counted", "counted", "", False)),
    ("same person, no id, server first", ("server", None), ("browser", "1"), MINUTE,
     ("counted", "counted", "server_first", True)),
    ("same person, no ids, server twice", ("server", None), ("server", None), MINUTE,
     ("counted", "counted", "", False)),
]  # fmt: skip


def tell(graph: GraphApi, source: str, event_id: str | None, *, pixel: str = PIXEL) -> None:
    if source == "browser":
        graph.browser_event(pixel, event_id=event_id, fbp=FBP, value=25.5, currency="EUR")
        return
    event = purchase(event_id=event_id or GONE, event_time=int(graph.world.clock.now()))
    assert post(graph, event, pixel=pixel).status_code == 200


@pytest.mark.parametrize(
    ("first", "second", "seconds", "expected"),
    [row[1:] for row in TRUTH_TABLE],
    ids=[row[0] for row in TRUTH_TABLE],
)
def test_two_copies_are_settled_as_meta_says(
    graph: GraphApi,
    first: tuple[str, str | None],
    second: tuple[str, str | None],
    seconds: int,
    expected: tuple[str, str, str, bool],
) -> None:
    tell(graph, *first)
    graph.set_clock(NOW + seconds)
    tell(graph, *second)

    one, two = graph.events()
    assert (
        one.verdict,
        two.verdict,
        one.because or two.because,
        two.double_count_risk,
    ) == expected
    assert graph.books(PIXEL)["counted"] == (one.verdict, two.verdict).count("counted")


def test_the_window_opens_with_the_first_copy_and_duplicates_do_not_move_it(
    graph: GraphApi,
) -> None:
    for hours in (0, 40, 49):
        graph.set_clock(NOW + hours * HOUR)
        tell(graph, "server", "1")

    assert [entry.verdict for entry in graph.events()] == ["counted", "dropped", "counted"]


def test_a_third_copy_meets_the_one_that_was_kept(graph: GraphApi) -> None:
    tell(graph, "server", "1")
    tell(graph, "browser", "1")
    tell(graph, "server", "1")

    assert [entry.verdict for entry in graph.events()] == ["dropped", "counted", "dropped"]
    assert graph.events()[2].duplicate_of == 2


def test_a_duplicate_is_answered_like_any_other_event(graph: GraphApi) -> None:
    post(graph, purchase())

    response = post(graph, purchase())

    assert response.json()["events_received"] == 1
    assert graph.books(PIXEL)["duplicates"] == 1


def test_another_dataset_counts_again(graph: GraphApi) -> None:
    graph.dataset(OTHER_PIXEL, token="EAA-test")

    tell(graph, "server", "1")
    tell(graph, "server", "1", pixel=OTHER_PIXEL)

    assert [entry.verdict for entry in graph.events()] == ["counted", "counted"]
    assert graph.books(OTHER_PIXEL)["double_count_risks"] == 0


def test_another_event_name_counts_again(graph: GraphApi) -> None:
    post(graph, purchase(), purchase(event_name="Subscribe"))

    assert graph.books(PIXEL)["counted"] == 2


def test_the_fallback_also_works_by_external_id(graph: GraphApi) -> None:
    graph.browser_event(PIXEL, external_id="customer-7")

    post(graph, purchase({"user_data.external_id": ["customer-7"], "user_data.fbp": GONE}))

    assert graph.events()[1].because == "fallback"


def test_messaging_events_are_never_deduplicated(graph: GraphApi) -> None:
    chat = {
        "action_source": "business_messaging",
        "messaging_channel": "messenger",
        "user_data": {"page_id": "1", "page_scoped_user_id": "2"},
    }

    post(graph, purchase(chat), purchase(chat))

    assert graph.books(PIXEL)["counted"] == 2


@pytest.mark.parametrize(
    ("changes", "later", "verdict"),
    [
        ({}, 0, "dropped"),
        ({"event_id": "another"}, 0, "dropped"),
        ({}, 7 * DAY, "dropped"),
        ({}, 7 * DAY + 1, "counted"),
        ({"custom_data.order_id": "1002"}, 0, "counted"),
        ({"custom_data.item_number": "2"}, 0, "counted"),
        ({"event_time": NOW - 61}, 0, "counted"),
    ],
    ids=[
        "same",
        "other id",
        "in 7 days",
        "after 7 days",
        "other order",
        "other item",
        "other time",
    ],
)
def test_store_events_are_settled_by_order_and_time(
    graph: GraphApi, changes: dict[str, Any], later: int, verdict: str
) -> None:
    in_store = {"action_source": "physical_store"}

    post(graph, purchase(in_store))
    graph.set_clock(NOW + later)
    post(graph, purchase(in_store | changes))

    assert graph.events()[1].verdict == verdict


def test_store_events_without_an_order_are_settled_by_person(graph: GraphApi) -> None:
    in_store = {"action_source": "physical_store", "custom_data.order_id": GONE}

    post(graph, purchase(in_store), purchase(in_store))
    post(graph, purchase(in_store | {"user_data.fbp": GONE}))

    assert [entry.verdict for entry in graph.events()] == ["counted", "dropped", "counted"]


def test_store_events_never_meet_web_events(graph: GraphApi) -> None:
    post(graph, purchase(), purchase(action_source="physical_store"))

    assert graph.books(PIXEL)["counted"] == 2


def test_the_value_is_added_up_exactly_per_currency(graph: GraphApi) -> None:
    for number, (value, currency) in enumerate(
        [(0.1, "EUR"), (0.2, "eur"), (0.2, "EUR"), ("1200", "JPY"), (1.25, "KWD")]
    ):
        changes = {"custom_data.value": value, "custom_data.currency": currency}
        post(graph, purchase({"event_id": str(number)} | changes))
    post(graph, purchase(event_id="0"))  # a duplicate adds nothing

    assert graph.books(PIXEL)["value"] == {"EUR": "0.5", "JPY": "1200", "KWD": "1.25"}


def test_two_threads_posting_the_same_event_count_once(graph: GraphApi) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(graph, purchase()).json(), range(40)))

    assert {answer["events_received"] for answer in answers} == {1}
    assert len({answer["fbtrace_id"] for answer in answers}) == 40
    assert graph.books(PIXEL)["received"] == 40
    assert graph.books(PIXEL)["counted"] == 1
