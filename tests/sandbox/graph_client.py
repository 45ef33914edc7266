"""What the tests of the Graph stand-in share: a moment, a valid Purchase, a way to post."""

import hashlib
import json
import socket
import time
from copy import deepcopy
from typing import Any

import requests

from sandbox.graph_api import GraphApi

NOW = 1_795_000_000  # 2026-11-18
HOUR = 3600
DAY = 24 * HOUR
PIXEL = "1234567890123"
TOKEN = "EAA-test"
GONE = object()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def purchase(changes: dict[str, Any] | None = None, **top: Any) -> dict[str, Any]:
    """A Purchase without a flaw or a warning; changes by dotted path, GONE takes a key away."""
    event = deepcopy(PURCHASE)
    for path, value in {**top, **(changes or {})}.items():
        *parents, key = path.split(".")
        place = event
        for parent in parents:
            place = place[int(parent) if isinstance(place, list) else parent]
        if value is GONE:
            del place[key]
        else:
            place[key] = deepcopy(value)
    return event


def post(
    graph: GraphApi,
    *events: Any,
    pixel: str = PIXEL,
    token: str | None = TOKEN,
    version: str = "v26.0",
    **extra: Any,
) -> requests.Response:
    return requests.post(
        f"{graph.url}/{version}/{pixel}/events",
        json={"data": list(events), **extra},
        headers={"Authorization": f"Bearer {token}"} if token else {},
        timeout=10,
        allow_redirects=False,
    )


def get(graph: GraphApi, path: str, *, token: str = TOKEN, **query: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{graph.url}{path}", params=query, headers=headers, timeout=10)


def control(graph: GraphApi, method: str, path: str, wish: Any = None) -> requests.Response:
    return requests.request(method, f"{graph.url}/_sandbox/{path}", json=wish, timeout=10)


def numbers(response: requests.Response) -> tuple[int, int, int | None]:
    """HTTP status, code and subcode of a refusal."""
    error = response.json()["error"]
    return response.status_code, error["code"], error.get("error_subcode")


def open_and_send(graph: GraphApi) -> socket.socket:
    host, port = graph.url.removeprefix("http://").split(":")
    body = json.dumps({"data": [purchase(event_time=NOW)]}).encode()
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.sendall(
        f"POST /v26.0/{PIXEL}/events HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    return connection


def raw_exchange(graph: GraphApi) -> tuple[bytes, float]:
    """All bytes of the answer to one post, and the seconds until the connection ended."""
    started = time.monotonic()
    received = b""
    with open_and_send(graph) as connection:
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
    return received, time.monotonic() - started


PURCHASE: dict[str, Any] = {
    "event_name": "Purchase",
    "event_time": NOW - 60,
    "event_id": "1001",
    "action_source": "website",
    "event_source_url": "https://shop.example/thank-you",
    "user_data": {
        "em": [sha256("mary@example.com")],
        "ph": [sha256("16505551212")],
        "client_ip_address": "8.8.8.8",
        "client_user_agent": "Mozilla/5.0",
        "fbc": f"fb.1.{(NOW - DAY) * 1000}.IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB_qa2o",
        "fbp": f"fb.1.{(NOW - DAY) * 1000}.1098115397",
    },
    "custom_data": {
        "value": 25.5,
        "currency": "EUR",
        "order_id": "1001",
        "content_type": "product",
        "content_ids": ["A-1", "B-2"],
        "contents": [
            {"id": "A-1", "quantity": 2, "item_price": 10},
            {"id": "B-2", "quantity": 1, "item_price": 5.5, "delivery_category": "home_delivery"},
        ],
    },
}
