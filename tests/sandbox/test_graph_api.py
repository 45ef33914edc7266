"""The stand-in as a whole: the class, the command, and what every answer has in common."""

import re
import signal
import socket
import subprocess
import sys

import pytest
import requests
from graph_client import NOW, PIXEL, TOKEN, control, post, purchase

from sandbox.graph_api import GraphApi

TRACE_ID = re.compile(r"A[A-Za-z0-9_-]{21,22}")


def test_every_answer_has_a_trace_of_its_own(graph: GraphApi) -> None:
    accepted = post(graph, purchase()).json()["fbtrace_id"]
    refused = post(graph, purchase(), token="nobody").json()["error"]["fbtrace_id"]

    assert TRACE_ID.fullmatch(accepted)
    assert TRACE_ID.fullmatch(refused)
    assert accepted != refused
    assert [request.fbtrace_id for request in graph.requests] == [accepted, refused]


def test_the_traces_are_the_same_in_every_run_of_a_seed() -> None:
    traces = []
    for seed in (7, 7, 8):
        with GraphApi(seed=seed) as graph:
            traces.append(post(graph, purchase()).json()["error"]["fbtrace_id"])

    assert traces[0] == traces[1] != traces[2]


@pytest.mark.parametrize(
    ("locale", "title"),
    [
        ("en_US", "Event Timestamp Too Old"),
        ("fr_FR", "Horodatage de l'évènement trop ancien"),
        ("de_DE", "Zeitstempel des Events zu alt"),
        ("xx_XX", "Event Timestamp Too Old"),
    ],
)
def test_the_texts_for_people_follow_the_locale_and_the_numbers_do_not(
    graph: GraphApi, locale: str, title: str
) -> None:
    graph.settings(locale=locale)

    error = post(graph, purchase(event_time=1)).json()["error"]

    assert error["error_user_title"] == title
    assert (error["message"], error["code"]) == ("Invalid parameter", 100)
    assert (error["error_subcode"], error["is_transient"]) == (2804003, False)


def test_a_connection_is_kept_alive(graph: GraphApi) -> None:
    host, port = graph.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        for _ in range(2):
            connection.sendall(b"GET /_sandbox/books HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "graph.facebook.com", ""])
def test_an_address_that_is_not_loopback_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="is not loopback"):
        GraphApi(host=host)


def test_stopping_ends_connections_that_are_kept_alive() -> None:
    with requests.Session() as client:
        with GraphApi() as graph:
            client.get(f"{graph.url}/_sandbox/", timeout=5)

        with pytest.raises(requests.ConnectionError):
            client.get(f"{graph.url}/_sandbox/", timeout=5)


def test_stopping_what_was_never_started_or_has_stopped_does_nothing() -> None:
    graph = GraphApi()

    graph.stop()
    graph.stop()


def test_a_thousand_events_go_in_one_request(graph: GraphApi) -> None:
    batch = [purchase(event_id=str(number)) for number in range(1000)]

    response = post(graph, *batch)

    assert response.json()["events_received"] == 1000


def test_the_command_serves_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "sandbox.graph_api", "--dataset", f"{PIXEL}={TOKEN}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[4]

            requests.post(f"{url}/_sandbox/clock", json={"now": NOW}, timeout=5)
            response = requests.post(
                f"{url}/v26.0/{PIXEL}/events",
                json={"data": [purchase()]},
                headers={"Authorization": f"Bearer {TOKEN}"},
                timeout=5,
            )
            process.send_signal(signal.SIGTERM)

            assert response.json()["events_received"] == 1
            assert process.wait(timeout=5) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("options", [["--host", "0.0.0.0"], ["--port", "busy"], ["--dataset", "1"]])
def test_the_command_says_in_one_sentence_why_it_cannot_serve(options: list[str]) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "sandbox.graph_api", *options],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert process.returncode == 2
    assert "Traceback" not in process.stderr


def test_a_busy_port_is_named(graph: GraphApi) -> None:
    port = graph.url.rpartition(":")[2]

    process = subprocess.run(
        [sys.executable, "-m", "sandbox.graph_api", "--port", port],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert process.returncode == 2
    assert f"cannot serve on 127.0.0.1:{port}" in process.stderr


def test_the_books_are_also_there_for_python(graph: GraphApi) -> None:
    post(graph, purchase(), purchase())

    assert graph.received == [purchase(), purchase()]
    assert graph.books() == control(graph, "GET", "books").json()["pixels"]
    assert [event.verdict for event in graph.events(event_id="1001")] == ["counted", "dropped"]
