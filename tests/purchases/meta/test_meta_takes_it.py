"""What is built, posted to the stand-in for Meta that refuses what Meta refuses."""

import msgspec
import pytest
import requests
from known_order import NOW, event, order

from purchases.meta.payload import encode, request_body
from purchases.meta.response import Accepted, PixelBroken, Rejected, read
from purchases.order import Source
from sandbox.graph_api import GraphApi

PIXEL, TOKEN = "1234567890123", "EAA-lyon"


@pytest.fixture
def meta(graph_api: GraphApi) -> GraphApi:
    graph_api.dataset(PIXEL, token=TOKEN)
    graph_api.set_clock(NOW.timestamp())
    return graph_api


def post(meta: GraphApi, *payloads: bytes, token: str = TOKEN):
    answer = requests.post(
        f"{meta.url}/v26.0/{PIXEL}/events",
        data=request_body(payloads),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        timeout=10,
    )
    return read(
        status=answer.status_code,
        headers=answer.headers,
        body=answer.content,
        sent=len(payloads),
    )


def test_orders_of_every_source_are_taken(meta):
    payloads = [
        encode(event(order(source=source, shop_order_id=source.value))) for source in Source
    ]

    outcome, answer = post(meta, *payloads)

    assert outcome == Accepted(fbtrace_id=answer.fbtrace_id, received=len(Source))
    assert [msgspec.json.encode(taken) for taken in meta.received] == [
        msgspec.json.encode(msgspec.json.decode(payload)) for payload in payloads
    ]


def test_the_event_that_spoils_a_batch_is_named(meta):
    spoilt = encode(event()).replace(b'"event_id"', b'"event_name_2"')

    outcome, _ = post(meta, encode(event()), spoilt)

    assert outcome == Rejected(reason="meta_100_2804019", index=1)
    assert meta.received == []


def test_a_dead_token_breaks_the_pixel_and_is_not_repeated(meta):
    meta.token(TOKEN, state="expired")

    outcome, answer = post(meta, encode(event()))

    assert outcome == PixelBroken(reason="token_expired")
    assert TOKEN not in answer.message
