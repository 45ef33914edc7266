"""One event with a test code, for a person who wants to see Meta take it. Nothing of it is written down.

Meta counts test events like any other, so a real order goes only while Meta still matches its event id
with the one it has; else an order of nobody, worth one unit of its currency, goes in its place.
https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import structlog
from msgspec import Struct

from conversions import outbox
from conversions.graph import GraphClient
from conversions.models import State
from purchases.decision import BROWSER_EVENT_MATCHES_FOR, Skip
from purchases.mapping import Rules, RulesError
from purchases.meta.event import Storefront, build_purchase
from purchases.meta.payload import encode, request_body
from purchases.meta.response import Accepted, Answer, Outcome
from purchases.order import Buyer, Line, Order, Quote, Source, Standing, Visit
from shop_webhooks.preview import CannotPreview, preview_order
from stores.models import Pixel, PixelMapping, Store

log = structlog.get_logger(__name__)

CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
# Nobody's, and of a shape that Meta takes.
NOBODY = "nobody@connector-test.dev"
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
JUST_NOW = timedelta(minutes=1)


class CannotTest(Exception):
    """Says why no test event was sent, and what to do."""


class Tested(Struct, frozen=True, kw_only=True):
    """What was sent, and what Meta said."""

    pixel_id: str
    event_id: str
    accepted: bool
    reason: str  # why it was not
    request: msgspec.Raw
    answer: Answer


def send_test_event(
    *, pixel: Pixel, code: str, graph: GraphClient, store: Store | None = None, order: str = ""
) -> Tested:
    """Post one event to `pixel` with the test `code`: of the order (by id or name), or of nobody.

    Raises CannotTest.
    """
    if not CODE.fullmatch(code):
        raise CannotTest("A test code is like TEST12345: it stands in Events Manager, Test events.")
    mapping = _mapping(pixel, store)
    if order:
        if mapping is None:
            raise CannotTest("No mapping sends a store's orders to this pixel.")
        event_id, payload = _of_order(mapping, order)
    else:
        event_id, payload = _of_nobody(mapping, now=outbox.database_now())
    body = request_body([payload], test_event_code=code)
    outcome, answer = graph.post_events(
        pixel_id=pixel.pixel_id,
        access_token=pixel.access_token,
        body=body,
        sent=1,
        may_send=lambda: True,
    )
    log.info("test_event.sent", pixel=pixel.pk, outcome=type(outcome).__name__)
    return Tested(
        pixel_id=pixel.pixel_id,
        event_id=event_id,
        accepted=isinstance(outcome, Accepted),
        reason=_reason(outcome),
        request=msgspec.Raw(body),
        answer=answer,
    )


def _mapping(pixel: Pixel, store: Store | None) -> PixelMapping | None:
    """The mapping whose rules the event follows: the first to the pixel, of the store if named.

    One that is in force comes before one that is not yet: a merchant tests before going live.
    """
    mappings = pixel.mappings.filter(store__connected=True)
    if store:
        mappings = mappings.filter(store=store)
    found: PixelMapping | None = (
        mappings.select_related("store", "template", "pixel")
        .order_by("-enabled", "store", "position")
        .first()
    )
    return found


def _of_order(mapping: PixelMapping, order: str) -> tuple[str, bytes]:
    try:
        previews = preview_order(store=mapping.store, order=order, pixel_id=mapping.pixel.pixel_id)
    except CannotPreview as error:
        raise CannotTest(str(error)) from error
    for preview in previews:
        row = preview.ledger
        if row is None or row.state != State.ACCEPTED:
            continue
        age = outbox.database_now() - datetime.fromisoformat(row.accepted_at)
        sent = msgspec.json.decode(preview.body, type=_Sent | None)
        if age < BROWSER_EVENT_MATCHES_FOR and sent and sent.data:
            return row.event_id, bytes(sent.data[0])
    raise CannotTest(
        "Meta counts test events too. This order can be sent again only within 47 hours after Meta has"
        " taken it, while it is matched by its event ID: choose a newer one, or the made-up order."
    )


class _Sent(Struct):
    """A request's body, its events left as they are."""

    data: list[msgspec.Raw]


def _of_nobody(mapping: PixelMapping | None, *, now: datetime) -> tuple[str, bytes]:
    try:
        rules = mapping.rules() if mapping else Rules()
    except RulesError as error:
        raise CannotTest(f"The mapping is not valid: {error}.") from error
    event_id = f"connector-test-{uuid.uuid4().hex}"
    # The strategies of the event id and of the value ask for what only a real order has.
    plain = msgspec.structs.replace(
        Rules(), event_id="order_id", event=rules.event, content_id=rules.content_id
    )
    store = mapping.store if mapping else None
    event = build_purchase(
        _made_up(event_id, now=now),
        rules=plain,
        storefront=Storefront(
            key=store.key if store else "test", url=store.url if store else "https://example.com"
        ),
        now=now,
    )
    if isinstance(event, Skip):
        raise CannotTest(f"The made-up order cannot be told: {event.reason}.")
    return event_id, encode(event)


def _made_up(event_id: str, *, now: datetime) -> Order:
    """An order of nobody, placed just now: one piece for one euro."""
    placed_at, one = now - JUST_NOW, Decimal(1)
    return Order(
        platform="test",
        shop_order_id=event_id,
        name="test",
        standing=Standing.PAID,
        status="paid",
        source=Source.WEB,
        test=True,
        placed_at=placed_at,
        entered_at=placed_at,
        updated_at=placed_at,
        currency="EUR",
        total=one,
        subtotal=one,
        lines=(Line(product_id="1", variant_id="1", sku="TEST", quantity=one, total=one),),
        buyer=Buyer(emails=(Quote(text=NOBODY, origin="test"),)),
        visit=Visit(user_agents=(Quote(text=USER_AGENT, origin="test"),)),
    )


def _reason(outcome: Outcome) -> str:
    return "" if isinstance(outcome, Accepted) else outcome.reason
