"""A small world around the real engine: three shops, three pixels at Meta's stand-in, and workers that
can be stopped between any two steps.

A worker here does by hand what `sending.send_next` does in one go: claim, post, settle. Everything
that decides something is the product's own: its SQL on a real database, its HTTP to a real server.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
from django.db import transaction

from conversions import claiming, doubt, ledger, outbox, sending
from conversions.doubt import Verdict
from conversions.graph import GraphClient
from conversions.models import Lane
from conversions.outbox import record_purchases
from conversions.sightings import Sighting
from purchases.meta.response import Answer, Outcome
from purchases.order import Buyer, Order, Quote, Source, Standing, Visit
from sandbox.graph_api import GraphApi
from stores.models import Pixel, Store
from stores.sql import rows, run
from tests.conversions.model.checker import Checker, Row
from tests.conversions.model.clock import Clock
from tests.factories import a_mapping, a_pixel, a_store

FORGET = """
DELETE FROM conversions_attemptedevent; DELETE FROM conversions_sendattempt;
DELETE FROM conversions_eventpayload; DELETE FROM conversions_eventtransition;
DELETE FROM conversions_conversionevent; DELETE FROM conversions_ledgertotal;
DELETE FROM conversions_pixelqueue;
UPDATE stores_pixel SET broken_reason = '', broken_at = NULL, ambiguous_sends = 'resend';
"""

# Whose turn comes first must not be a matter of chance, or no world could be played again.
QUEUE = """
INSERT INTO conversions_pixelqueue (pixel_id, served_at, backfill_served_at)
VALUES (%s, now() + %s * interval '1 microsecond', now() + %s * interval '1 microsecond')
"""

# When something that is owed can be due at the earliest.
NEXT = """
SELECT min(GREATEST(queue.not_before, event.not_before,
                    CASE pixel.broken_reason WHEN '' THEN queue.not_before ELSE queue.probe_at END))
FROM conversions_conversionevent AS event JOIN conversions_pixelqueue AS queue USING (pixel_id)
JOIN stores_pixel AS pixel ON pixel.id = queue.pixel_id
WHERE event.state IN ('pending', 'in_doubt')
"""

KINDS = {
    "ordinary": "",
    "refused": "Meta refuses it, for it says nothing of the buyer's browser",
    "shared": "another shop may use its number, which is the event id, too",
    "tracked": "a browser has told Meta of it when it was placed",
    "late": "the shop tells of it late, and it is caught up with in the other lane",
}

# What may happen to a request, and whether Meta may have counted it then: (kind, details, meaning).
# Of a request without mishap, Meta's own books say.
MISHAPS: dict[str, tuple[str, dict[str, Any], str]] = {
    "answer_lost": ("reset_after", {}, "unknown"),
    "answer_cut": ("cut", {}, "unknown"),
    "hung_up": ("reset_before", {}, "unknown"),
    "stumbled": ("html", {"status": 503}, "unknown"),
    "stumbled_after": ("html", {"status": 502, "stores": True}, "unknown"),
    "counted_none": ("count", {"events_received": 0}, "unknown"),
    "throttled": ("error", {"error": "throttled_app", "headers": {"Retry-After": "600"}}, "no"),
    "not_ready": ("error", {"error": "not_ready"}, "no"),
    "too_much": ("html", {"status": 413}, "no"),
}
NOWHERE = "http://127.0.0.1:9"  # nobody listens there


@dataclass
class Shop:
    """A store, its pixels, and every version of its orders, by number."""

    store: Store
    pixels: list[Pixel]
    orders: dict[str, list[Order]] = field(default_factory=dict)


@dataclass(eq=False)
class Worker:
    """A thread of a worker that has the turn of a pixel, or thinks so."""

    number: int
    claim: claiming.Claim
    clock_wrong_by: timedelta
    answer: tuple[Outcome, Answer] | None = None  # to what it has posted, if it has
    group: list[claiming.Owed] = field(default_factory=list)


class World:
    """All there is, from an empty ledger on."""

    def __init__(self, *, shops: list[Shop], meta: GraphApi, clock: Clock) -> None:
        self.shops, self.meta, self.clock = shops, meta, clock
        self.clients = {
            reachable: GraphClient(url=meta.url if reachable else NOWHERE, version="v26.0")
            for reachable in (True, False)
        }
        self.number = 0
        self.begin()

    def begin(self) -> None:
        """Forget everything but the shops and their pixels."""
        self.number += 1
        random.seed(self.number)  # the jitter of a pause is part of a world
        run(FORGET)
        self.meta.reset()
        self.clock.begin()
        self.meta.settings(website_needs_user_agent=True)
        self.clock.tell()
        for number, pixel in enumerate(self.pixels):
            run(QUEUE, [pixel.pk, number, number])
            self.meta.dataset(pixel.pixel_id, token=pixel.access_token)
        for shop in self.shops:
            shop.orders.clear()
        self.workers: list[Worker] = []
        self._numbers = itertools.count(1)
        self.outage = ""  # a mishap that befalls every request, or "unreachable"
        self.checker = Checker(self)

    @property
    def pixels(self) -> list[Pixel]:
        """Every pixel, by its number."""
        return self.shops[-1].pixels

    # The shops

    def order(self, shop: Shop, kind: str, *, standing: Standing, age: timedelta) -> None:
        """A new order of one of KINDS, placed `age` ago."""
        of_shop = self.shops.index(shop) * 1000 + len(shop.orders) + 1
        number = str(of_shop % 1000 if kind == "shared" else 1000 + of_shop)
        order = an_order(
            number,
            kind,
            total=Decimal(of_shop),
            placed_at=self.clock.now - age,
            updated_at=self.clock.now - (age if kind == "late" else timedelta(0)),
            standing=standing,
        )
        shop.orders[number] = [order]
        if kind == "tracked":
            self._tell_from_the_browser(shop, order)
        self.tell(shop, order)

    def _tell_from_the_browser(self, shop: Shop, order: Order) -> None:
        self.meta.set_clock(order.placed_at.timestamp())
        for pixel in shop.pixels:
            event_id, value = order.shop_order_id, str(order.total)
            self.meta.browser_event(pixel.pixel_id, event_id=event_id, value=value, currency="EUR")
        self.meta.set_clock(self.clock.now.timestamp())

    def news(self, shop: Shop, number: str, *, standing: Standing) -> None:
        """The shop changes an order, and tells so; no two versions are of the same second."""
        self.clock.advance(timedelta(seconds=1))
        versions = shop.orders[number]
        changes = {"standing": standing, "updated_at": self.clock.now}
        versions.append(msgspec.structs.replace(versions[-1], **changes))
        self.tell(shop, versions[-1])

    def tell(self, shop: Shop, order: Order) -> None:
        """A version of an order is delivered, for the first time or again."""
        sighting = Sighting(store=shop.store, order=order, received_at=self.clock.now)
        self.clock.tell()
        with transaction.atomic():
            record_purchases([sighting])
        self.checker.look()

    # The workers

    def claim(self, lane: Lane, *, clock_wrong_by: timedelta = timedelta(0)) -> Worker | None:
        """A worker takes a pixel's turn, if any is due in the lane."""
        self.clock.advance(timedelta(milliseconds=1))  # no two pixels were served at the same time
        self.clock.tell(wrong_by=clock_wrong_by)
        claim = claiming.claim_turn(lane)
        if claim is None:
            return None
        worker = Worker(number=next(self._numbers), claim=claim, clock_wrong_by=clock_wrong_by)
        self.checker.has_taken(worker)
        if claim.groups:
            self.workers.append(worker)
            self.checker.has_begun(worker)
        self.checker.look()
        return worker

    def post(self, worker: Worker, *, mishap: str = "") -> None:
        """The worker posts what it has claimed."""
        self.clock.tell(wrong_by=worker.clock_wrong_by)
        mishap, meaning = self.outage or mishap, ""
        if mishap in MISHAPS:
            kind, details, meaning = MISHAPS[mishap]
            self.meta.fault(kind, **details)
        worker.group = worker.claim.groups.pop()
        before = len(self.meta.world.books.requests)
        client = self.clients[mishap != "unreachable"]
        worker.answer = sending._post(worker.claim, worker.group, client)
        self.meta.clear_faults()
        self.checker.has_posted(worker, self.meta.requests[before:], meaning=meaning)
        self.checker.look()

    def settle(self, worker: Worker, *, may_go_on: bool = True) -> None:
        """The worker writes its answer down, and may have another part of the batch to post."""
        assert worker.answer is not None
        self.clock.tell(wrong_by=worker.clock_wrong_by)
        outcome, answer = worker.answer
        kept = sending._settle(worker.claim, worker.group, outcome, answer, may_go_on=may_go_on)
        self.checker.has_settled(worker, kept=kept)
        worker.answer = None
        if kept and worker.claim.groups:
            self.checker.has_begun(worker)
        else:
            self.workers.remove(worker)
        self.checker.look()

    def die(self, worker: Worker) -> None:
        """The worker's process is killed."""
        self.workers.remove(worker)
        self.checker.has_died(worker)

    def serve(
        self, lane: Lane, *, mishap: str = "", clock_wrong_by: timedelta = timedelta(0)
    ) -> bool:
        """A worker serves one turn to its end; the mishap befalls its first request."""
        worker = self.claim(lane, clock_wrong_by=clock_wrong_by)
        while worker in self.workers:
            self.post(worker, mishap=mishap)
            self.settle(worker)
            mishap = ""
        return worker is not None

    def sweep(self) -> None:
        """The two tasks that give up and forget."""
        self.clock.tell()
        ledger.expire()
        outbox.forget_payloads()
        self.checker.look()

    # Meta and people

    def token(self, pixel: Pixel, state: str) -> None:
        """Meta changes its mind about the pixel's token: `valid`, `expired`, …"""
        self.meta.token(pixel.access_token, state=state)

    def try_again(self, pixel: Pixel) -> None:
        """A person presses *Try again*."""
        Pixel.objects.filter(pk=pixel.pk).update(broken_reason="", broken_at=None)
        self.checker.is_to_be_tried(pixel)

    def choose(self, pixel: Pixel, ambiguous_sends: str) -> None:
        """The fleet file says what is to become of a send without an answer."""
        Pixel.objects.filter(pk=pixel.pk).update(ambiguous_sends=ambiguous_sends)
        self.checker.holding[pixel.pk] = ambiguous_sends == "hold"

    def decide(self, row: Row, verdict: Verdict) -> None:
        """A person who has looked into Events Manager settles what is in doubt."""
        self.clock.tell()
        if doubt.settle([row.id], verdict=verdict, actor="user 1"):
            self.checker.is_decided(row, verdict)
        self.checker.look()

    # The end

    def drain(self) -> datetime:
        """Everything works again, for as long as anything is owed; returns since when."""
        for worker in list(self.workers):
            self.die(worker)
        self.outage = ""
        for pixel in self.pixels:
            self.token(pixel, "valid")
            self.choose(pixel, "resend")
        mended_at = self.clock.now
        self.sweep()
        while self.checker.something_is_left() and self.clock.now < mended_at + timedelta(days=1):
            for row in self.checker.rows_that_wait_for_a_person():
                self.decide(row, Verdict.RESEND)
            while self.serve(Lane.LIVE) or self.serve(Lane.BACKFILL):
                pass
            self.sweep()
            ((due,),) = rows(NEXT)
            soon = self.clock.now + timedelta(minutes=1)
            self.clock.now = max(soon, due or soon)
        return mended_at


def an_order(
    number: str,
    kind: str,
    *,
    total: Decimal,
    placed_at: datetime,
    updated_at: datetime,
    standing: Standing,
) -> Order:
    """An order; its total is its own, so that Meta's books tell whose event was counted."""
    agents = (Quote(text="Mozilla/5.0 (X11)", origin="client_details.user_agent"),)
    return Order(
        platform="woocommerce",
        shop_order_id=number,
        name=f"#{number}",
        standing=standing,
        status=standing.value,
        source=Source.WEB,
        placed_at=placed_at,
        entered_at=placed_at,
        updated_at=updated_at,
        currency="EUR",
        total=total,
        subtotal=total,
        buyer=Buyer(emails=(Quote(text="zoe@example.com", origin="email"),)),
        visit=Visit(user_agents=() if kind == "refused" else agents),
        tracked_in_browser=kind == "tracked",
    )


def three_shops(acme: SimpleNamespace) -> list[Shop]:
    """`lyon` reports to one pixel, `kitchen` to two, `paris` to three; they share the first."""
    pixels = [acme.pixel] + [
        a_pixel(acme.workspace, pixel_id=f"987654321098{n}", access_token=f"EAA-{n}")
        for n in (1, 2)
    ]
    paris = a_store(acme.workspace, key="paris")
    a_mapping(acme.kitchen, pixels[1])
    for pixel in pixels:
        a_mapping(paris, pixel)
    return [
        Shop(store=acme.lyon, pixels=pixels[:1]),
        Shop(store=acme.kitchen, pixels=pixels[:2]),
        Shop(store=paris, pixels=pixels),
    ]
