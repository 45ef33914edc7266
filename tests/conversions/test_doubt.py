"""What was posted and never answered: the pixel's policy, the clock, and a person's word."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F

from conversions import claiming, ledger, sending
from conversions.doubt import Verdict, settle
from conversions.models import ConversionEvent, EventTransition, PixelQueue, SendAttempt
from purchases.meta.response import Answer, TryLater
from sandbox.graph_api import GraphApi
from stores.models import Pixel
from tests.pipeline import send_all

Owe = Callable[..., list[ConversionEvent]]
DAY = timedelta(days=1)


def pauses_end() -> None:
    PixelQueue.objects.update(not_before=F("not_before") - DAY)
    ConversionEvent.objects.update(not_before=F("not_before") - DAY)


@pytest.fixture
def doubted(meta: GraphApi, owe: Owe) -> ConversionEvent:
    """An order that Meta has stored, and whose answer was lost, at a pixel that holds."""
    Pixel.objects.update(ambiguous_sends="hold")
    owe(1)
    meta.fault("reset_after")
    send_all(meta)
    pauses_end()
    return ConversionEvent.objects.get()


class TestPolicy:
    def test_never_lose_sends_it_once_more_with_the_same_id_and_the_same_bytes(
        self, meta: GraphApi, owe: Owe
    ) -> None:
        owe(1)
        meta.fault("reset_after")
        send_all(meta)
        pauses_end()

        send_all(meta)

        first, second = meta.received
        assert first == second
        assert ConversionEvent.objects.get().state == "accepted"

    def test_never_double_leaves_it_to_a_person(
        self, meta: GraphApi, doubted: ConversionEvent
    ) -> None:
        send_all(meta)

        assert (doubted.state, doubted.held) == ("in_doubt", True)
        assert len(meta.requests) == 1

    def test_it_holds_up_nothing_else(
        self, meta: GraphApi, owe: Owe, doubted: ConversionEvent
    ) -> None:
        owe(2)

        send_all(meta)

        states = ConversionEvent.objects.order_by("pk").values_list("state", flat=True)
        assert list(states) == ["in_doubt", "accepted"]

    def test_a_dead_workers_events_are_held_too(self, meta: GraphApi, owe: Owe) -> None:
        Pixel.objects.update(ambiguous_sends="hold")
        owe(1)
        claiming.claim_turn()
        pauses_end()

        send_all(meta)

        event = ConversionEvent.objects.get()
        assert (event.state, event.reason, event.held) == ("in_doubt", "worker_lost", True)
        assert meta.requests == []

    def test_what_nobody_decides_expires(self, doubted: ConversionEvent) -> None:
        ConversionEvent.objects.update(cut_off=F("received_at"))

        ledger.expire()

        doubted.refresh_from_db()
        assert (doubted.state, doubted.reason) == ("expired", "too_old")


class TestVerdict:
    def test_seen_at_meta_ends_it_and_says_who_saw_it(
        self, meta: GraphApi, doubted: ConversionEvent
    ) -> None:
        settled = settle([doubted.pk], verdict=Verdict.ACCEPTED, actor="user 5")

        send_all(meta)

        doubted.refresh_from_db()
        assert (settled, doubted.state, doubted.reason) == (1, "accepted", "seen_by_a_person")
        assert EventTransition.objects.latest("pk").actor == "user 5"
        assert len(meta.requests) == 1

    def test_send_it_again_does_so_once_with_the_same_id(
        self, meta: GraphApi, doubted: ConversionEvent
    ) -> None:
        settle([doubted.pk], verdict=Verdict.RESEND, actor="user 5")

        send_all(meta)

        assert [event["event_id"] for event in meta.received] == ["1", "1"]
        assert meta.books()["1234567890123"]["counted"] == 1
        assert ConversionEvent.objects.get().state == "accepted"

    def test_it_is_not_sent_again_when_meta_no_longer_matches_it(
        self, meta: GraphApi, doubted: ConversionEvent
    ) -> None:
        ConversionEvent.objects.update(cut_off=F("received_at"))

        settled = settle([doubted.pk], verdict=Verdict.RESEND, actor="user 5")

        send_all(meta)
        assert (settled, len(meta.requests)) == (0, 1)

    def test_let_it_go_ends_it(self, meta: GraphApi, doubted: ConversionEvent) -> None:
        settle([doubted.pk], verdict=Verdict.GIVE_UP, actor="user 5")

        doubted.refresh_from_db()
        assert (doubted.state, doubted.reason) == ("expired", "given_up_by_a_person")

    def test_a_sender_that_wakes_up_after_its_turn_writes_nothing_but_a_yes_down(
        self, meta: GraphApi, owe: Owe
    ) -> None:
        Pixel.objects.update(ambiguous_sends="hold")
        owe(1)
        frozen = claiming.claim_turn()
        pauses_end()
        claiming.claim_turn()  # has nothing to send, for the only event is held now
        before = SendAttempt.objects.get().finished_at

        kept = sending._settle(frozen, frozen.groups.pop(), TryLater(reason="busy"), Answer())

        attempt = SendAttempt.objects.get()
        assert (kept, attempt.outcome, attempt.reason) == (False, "unknown", "worker_lost")
        assert attempt.finished_at == before

    def test_let_it_go_holds_although_a_worker_dies_that_was_sending_it(
        self, meta: GraphApi, doubted: ConversionEvent
    ) -> None:
        settle([doubted.pk], verdict=Verdict.RESEND, actor="user 5")
        claiming.claim_turn()
        settle([doubted.pk], verdict=Verdict.GIVE_UP, actor="user 5")
        Pixel.objects.update(ambiguous_sends="resend")
        pauses_end()

        send_all(meta)

        doubted.refresh_from_db()
        assert (doubted.state, doubted.reason) == ("expired", "given_up_by_a_person")
        assert len(meta.requests) == 1

    @pytest.mark.parametrize("verdict", Verdict)
    def test_nothing_but_a_doubt_can_be_settled(
        self, meta: GraphApi, owe: Owe, verdict: Verdict
    ) -> None:
        (event,) = owe(1)

        settled = settle([event.pk], verdict=verdict, actor="user 5")

        event.refresh_from_db()
        assert (settled, event.state) == (0, "pending")

    def test_the_next_step_is_nobodys_again(self, owe: Owe, doubted: ConversionEvent) -> None:
        settle([doubted.pk], verdict=Verdict.GIVE_UP, actor="user 5")
        owe(2)

        assert EventTransition.objects.latest("pk").actor == ""


class TestPoison:
    def test_what_has_killed_five_senders_waits_for_a_person_and_the_others_go(
        self, meta: GraphApi, owe: Owe
    ) -> None:
        owe(1, 2, 3)
        poison = ConversionEvent.objects.get(order_id="2")

        for _ in range(20):  # whoever carries the poison dies with it
            if (claim := claiming.claim_turn()) is None:
                break
            group = claim.groups[-1]
            if poison.pk in [event.id for event in group]:
                pauses_end()
                continue
            self.deliver(claim, meta)
            pauses_end()

        poison.refresh_from_db()
        assert (poison.state, poison.reason, poison.held) == ("in_doubt", "kills_its_sender", True)
        assert poison.crashes == ledger.MOST_CRASHES
        others = ConversionEvent.objects.exclude(pk=poison.pk)
        assert list(others.values_list("state", flat=True)) == ["accepted", "accepted"]

    def deliver(self, claim: Any, meta: GraphApi) -> None:
        graph = sending.GraphClient(url=meta.url, version="v26.0")
        group = claim.groups.pop()
        sending._settle(claim, group, *sending._post(claim, group, graph))

    def test_a_batch_that_a_sender_died_with_goes_in_smaller_parts(
        self, meta: GraphApi, owe: Owe, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(claiming, "MOST_BESIDE_A_CRASH", (1000, 2, 1))
        owe(1, 2, 3, 4, 5)
        claiming.claim_turn()
        pauses_end()

        send_all(meta)

        assert [len(request.event_ids) for request in meta.requests] == [2, 2, 1]


class TestCommand:
    def test_it_lists_what_is_in_doubt_with_its_clock(self, doubted: ConversionEvent) -> None:
        (row,) = json.loads(run("--json"))["rows"]

        assert (row["order_id"], row["next"], row["attempts"]) == ("1", "waits for you", 1)
        assert row["until"] > row["since"]

    def test_it_settles(self, doubted: ConversionEvent) -> None:
        said = run("--order", "1", "--settle", "accepted")

        doubted.refresh_from_db()
        assert (said, doubted.state) == ("1 settled as accepted.\n", "accepted")
        assert EventTransition.objects.latest("pk").actor == "command"

    def test_it_says_when_there_is_nothing(self, acme: SimpleNamespace) -> None:
        assert run() == "No event is in doubt.\n"


def run(*arguments: str) -> str:
    said = StringIO()
    call_command("doubt", *arguments, stdout=said)
    return said.getvalue()
