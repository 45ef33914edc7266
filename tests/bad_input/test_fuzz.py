"""Odd requests at every door, odd bodies for every reader: nothing is answered by 500 or crashes.

A few thousand in each run of the tests; `make fuzz` sends a million of each, or FUZZ of them.
The seed is printed where it fails.
"""

import contextlib
import hmac
import json
import logging
import os
import random
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from purchases.browser import UnreadableVisit, read_told
from purchases.meta import response
from purchases.shops import PLATFORMS
from purchases.shops.delivery import UnreadableOrder
from shop_webhooks.models import WebhookDelivery
from stores.shopify.session_token import NotASessionToken, verify
from stores.woocommerce.forms import typed_url
from tests import factories
from tests.bad_input.test_woocommerce_bodies import order as of_woocommerce
from tests.pipeline import an_order, read_all, signed

HOW_MANY = int(os.environ.get("FUZZ") or 3_000)
PARTS = 8 if "FUZZ" in os.environ else 1  # of the requests, which may go side by side
READ_EVERY = 10_000
SECRET = "shpss_" + "f" * 32
REQUESTS = (HOW_MANY if "FUZZ" in os.environ else 300) // PARTS
ODD = [
    None, True, 0, -1, 1e308, 10**30, "", " ", "\0", "\ud800", "NaN", "1e999", "null", [], {}, [[]],
    {"a": {"b": []}}, "x" * 3_000, "9" * 400, "２０２６", "=cmd()", "2026-13-45T99:99:99Z", "0x10",
]  # fmt: skip


class Fuzz:
    """Makes what nobody expects, from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def value(self) -> Any:
        return self.random.choice(ODD)

    def document(self, document: Any) -> Any:
        """The document with one to four things in it changed, left out or doubled."""
        for _time in range(self.random.randint(1, 4)):
            document = self._changed(document)
        return document

    def _changed(self, document: Any) -> Any:
        if isinstance(document, dict) and document and self.random.random() < 0.9:
            key = self.random.choice(list(document))
            match self.random.randrange(4):
                case 0:
                    return {name: each for name, each in document.items() if name != key}
                case 1:
                    return document | {key: self._changed(document[key])}
                case 2:
                    return document | {str(self.value())[:50]: document[key]}
                case _:
                    return document | {key: self.value()}
        if isinstance(document, list) and document and self.random.random() < 0.7:
            place = self.random.randrange(len(document))
            return [*document[:place], self._changed(document[place]), *document[place:]]
        return self.value()

    def spoilt(self, body: bytes) -> bytes:
        """The bytes with some of them changed, cut or repeated; often as they were."""
        for _time in range(self.random.choice((0, 0, 1, 3))):
            place = self.random.randrange(len(body) + 1)
            match self.random.randrange(3):
                case 0:
                    body = body[:place] + bytes([self.random.randrange(256)]) + body[place + 1 :]
                case 1:
                    body = body[:place]
                case _:
                    body = body[:place] + body[max(0, place - 40) :]
        return body

    def text(self) -> str:
        return "".join(self.random.choice("aZ0-_/.%&=;'\"<>\\\n\r é\N{SNOWMAN}") for _ in range(20))


def dumped(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=True).encode()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Each refusal is a line in the log."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def fuzz(capsys: pytest.CaptureFixture[str]) -> Fuzz:
    seed = int(os.environ.get("FUZZ_SEED") or time.time_ns() % 2**32)
    with capsys.disabled():
        sys.stderr.write(f"\nFUZZ_SEED={seed}: {HOW_MANY:,} bodies or {REQUESTS:,} requests\n")
    return Fuzz(seed)


def test_every_reader_reads_or_says_why_not(fuzz: Fuzz) -> None:
    shopify, woocommerce = json.loads(an_order(1)), json.loads(of_woocommerce())
    meta = {"events_received": 1, "messages": [], "fbtrace_id": "A", "error": {"code": 100}}
    told = {"checkout": "a" * 32, "marketing": "granted", "page": "/x", "fbp": "fb.1.1.1"}
    claims = {"iss": "https://a.myshopify.com/admin", "dest": "https://a.myshopify.com", "aud": "id",
              "sub": "42", "exp": 1e9, "nbf": 1e9, "iat": 1e9, "jti": "j", "sid": "s"}  # fmt: skip
    for number in range(HOW_MANY):
        match number % 6:
            case 0 | 1:
                name, document = (("shopify", shopify), ("woocommerce", woocommerce))[number % 2]
                body = fuzz.spoilt(dumped(fuzz.document(document)))
                with contextlib.suppress(UnreadableOrder):
                    PLATFORMS[name].parse_order(body, topic="orders/paid", zone=UTC)
            case 2:
                body = fuzz.spoilt(dumped(fuzz.document(meta)))
                status = fuzz.random.choice((200, 400, 403, 500, 503))
                response.read(
                    status=status, headers={"Retry-After": fuzz.text()}, body=body, sent=1
                )
            case 3:
                with contextlib.suppress(UnreadableVisit):
                    read_told(fuzz.spoilt(dumped(fuzz.document(told))))
            case 4:
                raw = fuzz.spoilt(token_of(dumped(fuzz.document(claims)))).decode(errors="replace")
                with contextlib.suppress(NotASessionToken):
                    verify(raw, client_id="id", secrets=[SECRET], now=1e9)
            case _:
                with contextlib.suppress(ValidationError):
                    typed_url(fuzz.random.choice(["", "https://", "shop.example/"]) + fuzz.text())


def token_of(claims: bytes) -> bytes:
    """A session token that says `claims`, whatever they are, and is signed."""
    said = b".".join(
        urlsafe_b64encode(part).rstrip(b"=") for part in (b'{"alg":"HS256","typ":"JWT"}', claims)
    )
    signature = hmac.digest(SECRET.encode(), said, "sha256")
    return said + b"." + urlsafe_b64encode(signature).rstrip(b"=")


@pytest.mark.parametrize("part", range(PARTS))
def test_every_door_answers_whatever_comes(
    part: int, fuzz: Fuzz, acme: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(factories.a_member(acme.workspace))
    order = json.loads(an_order(1))
    pages = ["orders/", "deliveries/", "balance/", "report/", "speed/", "preview/", "privacy/"]
    codes: dict[int, int] = {}
    for number in range(1, REQUESTS + 1):
        match fuzz.random.randrange(4):
            case 0:
                body = fuzz.spoilt(dumped(fuzz.document(order)))
                headers = {
                    "X-Shopify-Hmac-Sha256": signed(body),
                    "X-Shopify-Topic": fuzz.random.choice(["orders/paid", "a", fuzz.text()]),
                    "X-Shopify-Shop-Domain": fuzz.random.choice([acme.lyon.domain, fuzz.text()]),
                    "X-Shopify-Webhook-Id": fuzz.text(),
                }
                answer = client.post(
                    "/webhooks/shopify/", body, content_type=fuzz.text(), headers=headers
                )
            case 1:
                body = fuzz.spoilt(dumped(fuzz.document(json.loads(of_woocommerce()))))
                answer = client.post(
                    acme.kitchen.webhook_path,
                    body,
                    content_type="application/json",
                    headers={"X-WC-Webhook-Signature": fuzz.text()},
                )
            case 2:
                page = fuzz.random.choice(pages)
                names = ["q", "state", "days", "before", "of", "month", "order", "pixel", "format"]
                query = {
                    name: fuzz.random.choice([fuzz.text(), repr(fuzz.value())[:500]])
                    for name in fuzz.random.sample(names, 3)
                }
                answer = client.get(f"/stores/{acme.lyon.pk}/{page}", query)
            case _:
                answer = client.get("/" + fuzz.text().replace("\n", "").replace("?", ""))
        codes[answer.status_code] = codes.get(answer.status_code, 0) + 1
        if number % READ_EVERY == 0 or number == REQUESTS:
            read_all()  # what is kept can be read, or is named

    with capsys.disabled():
        sys.stderr.write(f"answers by status: {dict(sorted(codes.items()))}\n")
    assert {code for code in codes if code >= 500} == set()
    assert not WebhookDelivery.objects.filter(state="received").exists()
