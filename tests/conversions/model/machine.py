"""What may happen to a world, in any order: orders, news, workers that die or freeze, outages, time."""

from __future__ import annotations

import sys
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from conversions.doubt import Verdict
from conversions.models import Lane
from purchases.order import Standing
from tests.conversions.model.checker import Row
from tests.conversions.model.world import KINDS, MISHAPS, Shop, World

A_LEASE = timedelta(seconds=61)
lane = st.sampled_from([Lane.LIVE] * 4 + [Lane.BACKFILL])
number = st.integers(0, 7)  # of whatever there is, counted round
shop = st.integers(0, 2)
pixel = st.integers(0, 2)
mishap = st.sampled_from(["", "", "", *MISHAPS])
end = st.sampled_from(["", "", "", "killed", "asked to stop"])
# Most of what matters lies around a lease (60 s), a probe (15 min), the window (47 h) and the age.
moment = st.sampled_from([
    timedelta(seconds=1), timedelta(seconds=30), timedelta(seconds=50), timedelta(seconds=61),
    timedelta(minutes=5), timedelta(minutes=16), timedelta(hours=1, minutes=1), timedelta(hours=20),
    timedelta(hours=46, minutes=55), timedelta(hours=49), timedelta(days=3), timedelta(days=6, hours=22),
])  # fmt: skip
age = st.sampled_from([timedelta(minutes=1)] * 4 + [timedelta(days=6, hours=22), timedelta(days=7)])
wrong_by = st.sampled_from([timedelta(0), timedelta(days=-3), timedelta(days=3)])


class Machine(RuleBasedStateMachine):
    """One example is one world from its beginning to its end."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        world.begin()

    def teardown(self) -> None:
        """In the end everything works again, and then the ledger must agree with Meta's books."""
        if sys.exception() is None:
            self.world.checker.check_the_end(self.world.drain())

    @initialize(shops=st.lists(shop, min_size=1, max_size=3))
    def orders_are_paid(self, shops: list[int]) -> None:
        for shop in shops:
            self.an_order_comes(shop, "ordinary", Standing.PAID, timedelta(minutes=1))

    @rule(
        shop=shop,
        kind=st.sampled_from(["ordinary", *KINDS]),
        standing=st.sampled_from([Standing.PAID, Standing.PAID, Standing.PLACED]),
        age=age,
    )
    def an_order_comes(self, shop: int, kind: str, standing: Standing, age: timedelta) -> None:
        self.world.order(self.world.shops[shop], kind, standing=standing, age=age)

    @rule(
        number=number,
        standing=st.sampled_from([Standing.PAID, Standing.CANCELLED, Standing.REFUNDED]),
    )
    def an_order_changes(self, number: int, standing: Standing) -> None:
        shop, order = self._order(number)
        self.world.news(shop, order, standing=standing)

    @rule(number=number, version=number)
    def an_order_is_told_again(self, number: int, version: int) -> None:
        shop, order = self._order(number)
        versions = shop.orders[order]
        self.world.tell(shop, versions[version % len(versions)])

    @rule(
        lane=lane, mishap=mishap, standing=st.sampled_from([Standing.CANCELLED, Standing.REFUNDED])
    )
    def orders_are_called_off_while_they_are_on_their_way(
        self, lane: Lane, mishap: str, standing: Standing
    ) -> None:
        worker = self.world.claim(lane)
        if worker not in self.world.workers:
            return
        self.world.post(worker, mishap=mishap)
        for event in worker.group:
            row = self.world.checker.ledger[event.id]
            (shop,) = (each for each in self.world.shops if each.store.pk == row.store_id)
            self.world.news(shop, row.order_id, standing=standing)
        self.world.settle(worker)

    @rule(lane=lane, mishap=mishap, wrong_by=wrong_by)
    def a_worker_serves(self, lane: Lane, mishap: str, wrong_by: timedelta) -> None:
        self.world.serve(lane, mishap=mishap, clock_wrong_by=wrong_by)

    @rule(number=st.integers(0, 2), lane=lane, mishap=mishap, wrong_by=wrong_by, end=end)
    def a_worker_goes_on(
        self, number: int, lane: Lane, mishap: str, wrong_by: timedelta, end: str
    ) -> None:
        """By one piece: it claims, or posts what it has claimed, or settles; or that is its end."""
        if number >= len(self.world.workers):
            self.world.claim(lane, clock_wrong_by=wrong_by)
            return
        worker = self.world.workers[number]
        if end == "killed":
            self.world.die(worker)
        elif worker.answer is None:
            self.world.post(worker, mishap=mishap)
        else:
            self.world.settle(worker, may_go_on=end != "asked to stop")

    @rule(lane=lane, times=st.integers(1, 6))
    def workers_die_one_after_the_other(self, lane: Lane, times: int) -> None:
        for _ in range(times):
            worker = self.world.claim(lane)
            if worker in self.world.workers:
                self.world.die(worker)
            self.world.clock.advance(A_LEASE)

    @rule(lane=lane, posts=st.booleans(), mishap=mishap, times=st.integers(1, 2))
    def workers_freeze_and_another_takes_the_turn(
        self, lane: Lane, posts: bool, mishap: str, times: int
    ) -> None:
        for _ in range(times):
            frozen = self.world.claim(lane)
            if posts and frozen in self.world.workers:
                self.world.post(frozen, mishap=mishap)
            self.world.clock.advance(A_LEASE)
        self.world.claim(lane)

    @rule(
        lane=lane,
        first=st.sampled_from(["", "", "answer_lost"]),
        second=mishap,
        late_one_last=st.booleans(),
    )
    def two_answers_come_to_one_event(
        self, lane: Lane, first: str, second: str, late_one_last: bool
    ) -> None:
        senders = []
        for mishap, passes in ((first, A_LEASE), (second, timedelta(0))):
            worker = self.world.claim(lane)
            if worker in self.world.workers:
                self.world.post(worker, mishap=mishap)
                senders.append(worker)
            self.world.clock.advance(passes)
        for worker in reversed(senders) if late_one_last else senders:
            self.world.settle(worker)

    @rule(lane=lane, mishap=mishap, times=st.integers(3, 7))
    def it_goes_wrong_again_and_again(self, lane: Lane, mishap: str, times: int) -> None:
        for _ in range(times):
            self.world.clock.advance(timedelta(minutes=3))  # longer than any pause of ours
            if not self.world.serve(lane, mishap=mishap):
                break

    @rule(moment=moment)
    def time_passes(self, moment: timedelta) -> None:
        self.world.clock.advance(moment)

    @rule(pixel=pixel, lane=lane)
    def a_token_dies(self, pixel: int, lane: Lane) -> None:
        self.world.token(self.world.pixels[pixel], "expired")
        for _ in range(3):
            self.world.serve(lane)
            self.world.clock.advance(timedelta(minutes=5))

    @rule(pixel=pixel)
    def a_token_is_valid_again(self, pixel: int) -> None:
        self.world.token(self.world.pixels[pixel], "valid")

    @rule(pixel=pixel)
    def a_person_says_try_again(self, pixel: int) -> None:
        self.world.try_again(self.world.pixels[pixel])

    @rule(pixel=pixel, ambiguous_sends=st.sampled_from(["resend", "hold"]))
    def a_pixel_is_to(self, pixel: int, ambiguous_sends: str) -> None:
        self.world.choose(self.world.pixels[pixel], ambiguous_sends)

    @precondition(lambda self: self._in_doubt())
    @rule(number=number, verdict=st.sampled_from([Verdict.RESEND, Verdict.GIVE_UP, None]))
    def a_person_decides(self, number: int, verdict: Verdict | None) -> None:
        rows = self._in_doubt()
        row = rows[number % len(rows)]
        seen = Verdict.ACCEPTED if self.world.checker.is_received(row) else Verdict.RESEND
        self.world.decide(row, verdict or seen)

    @rule(lane=lane, verdict=st.sampled_from([Verdict.RESEND, Verdict.GIVE_UP]))
    def a_person_decides_while_it_is_on_its_way(self, lane: Lane, verdict: Verdict) -> None:
        self.world.serve(lane, mishap="answer_lost")
        self.world.clock.advance(timedelta(minutes=3))
        if self.world.claim(lane):
            for row in self._in_doubt():
                self.world.decide(row, verdict)
        self.world.clock.advance(A_LEASE)
        self.world.claim(lane)

    @rule(outage=st.sampled_from(["", "", "unreachable", "stumbled", "answer_lost"]))
    def meta_is(self, outage: str) -> None:
        self.world.outage = outage

    @rule()
    def the_sweeper_passes(self) -> None:
        self.world.sweep()

    def _order(self, number: int) -> tuple[Shop, str]:
        every = [(shop, order) for shop in self.world.shops for order in shop.orders]
        return every[number % len(every)]

    def _in_doubt(self) -> list[Row]:
        every = sorted(self.world.checker.ledger.values())
        return [row for row in every if row.state == "in_doubt"]
