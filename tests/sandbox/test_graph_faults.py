"""Check 5: misbehaviour on request."""

import gzip
import json
import time
from typing import Any

import pytest
import requests
from graph_client import PIXEL, TOKEN, get, numbers, open_and_send, post, purchase, raw_exchange

from sandbox.graph.errors import KINDS as ERRORS
from sandbox.graph.faults import KINDS
from sandbox.graph_api import GraphApi

REAL_ERRORS = [
    ("throttled_app", (400, 4, None)),
    ("throttled_account", (400, 17, 2446079)),
    ("throttled_page", (400, 32, None)),
    ("throttled_burst", (400, 613, 1487742)),
    ("throttled_abuse", (400, 613, None)),
    ("throttled_business", (400, 80004, 2446079)),
    ("unknown", (500, 1, 99)),
    ("unavailable", (503, 2, None)),
    ("application_limit", (400, 341, None)),
    ("policy_block", (400, 368, None)),
    ("not_ready", (400, 21009, None)),
    ("too_many_parameters", (400, 105, None)),
    ("object_not_found", (404, 100, 34)),
]


@pytest.mark.parametrize(("name", "expected"), REAL_ERRORS)
def test_a_named_error_is_answered_with_metas_numbers(
    graph: GraphApi, name: str, expected: tuple[int, int, int | None]
) -> None:
    graph.fault("error", error=name)

    response = post(graph, purchase())

    assert numbers(response) == expected
    assert response.json()["error"]["is_transient"] == ERRORS[name].transient
    assert graph.received == []


def test_a_throttle_tells_when_access_returns(graph: GraphApi) -> None:
    graph.fault("error", error="throttled_business")

    headers = post(graph, purchase()).headers

    business = json.loads(headers["X-Business-Use-Case-Usage"])[PIXEL][0]
    assert business["estimated_time_to_regain_access"] == 5
    assert business["type"] == "ads_management"
    assert json.loads(headers["X-App-Usage"])["call_count"] == 100


def test_a_usual_answer_can_carry_usage_headers(graph: GraphApi) -> None:
    graph.fault("normal", headers={"X-App-Usage": '{"call_count":95}'})

    response = post(graph, purchase())

    assert response.headers["X-App-Usage"] == '{"call_count":95}'
    assert response.json()["events_received"] == 1


def test_any_answer_can_be_scripted(graph: GraphApi) -> None:
    graph.will_answer(429, {"error": {"code": 4}}, times=2, headers={"Retry-After": "-1"})

    first, second, third = (post(graph, purchase()) for _ in range(3))

    assert (first.status_code, second.status_code, third.status_code) == (429, 429, 200)
    assert first.json() == {"error": {"code": 4}}
    assert first.headers["Retry-After"] == "-1"
    assert len(graph.received) == 1


@pytest.mark.parametrize(
    ("details", "struck"),
    [
        ({}, [True, False, False]),
        ({"times": 2}, [True, True, False]),
        ({"times": None}, [True, True, True]),
        ({"number": 2}, [False, True, False]),
        ({"pixel": PIXEL}, [True, False, False]),
        ({"pixel": "999"}, [False, False, False]),
        ({"edge": "dataset"}, [False, False, False]),
    ],
    ids=str,
)
def test_a_fault_strikes_the_requests_it_names(
    graph: GraphApi, details: dict[str, Any], struck: list[bool]
) -> None:
    graph.fault("html", **details)

    answers = [post(graph, purchase()).status_code for _ in range(3)]

    assert answers == [503 if hit else 200 for hit in struck]


def test_a_fault_can_be_about_one_event_whoever_is_beside_it(graph: GraphApi) -> None:
    graph.fault("error", error="parameter", event_id="bad", times=None)

    batches = [["good", "bad"], ["good"], ["bad"]]
    answers = [
        post(graph, *(purchase(event_id=event_id) for event_id in batch)).status_code
        for batch in batches
    ]

    assert answers == [400, 200, 400]
    assert [event["event_id"] for event in graph.received] == ["good"]


def test_a_fault_lasts_until_it_is_cleared(graph: GraphApi) -> None:
    graph.fault("html", times=None)
    post(graph, purchase())

    graph.clear_faults()

    assert post(graph, purchase()).status_code == 200


def test_the_reading_endpoints_can_fail_too(graph: GraphApi) -> None:
    graph.fault("error", error="throttled_app", edge="debug_token")

    response = get(graph, "/v26.0/debug_token", input_token=TOKEN)

    assert numbers(response) == (400, 4, None)


def test_a_fault_waits_for_a_request_whose_token_and_dataset_are_good(graph: GraphApi) -> None:
    graph.fault("html")

    stranger = post(graph, purchase(), token="nobody")
    known = post(graph, purchase())

    assert stranger.status_code == 401
    assert known.status_code == 503


@pytest.mark.parametrize(
    ("kind", "details", "stored"),
    [
        ("garbage", {}, 0),
        ("wrong_types", {}, 0),
        ("html", {}, 0),
        ("html", {"stores": True, "status": 500}, 1),
        ("redirect", {"status": 307}, 0),
        ("answer", {"stores": True, "status": 502}, 1),
        ("delay", {"seconds": 0}, 1),
        ("delay", {"seconds": 0, "stores": False}, 0),
    ],
)
def test_each_fault_says_whether_the_events_were_stored(
    graph: GraphApi, kind: str, details: dict[str, Any], stored: int
) -> None:
    graph.fault(kind, **details)

    response = post(graph, purchase())

    assert len(graph.received) == stored
    assert graph.requests[-1].outcome == f"fault:{kind}"
    assert graph.requests[-1].status == response.status_code


def test_garbage_is_no_json_and_wrong_types_are(graph: GraphApi) -> None:
    graph.fault("garbage")
    graph.fault("wrong_types")

    garbage, wrong = post(graph, purchase()), post(graph, purchase())

    assert (garbage.status_code, wrong.status_code) == (200, 200)
    assert b"\xff" in garbage.content
    assert wrong.json() == {"events_received": "1", "messages": {}, "fbtrace_id": [1]}


def test_a_redirect_names_another_place(graph: GraphApi) -> None:
    graph.fault("redirect", location="https://elsewhere.example/")

    response = post(graph, purchase())

    assert response.status_code == 302
    assert response.headers["Location"] == "https://elsewhere.example/"


@pytest.mark.parametrize("told", [0, 1])
def test_fewer_events_received_are_fewer_stored(graph: GraphApi, told: int) -> None:
    graph.fault("count", events_received=told)

    response = post(graph, purchase(), purchase(event_id="2"))

    assert response.json()["events_received"] == told
    assert len(graph.received) == told


def test_an_invalid_batch_is_refused_even_where_a_fault_would_store_it(graph: GraphApi) -> None:
    graph.fault("cut")

    response = post(graph, purchase(event_time="x"))

    assert numbers(response) == (400, 100, 2804019)


@pytest.mark.parametrize(("kind", "stored"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_is_a_reset_and_only_the_books_know_more(
    graph: GraphApi, kind: str, stored: int
) -> None:
    graph.fault(kind)

    with pytest.raises(requests.ConnectionError):
        post(graph, purchase())

    assert len(graph.received) == stored
    assert graph.requests[-1].status is None


def test_an_answer_can_be_cut_in_the_middle(graph: GraphApi) -> None:
    graph.fault("cut")

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        post(graph, purchase())

    assert len(graph.received) == 1


@pytest.mark.parametrize(("kind", "head"), [("hang", b""), ("silence", b"HTTP/1.1 200 OK\r\n")])
def test_a_hanging_answer_ends_when_its_time_is_over(
    graph: GraphApi, kind: str, head: bytes
) -> None:
    graph.fault(kind, seconds=0.3)

    received, took = raw_exchange(graph)

    assert received[: len(head) or None] == head
    assert took >= 0.3


@pytest.mark.parametrize("end", ["reset", "stop"])
def test_an_answer_that_never_comes_ends_with_the_sandbox(end: str) -> None:
    with GraphApi(open=True) as graph:
        graph.fault("silence")
        with open_and_send(graph) as connection:
            head = connection.recv(1000)
            graph.reset() if end == "reset" else graph.stop()
            rest = connection.recv(1000)

    assert head.startswith(b"HTTP/1.1 200 OK")
    assert rest == b""


def test_an_answer_can_drip(graph: GraphApi) -> None:
    graph.fault("drip", seconds=0.02, chunk=10)

    started = time.monotonic()
    response = post(graph, purchase())

    assert response.json()["events_received"] == 1
    assert time.monotonic() - started >= 0.02 * (len(response.content) // 10)


def test_an_answer_can_be_late(graph: GraphApi) -> None:
    graph.fault("delay", seconds=0.3)

    started = time.monotonic()
    response = post(graph, purchase())

    assert response.status_code == 200
    assert time.monotonic() - started >= 0.3


def test_an_answer_can_be_huge(graph: GraphApi) -> None:
    graph.fault("huge", size=1_000_000)

    assert len(post(graph, purchase()).content) > 1_000_000


def test_an_answer_can_be_a_gzip_bomb(graph: GraphApi) -> None:
    graph.fault("gzip_bomb", size=5_000_000)

    received, _ = raw_exchange(graph)

    head, _, body = received.partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert len(body) < 10_000
    assert len(gzip.decompress(body)) == 5_000_000


def test_anything_at_all_can_be_sent(graph: GraphApi) -> None:
    graph.fault("raw", body="HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}")

    received, _ = raw_exchange(graph)

    assert received.count(b"Content-Length") == 2


@pytest.mark.parametrize(
    ("kind", "details", "message"),
    [
        ("explode", {}, "kind 'explode': use one of answer, error"),
        ("error", {"error": "tired"}, "error 'tired': use one of"),
        ("html", {"edge": "audience"}, "edge 'audience': use one of events"),
    ],
)
def test_a_fault_that_is_none_is_an_error_of_the_test(
    graph: GraphApi, kind: str, details: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        graph.fault(kind, **details)


@pytest.mark.parametrize("kind", KINDS)
def test_no_fault_breaks_the_sandbox(graph: GraphApi, kind: str, capfd: Any) -> None:
    graph.fault(
        kind, error="unknown", seconds=0.01, size=1000, chunk=50, body="HTTP/1.1 200 OK\r\n\r\n"
    )

    raw_exchange(graph)

    assert post(graph, purchase(event_id="after")).status_code == 200
    assert capfd.readouterr().err == ""
