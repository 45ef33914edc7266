"""Checks 6 and 7: the shapes a batch may have, and its limits."""

import json
import socket
from typing import Any

import pytest
import requests
from graph_client import PIXEL, TOKEN, numbers, post, purchase

from sandbox.graph_api import GraphApi

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def send(graph: GraphApi, **request: Any) -> requests.Response:
    headers = HEADERS | request.pop("headers", {})
    url = f"{graph.url}/v26.0/{PIXEL}/events"
    return requests.post(url, headers=headers, timeout=10, **request)


SHAPES = {
    "json": {"json": {"data": [purchase(event_id="a"), purchase(event_id="b")]}},
    "json strings in a list": {
        "json": {"data": [json.dumps(purchase(event_id=key)) for key in "ab"]}
    },
    "a json string": {
        "json": {"data": json.dumps([purchase(event_id="a"), purchase(event_id="b")])}
    },
    "form": {"data": {"data": json.dumps([purchase(event_id="a"), purchase(event_id="b")])}},
    "form with indices": {
        "data": {
            "data[1]": json.dumps(purchase(event_id="b")),
            "data[0]": json.dumps(purchase(event_id="a")),
        }
    },
    "multipart": {
        "files": {
            "data": (None, json.dumps([purchase(event_id="a"), purchase(event_id="b")])),
        }
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_meta_accepts_is_read(graph: GraphApi, shape: str) -> None:
    response = send(graph, **SHAPES[shape])

    assert response.json()["events_received"] == 2
    assert [event["event_id"] for event in graph.received] == ["a", "b"]


def test_a_chunked_body_is_read(graph: GraphApi) -> None:
    body = json.dumps({"data": [purchase()]}).encode()

    response = send(graph, data=iter([body[:100], body[100:]]))

    assert response.json()["events_received"] == 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[]", b'"data"', b"NaN", b'{"data":' + b"[" * 100_000]
)
def test_a_body_that_is_no_json_object_is_refused_by_name(graph: GraphApi, body: bytes) -> None:
    response = send(graph, data=body, headers={"Content-Type": "application/json"})

    assert numbers(response) == (400, 100, 2804019)
    assert "$['data']" in response.json()["error"]["error_user_msg"]


@pytest.mark.parametrize(
    "data", [None, {}, 7, "no json", [], [purchase()] * 1001], ids=lambda data: str(data)[:9]
)
def test_data_must_be_a_list_of_1_to_1000(graph: GraphApi, data: object) -> None:
    response = send(graph, json={"data": data})

    assert numbers(response) == (400, 100, None)
    assert graph.received == []


def test_a_thousand_events_are_taken_at_once(graph: GraphApi) -> None:
    response = post(graph, *[purchase(event_id=str(number)) for number in range(1000)])

    assert response.json()["events_received"] == 1000
    assert graph.books(PIXEL)["counted"] == 1000


def test_one_bad_event_takes_the_whole_batch_down(graph: GraphApi) -> None:
    batch = [purchase(event_id=str(number)) for number in range(10)]
    batch[7]["event_time"] = None

    response = post(graph, *batch)

    assert "$['data'][7]['event_time']" in response.json()["error"]["error_user_msg"]
    assert graph.received == []
    assert graph.books(PIXEL)["refused"] == 10


@pytest.mark.parametrize("name", ["test_event_code", "partner_agent"])
def test_the_words_about_the_sender_are_strings_and_are_remembered(
    graph: GraphApi, name: str
) -> None:
    good = post(graph, purchase(), **{name: "TEST123"})
    bad = post(graph, purchase(), **{name: 5})

    assert good.status_code == 200
    assert getattr(graph.events()[0], name) == "TEST123"
    assert numbers(bad) == (400, 100, None)


def test_a_body_over_the_limit_is_refused_whole(graph: GraphApi) -> None:
    graph.settings(largest_body=1000)

    response = post(graph, purchase(), padding="x" * 1000)

    assert numbers(response) == (413, 1, None)
    assert graph.received == []


def test_a_client_that_leaves_in_the_middle_of_its_body_stores_nothing(graph: GraphApi) -> None:
    host, port = graph.url.removeprefix("http://").split(":")
    body = json.dumps({"data": [purchase()]}).encode()
    head = f"POST /v26.0/{PIXEL}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(f"{head}Content-Length: {len(body) + 1}\r\n\r\n".encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(100)

    assert answer == b""
    assert graph.received == []
