"""One row of the matrix: sell, harm, mend, wait until everything has settled, and check."""

import dataclasses
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import psycopg
import requests

from chaos import ledger, shops
from chaos.checker import Verdict, check
from chaos.fleet import OWNERS, SHOPS
from chaos.history import ANY, History, Sold
from chaos.installation import Installation
from chaos.keeper import Unsettled
from chaos.shops import Market, Order, Telling, invent, open_market

STANDSTILL = 150.0  # seconds of ours without any progress: then it will never settle
SETTLING_TAKES = 900.0  # in all, on a machine with other things to do; skipped time is free
SELLING_TAKES = 300.0  # to send again what was not taken, once all is mended
QUIET = 1.5  # seconds without a change, before we believe that nobody is at work
LONGEST_SKIP = 3600.0


@dataclass(frozen=True, kw_only=True)
class Load:
    """How much is sold: orders in so many seconds, over all shops."""

    name: str
    orders: int
    seconds: float

    def longer(self) -> "Load":
        """Six times as long at the same rate."""
        return Load(name=self.name, orders=self.orders * 6, seconds=self.seconds * 6)


IDLE = Load(name="L0", orders=20, seconds=4.0)
STEADY = Load(name="L1", orders=160, seconds=8.0)  # 20 orders a second
BURST = Load(name="L2", orders=500, seconds=5.0)
BACKLOG = Load(name="L3", orders=600, seconds=3.0)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault of the matrix."""

    number: str
    fault: str
    harm: "Callable[[Trial], None]"
    load: Load = STEADY
    kinds: tuple[str, ...] = ()
    ago: timedelta = timedelta()
    """How long ago the last of the orders were placed."""
    may_also_end: frozenset[tuple[str, str]] = frozenset()
    """What a purchase may come to besides accepted, by this fault."""
    telling: Telling = shops.in_their_order
    before: "Callable[[Trial], None]" = lambda trial: None
    """What is done before the first order is sold."""
    ci: bool = False


@dataclass(kw_only=True)
class Result:
    """What is printed of a row."""

    row: Row
    orders: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    on_time: float | None = None
    recovered: float | None = None
    remarks: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """What this row promises by itself and has not kept."""
    not_run: str = ""
    took: float = 0.0
    """Seconds of ours."""

    @property
    def holds(self) -> bool:
        """Whether every promise was kept."""
        return not (self.verdict.violations or self.broken)


class NotRun(Exception):
    """Why this machine cannot do that to us."""


class Trial:
    """What a row's `harm` may lay its hands on."""

    def __init__(self, row: Row, installation: Installation, *, seed: int, full: bool) -> None:
        self.row, self.installation = row, installation
        self.keeper, self.meta = installation.keeper, installation.meta
        self.to_meta, self.to_broker = installation.to_meta, installation.to_broker
        self.luck = random.Random(f"{row.number} {seed}")
        self.seed, self.full = seed, full
        self.load = row.load.longer() if full else row.load
        self.result = Result(row=row)
        self.market: Market = Market([], threading.Event())
        self.begun = self.mended = 0.0
        self.orders: dict[str, list[Order]] = {}
        """By shop."""
        self.refused: set[str] = set()
        """Event ids that Meta refuses, each for itself."""

    def run(self) -> Result:
        """The whole row. Raises NotRun, and Unsettled where something never happened."""
        self.installation.forget()
        self.orders = self._invent()
        self.row.before(self)
        urls = self.installation.webhook_urls()
        with open_market(
            self.orders, urls, seconds=self.load.seconds, telling=self.row.telling
        ) as self.market:
            self.begun = time.monotonic()
            self.row.harm(self)
            self.mend()
            self.wait_until_sold()
        self.settle()
        self._judge()
        return self.result

    # For harming

    def while_selling(self, every: float) -> Iterator[None]:
        """Come back every so many seconds as long as the load lasts."""
        while time.monotonic() - self.begun < self.load.seconds:
            self.keeper.wait(every * self.luck.uniform(0.7, 1.3))
            yield

    def sell_on(self) -> None:
        """Let the load go by, and look after everybody."""
        self.keeper.wait(max(0.0, self.load.seconds - (time.monotonic() - self.begun)))

    def wait_until_sold(self) -> None:
        """Until the shops have nothing more to send."""
        self.keeper.wait_until(
            self.market.is_closed, within=SELLING_TAKES, what="The end of the selling"
        )

    def mend(self) -> None:
        """Note the end of the fault, once; a row may do so itself."""
        if not self.mended:
            self.mended = time.monotonic()
            self.result.on_time = self.market.on_time(self.begun, self.mended)

    def remark(self, text: str) -> None:
        """Something worth knowing; it decides nothing."""
        self.result.remarks.append(text)

    def insist(self, kept: bool, text: str) -> None:
        """A promise that only this row can see."""
        if not kept:
            self.result.broken.append(text)

    # Time

    def settle(self) -> None:
        """Wait until nothing is left to do, skipping the time in which nobody is at work.

        The first time counts as the recovery. Raises Unsettled.
        """
        skipped_before = self.installation.skipped
        begun = moved = time.monotonic()
        progress: tuple[int, ...] = ()
        while not (now := self.under_way()) or not now.is_over:
            if now and now.progress != progress:
                progress, moved = now.progress, time.monotonic()
            if time.monotonic() - moved > STANDSTILL or time.monotonic() - begun > SETTLING_TAKES:
                raise Unsettled(f"it does not settle: {self._what_is_left()}")
            self.skip_a_pause()
        if self.result.recovered is None:
            passed = self.installation.skipped - skipped_before
            self.result.recovered = time.monotonic() - self.mended + passed

    def under_way(self) -> ledger.UnderWay | None:
        """What is left to do; None while the database cannot say."""
        try:
            return ledger.under_way(self.installation)
        except psycopg.Error:
            return None

    def skip_a_pause(self) -> float:
        """Wait for a moment; if nobody is at work in it, skip to when the next work is due.

        Returns the seconds that were skipped.
        """
        try:
            before = ledger.under_way(self.installation)
            self.keeper.wait(QUIET)
            now = ledger.under_way(self.installation)
            if now.progress != before.progress or now.due_in is None or now.due_in < 1.0:
                return 0.0
            seconds = min(now.due_in + 0.1, LONGEST_SKIP)
            skipped = self.installation.skip(seconds, if_so=lambda: self._nobody_works(now))
        except (psycopg.Error, requests.RequestException):
            self.keeper.wait(0.2)
            return 0.0
        return seconds if skipped else 0.0

    def skip(self, seconds: float, *, step: float) -> None:
        """Let a long time pass in steps, with a moment for work in each. Raises Unsettled."""
        left = seconds
        while left > 0:
            part = min(left, step)
            self.keeper.wait_until(
                partial(self.installation.skip, part, if_so=self._no_attempt_is_open),
                within=60,
                what="The end of a request to Meta",
            )
            left -= part
            self.keeper.wait(0.3)

    def _nobody_works(self, as_of: ledger.UnderWay) -> bool:
        """No change since, and no request on its way: what is open then belongs to the dead."""
        now = ledger.under_way(self.installation)
        return now.progress == as_of.progress and not self.to_meta.busy()

    def _no_attempt_is_open(self) -> bool:
        return ledger.under_way(self.installation).open_attempts == 0

    # Judging

    def _invent(self) -> dict[str, list[Order]]:
        each = -(-self.load.orders // len(SHOPS))
        number = self.seed * 37 + sum(map(ord, self.row.number))
        return {
            shop.key: invent(shop, count=each, seed=number, kinds=self.row.kinds, ago=self.row.ago)
            for shop in SHOPS
        }

    def _judge(self) -> None:
        orders = self.market.orders
        history = History(
            sold=[self._sold(order) for order in orders],
            ledger=ledger.entries(self.installation),
            arrivals=self.meta.arrivals(),
            posts=self.meta.posts(),
            owners=OWNERS | {shop.key: shop.tenant for shop in SHOPS},
            imbalances=ledger.contradictions(self.installation)
            + ledger.own_count(self.installation),
        )
        self.result.orders = sum(order.acknowledged_at > 0 for order in orders)
        self.result.verdict = check(history)
        self._add_remarks(history)
        if violations := self.result.verdict.violations:
            self.result.story = self._story(violations[0].what, violations[0].key, history)

    def _sold(self, order: Order) -> Sold:
        sold = order.sold(self.row.may_also_end)
        if sold.event_id in self.refused:
            sold = dataclasses.replace(sold, may_end=frozenset({("rejected", ANY)}))
        return sold

    def _add_remarks(self, history: History) -> None:
        if unheard := sum(not sold.acknowledged_at for sold in history.sold):
            self.remark(f"{unheard} orders never acknowledged")
        if again := sum(not arrival.counted for arrival in history.arrivals):
            self.remark(f"Meta discarded {again} by id")

    def _story(self, what: str, key: tuple[str, str, str] | None, history: History) -> list[str]:
        if key is None:
            return [what]
        event_id = f"{key[0]}-{key[1]}"
        lines = [what, *ledger.story_of(self.installation, key)]
        for post in history.posts:
            if post.pixel == key[2] and event_id in post.event_ids:
                lines.append(f"post at Meta: {post.at:.3f} · {post.outcome}")
        for arrival in history.arrivals:
            if arrival.pixel == key[2] and arrival.event_id == event_id:
                counted = "counted" if arrival.counted else "discarded"
                lines.append(f"in Meta's books: {arrival.at:.3f} · {counted}")
        return lines

    def _what_is_left(self) -> str:
        try:
            return "; ".join(self._first(ledger.contradictions(self.installation)))
        except psycopg.Error as error:
            return f"the database does not answer ({error})"

    @staticmethod
    def _first(lines: Sequence[str]) -> list[str]:
        return [*lines[:3], *([f"and {len(lines) - 3} more"] if len(lines) > 3 else [])]
