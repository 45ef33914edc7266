"""What must hold, whatever happens. It believes Meta's books and its own, never the engine's word.

It looks at the ledger after every act of the world, and raises `Broken` at the first thing that is
not as promised. Its numbers are its own too: a rule that is turned off in the product is not turned
off here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from conversions.doubt import Verdict
from dashboard.imbalance import find_imbalance, imbalance
from purchases.order import Order, Standing
from sandbox.graph.books import Received, Request
from stores.models import Pixel
from stores.sql import rows

if TYPE_CHECKING:
    from tests.conversions.model.world import Worker, World

HOUR = timedelta(hours=1)
LEASE = timedelta(seconds=60)
AGE = timedelta(days=7) - HOUR  # Meta refuses older ones
WINDOW = timedelta(hours=48) - HOUR  # Meta discards a second arrival for 48 h
PROBE = timedelta(minutes=15)
CRASHES, CRASHES_BESIDE = 5, 3  # senders lost: then a person decides; then it goes alone
OPEN_AFTER = 5  # failures in a row
THROTTLE = timedelta(seconds=600)  # as the mishap asks for

NOBODY = 0, datetime.min.replace(tzinfo=UTC)
MOVES = {
    ("waiting", "pending"),
    ("waiting", "skipped"),
    ("waiting", "expired"),
    ("skipped", "pending"),
    ("skipped", "waiting"),
    ("pending", "skipped"),
    ("pending", "rejected"),
    ("pending", "expired"),
    ("pending", "in_doubt"),
    ("in_doubt", "rejected"),
    ("in_doubt", "expired"),
    ("skipped", "in_doubt"),  # it was on its way when the news came
    ("waiting", "in_doubt"),  # likewise
}  # and, from anywhere, to `accepted`, if Meta has it

TOTALS = """
SELECT COALESCE(told.state, counted.state), told.events, counted.events
FROM (SELECT state, sum(events) AS events FROM conversions_ledgertotal GROUP BY state) AS told
FULL JOIN (SELECT state, count(*) AS events FROM conversions_conversionevent GROUP BY state)
       AS counted USING (state)
WHERE COALESCE(told.events, 0) <> COALESCE(counted.events, 0)
"""

LEDGER = """
SELECT id, store_id, order_id, pixel_id, event_id, state, reason, order_updated_at,
       first_unknown_at, attempts, accepted_at, fbtrace_id, held
FROM conversions_conversionevent
"""
ATTEMPTS = "SELECT id, outcome, finished_at FROM conversions_sendattempt"
ON_THE_WAY = """
SELECT array_agg(event.event_id ORDER BY event.event_id) FROM conversions_sendattempt AS attempt
JOIN conversions_attemptedevent AS attempted ON attempted.attempt_id = attempt.id
JOIN conversions_conversionevent AS event ON event.id = attempted.event_id
WHERE attempt.pixel_id = %s AND attempt.finished_at IS NULL GROUP BY attempt.id
"""


class Broken(AssertionError):
    """A promise that does not hold; `promise` is its name."""

    def __init__(self, promise: str, about: object) -> None:
        super().__init__(f"{promise}: {about}")
        self.promise = promise


class Row(NamedTuple):
    """A row of the ledger."""

    id: int
    store_id: int
    order_id: str
    pixel_id: int
    event_id: str
    state: str
    reason: str
    order_updated_at: datetime
    first_unknown_at: datetime | None
    attempts: int
    accepted_at: datetime | None
    fbtrace_id: str
    held: bool

    @property
    def key(self) -> tuple[int, str, int]:
        """Of what it is the one row."""
        return self.store_id, self.order_id, self.pixel_id


@dataclass
class Attempt:
    """A request as we know it: by whom, since when, with what, and how it ended."""

    pixel_id: int
    begun_at: datetime
    events: list[int]
    meaning: str = "unknown"  # what became of it: yes, no, unknown
    known: bool = False  # whether that is written down


class Checker:
    """The books of the world itself."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ledger: dict[int, Row] = {}
        self.outcomes: dict[int, tuple[str, datetime | None]] = {}
        self.attempts: dict[int, list[Attempt]] = {}  # by worker, the last one under way
        self.turns: dict[int, tuple[int, datetime]] = {}  # by pixel: whose, since when
        self.doubted: dict[int, datetime] = {}  # by event: since when it may have been counted
        self.paused: dict[int, datetime] = {}  # by pixel: when its token was last refused
        self.holding: dict[int, bool] = {}  # by pixel: whether a person is to decide
        self.crashes: Counter[int] = Counter()  # by event: senders that have died with it
        self.held: set[int] = set()  # events that wait for a person
        self.given_up: set[int] = set()  # events that a person does not want any more
        self.failures: Counter[int] = Counter()  # by pixel: requests in a row without success
        self.throttled: dict[int, datetime] = {}  # by pixel: until when Meta wants to be left alone

    # What the world tells

    def has_taken(self, worker: Worker) -> None:
        """A worker has taken a pixel's turn: whoever had it will not be heard of."""
        pixel_id = worker.claim.pixel.pk
        holder, since = self.turns.get(pixel_id, NOBODY)
        ended = self.world.clock.now >= since + LEASE
        promise("one turn at a time", ended, (worker, holder))
        self.turns.pop(pixel_id, None)
        for attempt in self._open():
            if attempt.pixel_id == pixel_id:
                self.crashes.update(attempt.events)
                self._doubt(attempt)

    def has_begun(self, worker: Worker) -> None:
        """A worker has written an attempt down, and is about to post."""
        now, claim = self.world.clock.now, worker.claim
        pixel_id, events = claim.pixel.pk, [event.id for event in claim.groups[-1]]
        self.turns[pixel_id] = (worker.number, now)
        self._mine(worker).append(Attempt(pixel_id, now, events))
        for event in events:
            promise("nothing begins after its cut-off", now < self._cut_off(event), event)
            promise("what a person is to decide waits", event not in self.held, event)
            promise("what a person gave up is not sent", event not in self.given_up, event)
            alone = self.crashes[event] < CRASHES_BESIDE or len(events) == 1
            promise("what kills its sender is sent alone", alone, events)
        few = (
            self.failures[pixel_id] < OPEN_AFTER or len(events) == 1 or len(self._mine(worker)) > 1
        )
        promise("one event asks whether Meta is well again", few, events)

    def has_posted(self, worker: Worker, requests: list[Request], *, meaning: str) -> None:
        """A worker has posted; `requests` is what of it Meta saw, `meaning` what a mishap means."""
        now, attempt = self.world.clock.now, self._mine(worker)[-1]
        pixel = worker.claim.pixel
        promise("one request for an attempt", len(requests) <= 1, requests)
        if not requests:
            attempt.meaning = "no"
            return
        (request,) = requests
        if request.outcome.startswith("fault:"):
            attempt.meaning = meaning
        else:
            attempt.meaning = "yes" if request.outcome == "accepted" else "no"
        promise("no post after the lease", now < attempt.begun_at + LEASE, request)
        for event in attempt.events:
            promise("nothing is posted after its cut-off", now < self._cut_off(event), event)
            accepted = self.ledger[event].state == "accepted"
            promise("what is accepted is not posted again", not accepted, event)
        promise("nothing is too old for Meta", request.outcome != "too_old", request)
        if request.event_ids:
            standing = [ids for (ids,) in rows(ON_THE_WAY, [pixel.pk])]
            promise("written down before", sorted(request.event_ids) in standing, standing)
        refused_at = self.paused.get(pixel.pk)
        if refused_at is not None:
            careful = now >= refused_at + PROBE and len(attempt.events) == 1
            promise("a paused pixel is tried with one event", careful, request)
        quiet = now >= self.throttled.get(pixel.pk, now)
        promise("Meta is left alone when it asks for it", quiet, request)

    def has_settled(self, worker: Worker, *, kept: bool) -> None:
        """A worker has written down what it heard; `kept` if the turn was still its own."""
        now, attempt = self.world.clock.now, self._mine(worker)[-1]
        pixel_id = attempt.pixel_id
        holder, _ = self.turns.get(pixel_id, NOBODY)
        promise("only who has the turn ends it", kept == (holder == worker.number), worker)
        if kept and not worker.claim.groups:
            del self.turns[pixel_id]
        if not kept:
            return
        if attempt.meaning == "unknown":
            self._doubt(attempt)
        attempt.known = True
        self._count_failures(worker, attempt)
        _, answer = worker.answer or (None, None)
        if answer is not None and answer.code == 190:
            self.paused[pixel_id] = now
        elif attempt.meaning == "yes":
            self.paused.pop(pixel_id, None)
        if answer is not None and answer.code == 4:
            self.throttled[pixel_id] = now + THROTTLE

    def _count_failures(self, worker: Worker, attempt: Attempt) -> None:
        answer = worker.answer[1] if worker.answer else None
        if attempt.meaning == "yes":
            self.failures[attempt.pixel_id] = 0
        elif attempt.meaning == "unknown" or (answer and answer.code in (4, 21009)):
            self.failures[attempt.pixel_id] += 1

    def has_died(self, worker: Worker) -> None:
        """A worker is no more; nobody knows, so it keeps its turn for the time of a lease."""

    def is_to_be_tried(self, pixel: Pixel) -> None:
        """A person wants the pixel to be tried."""
        self.paused.pop(pixel.pk, None)

    def is_decided(self, row: Row, verdict: Verdict) -> None:
        """A person has settled a row."""
        self.held.discard(row.id)
        if verdict == Verdict.RESEND:
            self.crashes[row.id] = 0
        if verdict == Verdict.GIVE_UP:
            self.given_up.add(row.id)

    def is_received(self, row: Row) -> bool:
        """Whether Meta has the event from us."""
        events = self.world.meta.events()
        return any(
            event.source == "server" and self._sale(event) == self._sale_of(row) for event in events
        )

    # What is looked at after every act

    def look(self) -> None:
        """Compare the ledger with what it was, with Meta's books and with what shops have told."""
        before, self.ledger = self.ledger, {row[0]: Row(*row) for row in rows(LEDGER)}
        for row in self.ledger.values():
            if row.id in before:
                self._check_move(before[row.id], row)
            self._check_doubt(row)
        self._check_rows()
        self._check_attempts()
        self._check_counted()

    def _check_move(self, was: Row, row: Row) -> None:
        if was.state == "accepted":
            end = [(it.state, it.attempts, it.accepted_at, it.fbtrace_id) for it in (was, row)]
            promise("accepted is the end", end[0] == end[1], (was, row))
        elif row.state not in (was.state, "accepted"):
            promise("only moves that are drawn", (was.state, row.state) in MOVES, (was, row))
        newer = row.order_updated_at >= was.order_updated_at
        promise("older news never wins", newer, (was, row))
        if was.first_unknown_at:
            same = row.first_unknown_at == was.first_unknown_at
            promise("the first doubt counts", same, (was, row))
        if row.state == "skipped":
            known = row.reason in {*NEVER, "too_old", "event_id_taken"}
            promise("what is skipped says why", known, row)

    def _check_doubt(self, row: Row) -> None:
        """In doubt since the first attempt that nobody heard the end of; never for a definite no."""
        since = self.doubted.get(row.id)
        if row.state != "accepted":
            promise("in doubt since the first doubt", row.first_unknown_at == since, (row, since))
        if row.state == "in_doubt":
            promise("no doubt after a definite answer", since is not None, row)
            promise("held is what a person is to decide", row.held == (row.id in self.held), row)
        if row.state in ("pending", "waiting", "skipped"):
            promise("a doubt is not forgotten", since is None, (row, since))

    def _check_rows(self) -> None:
        """One row for each order and each pixel of its shop."""
        expected = Counter(
            (shop.store.pk, number, pixel.pk)
            for shop in self.world.shops
            for number in shop.orders
            for pixel in shop.pixels
        )
        found = Counter(row.key for row in self.ledger.values())
        promise("one row for an order and a pixel", found == expected, found - expected)
        taken = Counter(
            (row.pixel_id, row.event_id) for row in self.ledger.values() if row.event_id
        )
        promise("an event id is one order's", max(taken.values(), default=1) == 1, taken)

    def _check_attempts(self) -> None:
        """An attempt has one result; only a yes may come after all."""
        before, self.outcomes = self.outcomes, {row[0]: row[1:] for row in rows(ATTEMPTS)}
        for key, (outcome, finished_at) in before.items():
            now_outcome, now_finished = self.outcomes[key]
            same = (now_outcome, now_finished) == (outcome, finished_at)
            late_yes = (outcome, now_outcome) == ("unknown", "accepted")
            promise("one result", finished_at is None or same or late_yes, key)

    def _check_counted(self) -> None:
        """Meta counts each sale once, and the ledger knows of each that it may have counted."""
        every = self.world.meta.events()
        counted = Counter(self._sale(event) for event in every if event.verdict == "counted")
        ours = {self._sale(event) for event in every if event.source == "server"}
        twice = [sale for sale, times in counted.items() if times > 1]
        promise("nothing is counted twice", not twice, twice)
        under_way = {event for attempt in self._open() for event in attempt.events}
        for row in self.ledger.values():
            sale = self._sale_of(row)
            if row.state == "accepted":
                promise("what is accepted is counted", sale in counted and sale in ours, row)
            elif sale in ours and row.id not in under_way:
                # Refused the second time says nothing of the first: the row still shows its doubt.
                ends = ("in_doubt", "expired", "rejected")
                doubted = row.state in ends and row.first_unknown_at
                promise("what is counted is known", bool(doubted), row)

    # What is looked at in the end

    def something_is_left(self) -> bool:
        """Whether anything is owed, or any attempt without an end."""
        self.look()
        owed = any(row.state in ("pending", "in_doubt") for row in self.ledger.values())
        return owed or bool(self._open())

    def rows_that_wait_for_a_person(self) -> list[Row]:
        """What is held."""
        every = self.ledger.values()
        return [row for row in every if row.state == "in_doubt" and row.held]

    def check_the_end(self, mended_at: datetime) -> None:
        """All was well since `mended_at`, and a day has been enough for whatever was owed."""
        self.look()
        promise("nobody is waited for", not self._open(), self._open())
        for row in self.ledger.values():
            order = self._newest(row)
            if row.first_unknown_at is None and row.state != "accepted":
                self._check_reason(row, order)
            unsent = row.state in ("pending", "in_doubt", "expired") and row.id not in self.given_up
            if unsent and self._is_good(order):
                in_time = self._cut_off(row.id) > mended_at + timedelta(days=1)
                promise("what is owed is sent", not in_time, (row, order))
        differ = rows(TOTALS)
        promise("the totals are those of the ledger", not differ, differ)
        findings = find_imbalance(span=timedelta(days=365))
        promise("the ledger balances", imbalance(findings) == 0, findings)

    def _check_reason(self, row: Row, order: Order) -> None:
        """What was never sent says so for the reason that is in the order as it is now."""
        match row.state:
            case "skipped":
                right = row.reason in ("too_old", "event_id_taken", order.standing.value)
            case "waiting":
                right = order.standing == Standing.PLACED
            case "rejected":
                right = not self._is_good(order) or row.reason == "http_413"
            case _:
                right = order.standing == Standing.PAID or row.state == "expired"
        promise("the ledger says what is", right, (row, order))

    # Small things

    def _mine(self, worker: Worker) -> list[Attempt]:
        return self.attempts.setdefault(worker.number, [])

    def _open(self) -> list[Attempt]:
        """The attempts whose end is not written down."""
        every = [attempt for mine in self.attempts.values() for attempt in mine]
        return [attempt for attempt in every if not attempt.known]

    def _doubt(self, attempt: Attempt) -> None:
        attempt.known = True
        for event in attempt.events:
            if self.ledger[event].state != "accepted":
                first = self.doubted.get(event, attempt.begun_at)
                self.doubted[event] = min(first, attempt.begun_at)
                # Its order was called off while it was on its way: nobody sends that again unasked.
                called_off = self.ledger[event].state == "skipped"
                wanted = self.holding.get(attempt.pixel_id) or self.crashes[event] >= CRASHES
                holds = called_off or wanted
                (self.held.add if holds else self.held.discard)(event)

    def _cut_off(self, event: int) -> datetime:
        """By our own reckoning: for its age, and since the first time that Meta may have it."""
        order = self._newest(self.ledger[event])
        cut_off = order.placed_at + AGE
        if event in self.doubted:
            cut_off = min(cut_off, self.doubted[event] + WINDOW)
        for received in self.world.meta.events():  # by the browser or by us
            if self._sale(received) == self._sale_of(self.ledger[event]):
                since = datetime.fromtimestamp(received.received_at, UTC)
                cut_off = min(cut_off, since + WINDOW)
        return cut_off

    def _newest(self, row: Row) -> Order:
        (shop,) = (shop for shop in self.world.shops if shop.store.pk == row.store_id)
        return shop.orders[row.order_id][-1]

    def _is_good(self, order: Order) -> bool:
        """Whether Meta takes it."""
        return bool(order.visit.user_agents)

    def _sale(self, received: Received) -> tuple[str, Decimal]:
        return received.pixel, Decimal(received.value or 0)

    def _sale_of(self, row: Row) -> tuple[str, Decimal]:
        (pixel,) = (pixel for pixel in self.world.pixels if pixel.pk == row.pixel_id)
        return pixel.pixel_id, self._newest(row).total


NEVER = {standing.value for standing in (Standing.CANCELLED, Standing.REFUNDED, Standing.VOIDED)}


def promise(name: str, holds: bool, about: object) -> None:
    """Raise Broken unless it holds."""
    if not holds:
        raise Broken(name, about)
