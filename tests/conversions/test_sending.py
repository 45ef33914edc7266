"""Claim, post, settle, against a Meta that refuses what Meta refuses."""

import json
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import F

from conversions import claiming, ledger, pausing, sending
from conversions import graph as graph_module
from conversions.graph import GraphClient
from conversions.models import ConversionEvent, EventPayload, PixelQueue, SendAttempt
from conversions.outbox import payload_purpose
from purchases.meta.response import Accepted, Answer
from sandbox.graph_api import GraphApi
from stores.models import Pixel
from stores.secrets import store_ring
from tests.pipeline import at_once, send_all

HOUR = timedelta(hours=1)


def client(meta: GraphApi) -> GraphClient:
    return GraphClient(url=meta.url, version="v26.0")


def states() -> list[tuple[str, str]]:
    return list(ConversionEvent.objects.order_by("pk").values_list("state", "reason"))


def outcomes() -> list[tuple[str, str, int]]:
    found = SendAttempt.objects.order_by("pk")
    return list(found.values_list("outcome", "reason", "event_count"))


def end_pauses() -> None:
    """Time passes for every pause and lease, and for nothing else."""
    PixelQueue.objects.update(not_before=F("not_before") - 2 * HOUR)
    ConversionEvent.objects.update(not_before=F("not_before") - 2 * HOUR)


class TestAccepted:
    def test_an_event_is_accepted_once(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)

        send_all(meta)
        send_all(meta)

        event = ConversionEvent.objects.get()
        assert (event.state, event.reason, event.attempts) == ("accepted", "", 1)
        assert [received["event_id"] for received in meta.received] == ["1"]
        assert event.fbtrace_id == SendAttempt.objects.get().fbtrace_id != ""

    def test_many_events_go_in_one_request(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(*range(1, 41))

        send_all(meta)

        assert outcomes() == [("accepted", "", 40)]

    def test_the_token_is_in_a_header_and_never_in_the_address(
        self, acme: SimpleNamespace, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)

        send_all(meta)

        (request,) = meta.requests
        assert request.path == f"/v26.0/{acme.pixel.pixel_id}/events"
        assert request.outcome == "accepted"

    def test_no_more_events_go_at_once_than_meta_takes(
        self,
        meta: GraphApi,
        owe: Callable[..., list[ConversionEvent]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(claiming, "MAX_EVENTS", 2)  # for 1,000
        owe(1, 2, 3)

        send_all(meta)

        assert [count for _, _, count in outcomes()] == [2, 1]

    def test_no_more_than_a_megabyte_goes_at_once(
        self, acme: SimpleNamespace, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1, 2, 3)
        contents = [{"id": f"{n:040}", "quantity": 1} for n in range(7000)]  # 430 kB
        for order_id in ("1", "2", "3"):
            custom_data = {"value": 42.5, "currency": "EUR", "contents": contents}
            tamper(acme, order_id, custom_data=custom_data)

        send_all(meta)

        assert [count for _, _, count in outcomes()] == [2, 1]
        assert {state for state, _ in states()} == {"accepted"}

    def test_a_cancelled_order_that_meta_has_taken_meanwhile_is_accepted(
        self, acme: SimpleNamespace, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        claim = claiming.claim_turn()
        later = datetime.now(UTC).isoformat()
        owe(1, cancelled_at=later, updated_at=later)
        assert states() == [("skipped", "cancelled")]

        sending._settle(claim, claim.groups.pop(), Accepted(fbtrace_id="A1", received=1), Answer())

        event = ConversionEvent.objects.get()
        assert (event.state, event.event_id) == ("accepted", "1")
        assert event.reason == "cancelled_after_send"


class TestTurns:
    def test_two_claimers_share_nothing(
        self, meta: GraphApi, two_pixels: SimpleNamespace, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(*range(1, 31))
        owe(*range(101, 131), store=two_pixels.store)

        at_once([lambda: send_all(meta)] * 4)
        send_all(meta)

        assert {state for state, _ in states()} == {"accepted"}
        assert sorted(int(event["event_id"]) for event in meta.received) == [
            *range(1, 31),
            *range(101, 131),
        ]

    def test_the_pixel_served_longest_ago_comes_first(
        self,
        acme: SimpleNamespace,
        meta: GraphApi,
        two_pixels: SimpleNamespace,
        owe: Callable[..., list[ConversionEvent]],
    ) -> None:
        owe(1)
        owe(101, store=two_pixels.store)
        PixelQueue.objects.filter(pixel=acme.pixel).update(served_at=F("served_at") + HOUR)

        send_all(meta)

        assert [event["event_id"] for event in meta.received] == ["101", "1"]

    def test_a_colleague_is_called_while_another_pixel_waits(
        self, meta: GraphApi, two_pixels: SimpleNamespace, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        calls: list[str] = []
        owe(1)
        owe(101, store=two_pixels.store)

        turns = send_all(meta, call_colleague=lambda: calls.append("called"))

        assert (turns, calls) == (2, ["called"])

    def test_one_pixel_is_posted_to_by_one_worker_at_a_time(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        claiming.claim_turn()
        owe(2)

        assert claiming.claim_turn() is None


class TestDoubt:
    def test_a_dead_workers_events_are_in_doubt_and_go_again_with_the_same_bytes(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        claim = claiming.claim_turn()  # posts, and dies before it could write the answer down
        sending._post(claim, claim.groups[-1], client(meta))
        assert send_all(meta) == 0

        end_pauses()
        send_all(meta)

        first, second = meta.received
        assert first == second
        assert meta.books()["1234567890123"]["counted"] == 1
        assert outcomes() == [("unknown", "worker_lost", 1), ("accepted", "", 1)]
        event = ConversionEvent.objects.get()
        assert (event.state, event.attempts) == ("accepted", 2)
        assert event.first_unknown_at == SendAttempt.objects.earliest("pk").started_at
        assert event.cut_off == event.first_unknown_at + ledger.MAY_RESEND_FOR

    def test_an_order_that_is_cancelled_while_its_worker_dies_is_in_doubt(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        claim = claiming.claim_turn()
        sending._post(claim, claim.groups[-1], client(meta))
        later = datetime.now(UTC).isoformat()
        owe(1, cancelled_at=later, updated_at=later)
        before = states()

        end_pauses()
        claiming.claim_turn()

        assert before == [("skipped", "cancelled")]
        assert states() == [("in_doubt", "called_off_while_sent")]
        assert send_all(meta) == 0  # Meta may have it; it is not sent again

    def test_an_order_that_expires_while_its_worker_dies_says_that_it_was_in_doubt(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        claim = claiming.claim_turn()
        sending._post(claim, claim.groups[-1], client(meta))
        ConversionEvent.objects.update(cut_off=datetime.now(UTC))
        ledger.expire()

        end_pauses()
        send_all(meta)
        ledger.expire()

        event = ConversionEvent.objects.get()
        assert event.state == "expired"
        assert event.first_unknown_at == SendAttempt.objects.get().started_at
        assert len(meta.received) == 1

    def test_a_yes_counts_even_when_another_worker_has_the_turn_by_then(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        slow = claiming.claim_turn()
        end_pauses()
        meta.will_answer(503, "busy")
        send_all(meta)
        before = states()

        kept = sending._settle(
            slow, slow.groups.pop(), Accepted(fbtrace_id="A1", received=1), Answer()
        )

        assert kept is False  # it takes no further turn
        assert before == [("in_doubt", "http_503")]
        assert states() == [("accepted", "")]

    def test_a_worker_whose_lease_has_ended_sends_nothing(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        claim = claiming.claim_turn()
        claim.boot_time -= claiming.LEASE.total_seconds()  # frozen that long

        outcome, _ = sending._post(claim, claim.groups[-1], client(meta))

        assert outcome.reason == "no_longer_allowed"
        assert meta.requests == []

    def test_an_event_past_its_cut_off_is_not_sent_even_by_the_one_who_claimed_it(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        ConversionEvent.objects.update(cut_off=datetime.now(UTC) + timedelta(seconds=65))
        claim = claiming.claim_turn()
        claim.boot_time -= claiming.LEASE.total_seconds() - 12

        outcome, _ = sending._post(claim, claim.groups[-1], client(meta))

        assert outcome.reason == "no_longer_allowed"
        assert meta.requests == []

    @pytest.mark.parametrize(
        ("kind", "details", "reason"),
        [
            ("html", {"status": 503}, "http_503"),
            ("html", {"status": 502}, "http_502"),
            ("reset_after", {}, "network_connectionerror"),
            ("cut", {}, "unreadable_answer"),
            ("garbage", {}, "unreadable_answer"),
            ("wrong_types", {}, "unreadable_answer"),
            ("huge", {"size": 200_000}, "unreadable_answer"),
            ("gzip_bomb", {"size": 10_000_000}, "unreadable_answer"),
            ("count", {"events_received": 0}, "received_mismatch"),
            ("redirect", {}, "http_302"),
            ("raw", {"body": "nonsense"}, "network_connectionerror"),
        ],
    )
    def test_an_answer_that_is_neither_yes_nor_no_leaves_the_event_in_doubt(
        self,
        meta: GraphApi,
        owe: Callable[..., list[ConversionEvent]],
        kind: str,
        details: dict[str, Any],
        reason: str,
    ) -> None:
        owe(1)
        meta.fault(kind, **details)

        send_all(meta)

        event = ConversionEvent.objects.get()
        assert (event.state, event.reason, event.attempts) == ("in_doubt", reason, 1)
        assert event.cut_off == event.first_unknown_at + timedelta(hours=47)

    @pytest.mark.parametrize(
        ("kind", "details"),
        [("hang", {}), ("silence", {}), ("drip", {"seconds": 0.2})],
    )
    def test_a_call_has_an_end_whatever_meta_does(
        self,
        meta: GraphApi,
        owe: Callable[..., list[ConversionEvent]],
        monkeypatch: pytest.MonkeyPatch,
        kind: str,
        details: dict[str, Any],
    ) -> None:
        monkeypatch.setattr(graph_module, "READ_SECONDS", 0.5)
        monkeypatch.setattr(graph_module, "DEADLINE_SECONDS", 1.0)
        owe(1)
        meta.fault(kind, **details)

        send_all(meta)  # a call without an end would run into the test's own

        assert ConversionEvent.objects.get().state == "in_doubt"

    def test_the_cut_off_counts_from_the_first_doubt(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        meta.will_answer(503, "busy", times=2)
        send_all(meta)
        first = ConversionEvent.objects.get().cut_off

        end_pauses()
        send_all(meta)

        assert ConversionEvent.objects.get().cut_off == first


class TestLater:
    def test_a_connection_that_is_refused_tells_meta_nothing(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        meta.stop()

        send_all(meta)

        assert states() == [("pending", "network_connectionerror")]
        assert [outcome for outcome, _, _ in outcomes()] == ["try_later"]

    def test_a_throttle_is_a_pause_and_not_a_doubt(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        meta.fault("error", error="throttled_app")

        send_all(meta)

        assert [state for state, _ in states()] == ["pending"]
        assert [outcome for outcome, _, _ in outcomes()] == ["try_later"]

    def test_a_pause_that_meta_asks_for_is_kept(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        throttled = {"error": {"code": 4, "message": "limit", "type": "OAuthException"}}
        meta.will_answer(400, throttled, headers={"Retry-After": "600"})

        send_all(meta)

        pause = PixelQueue.objects.get().not_before - SendAttempt.objects.get().finished_at
        assert abs(pause - timedelta(seconds=600)) < timedelta(seconds=1)

    def test_a_pixel_that_pauses_does_not_hold_up_another(
        self, meta: GraphApi, two_pixels: SimpleNamespace, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        owe(101, store=two_pixels.store)
        meta.fault("html", status=503, pixel="1234567890123", times=None)

        send_all(meta)

        assert [state for state, _ in states()] == ["in_doubt", "accepted"]

    def test_what_is_owed_goes_when_the_pause_is_over(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        meta.fault("error", error="throttled_app")
        send_all(meta)

        end_pauses()
        send_all(meta)

        assert states() == [("accepted", "")]


class TestPoison:
    """An event that Meta cannot digest: every request that carries it goes unanswered."""

    @pytest.fixture
    def indigestible(self, meta: GraphApi) -> Callable[[str], None]:
        """Meta counts one event less than it was sent, whenever the event is among them."""

        def indigestible(event_id: str) -> None:
            meta.fault("count", events_received=0, times=None, event_id=event_id)

        return indigestible

    @pytest.mark.parametrize("place", [1, 20])
    def test_it_does_not_hold_up_the_others(
        self,
        meta: GraphApi,
        owe: Callable[..., list[ConversionEvent]],
        indigestible: Callable[[str], None],
        place: int,
    ) -> None:
        owe(*range(1, 41))
        indigestible(str(place))

        for _ in range(40):
            send_all(meta)
            end_pauses()

        accepted = ConversionEvent.objects.filter(state="accepted")
        assert accepted.count() == 39
        assert ConversionEvent.objects.get(order_id=str(place)).state == "in_doubt"

    def test_a_part_that_is_left_is_not_sent_if_a_person_has_settled_it_meanwhile(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1, 2, 3, 4)
        meta.fault("html", status=413)  # halve it, says Meta
        claim = claiming.claim_turn()
        group = claim.groups.pop()
        sending._settle(claim, group, *sending._post(claim, group, client(meta)))
        last = ConversionEvent.objects.get(order_id="4")
        ConversionEvent.objects.filter(pk=last.pk).update(
            state="expired", reason="given_up_by_a_person"
        )

        while claim.groups:
            group = claim.groups.pop()
            sending._settle(claim, group, *sending._post(claim, group, client(meta)))

        assert sorted(int(event["event_id"]) for event in meta.received) == [1, 2, 3]

    def test_what_cannot_be_claimed_lets_the_other_pixels_go_first(
        self,
        acme: SimpleNamespace,
        meta: GraphApi,
        two_pixels: SimpleNamespace,
        owe: Callable[..., list[ConversionEvent]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        owe(1)
        owe(101, store=two_pixels.store)
        PixelQueue.objects.filter(pixel=acme.pixel).update(served_at=F("served_at") - HOUR)
        take = claiming._batch

        def spoilt(owed: Any, pixel: Pixel) -> Any:
            if pixel == acme.pixel:
                raise RuntimeError("a row that nobody has foreseen")
            return take(owed, pixel)

        monkeypatch.setattr(claiming, "_batch", spoilt)

        with pytest.raises(RuntimeError):
            send_all(meta)
        send_all(meta)

        assert [event["event_id"] for event in meta.received] == ["101"]

    def test_an_answer_that_the_database_could_not_take_is_written_down_once_it_can(
        self,
        meta: GraphApi,
        owe: Callable[..., list[ConversionEvent]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        owe(1, 2, 3, 4)
        meta.fault("html", status=413)  # halve it, says Meta
        begin, calls = sending.begin, []

        def cut_off(claim: Any) -> None:
            begin(claim)
            calls.append(claim)
            if len(calls) == 2:  # the next part is begun, and the transaction is lost
                raise OperationalError("the database was killed")

        monkeypatch.setattr(sending, "begin", cut_off)
        monkeypatch.setattr(sending, "SETTLES_AGAIN_AFTER", 0)

        send_all(meta)

        assert outcomes() == [("rejected", "http_413", 4), ("accepted", "", 2), ("accepted", "", 2)]
        assert sorted(int(event["event_id"]) for event in meta.received) == [1, 2, 3, 4]

    def test_a_try_a_minute_for_two_months_does_not_run_over(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        ConversionEvent.objects.update(attempts=32_767)
        meta.fault("error", error="throttled_app")

        send_all(meta)

        assert ConversionEvent.objects.get().attempts == 32_767


class TestBreaker:
    def test_from_the_fifth_failure_on_one_event_asks_whether_meta_is_well_again(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(*range(1, 11))
        meta.fault("error", error="throttled_app", times=6)

        for _ in range(6):
            send_all(meta)
            end_pauses()
        send_all(meta)

        assert [count for _, _, count in outcomes()] == [10, 10, 10, 10, 10, 1, 1, 9]
        assert {state for state, _ in states()} == {"accepted"}

    def test_a_pause_grows_to_two_minutes_and_no_further(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        meta.will_answer(400, {"error": {"code": 2, "message": "Down"}}, times=None)
        pauses = []

        for _ in range(12):
            send_all(meta)
            queue, attempt = PixelQueue.objects.get(), SendAttempt.objects.latest("pk")
            pauses.append(queue.not_before - attempt.finished_at)
            end_pauses()

        limits = [min(sending.LONGEST_PAUSE, sending.FIRST_PAUSE * 2**n) for n in range(1, 13)]
        assert [pause <= limit for pause, limit in zip(pauses, limits, strict=True)] == [True] * 12
        assert min(pauses) > timedelta(seconds=0.5)

    def test_an_order_that_comes_during_a_pause_costs_no_request_of_its_own(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        down = {"error": {"code": 2, "message": "Down"}}
        meta.will_answer(400, down, times=None, headers={"Retry-After": "600"})
        send_all(meta)

        for order_id in range(2, 22):
            owe(order_id)
            send_all(meta)

        assert len(meta.requests) == 1


class TestBrokenPixels:
    def test_a_broken_token_holds_events_and_blames_the_pixel(
        self,
        acme: SimpleNamespace,
        meta: GraphApi,
        two_pixels: SimpleNamespace,
        owe: Callable[..., list[ConversionEvent]],
    ) -> None:
        owe(1, 2)
        owe(101, store=two_pixels.store)
        meta.token("EAA-acme", state="expired")

        send_all(meta)

        acme.pixel.refresh_from_db()
        assert acme.pixel.broken_reason == "token_expired"
        assert [state for state, _ in states()] == ["pending", "pending", "accepted"]

    def test_it_is_told_in_the_log_once(
        self,
        meta: GraphApi,
        owe: Callable[..., list[ConversionEvent]],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        owe(1, 2)
        meta.token("EAA-acme", state="revoked")

        with caplog.at_level(logging.ERROR):
            send_all(meta)
            self.time_for_a_probe()
            send_all(meta)

        alerts = [record for record in caplog.records if "pixel.broken" in record.getMessage()]
        assert len(alerts) == 1

    def test_nothing_is_sent_until_it_is_time_for_a_probe_of_one_event(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1, 2, 3)
        meta.token("EAA-acme", state="expired")
        send_all(meta)

        end_pauses()
        too_early = send_all(meta)
        self.time_for_a_probe()
        probes = send_all(meta)

        assert (too_early, probes) == (0, 1)
        assert [count for _, _, count in outcomes()] == [3, 1]

    def test_each_probe_is_another_events(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1, 2, 3)
        Pixel.objects.update(broken_reason="meta_9999")
        unheard_of = {"error": {"code": 9999, "message": "?"}}
        meta.will_answer(400, unheard_of, times=None)

        for _ in range(4):
            self.time_for_a_probe()
            send_all(meta)

        assert [request.event_ids for request in meta.requests] == [("1",), ("2",), ("3",), ("1",)]

    def test_a_mended_token_sends_everything_that_waited(
        self, acme: SimpleNamespace, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1, 2, 3)
        meta.token("EAA-acme", state="expired")
        send_all(meta)
        meta.token("EAA-acme", state="valid")

        self.time_for_a_probe()
        send_all(meta)

        acme.pixel.refresh_from_db()
        assert (acme.pixel.broken_reason, acme.pixel.broken_at) == ("", None)
        assert [count for _, _, count in outcomes()] == [3, 1, 2]
        assert {state for state, _ in states()} == {"accepted"}

    def test_a_token_that_no_key_opens_pauses_its_pixel_alone(
        self,
        acme: SimpleNamespace,
        meta: GraphApi,
        two_pixels: SimpleNamespace,
        owe: Callable[..., list[ConversionEvent]],
    ) -> None:
        owe(1)
        owe(101, store=two_pixels.store)
        damage("stores_pixel", "access_token", acme.pixel.pk)

        send_all(meta)

        assert [state for state, _ in states()] == ["pending", "accepted"]
        broken = Pixel.objects.values_list("broken_reason", flat=True).get(pk=acme.pixel.pk)
        assert broken == "token_cannot_be_decrypted"

    def test_a_token_that_is_no_latin_text_is_metas_to_refuse(
        self, acme: SimpleNamespace, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        Pixel.objects.update(access_token="EAA…☕")
        owe(1)

        send_all(meta)

        assert [outcome for outcome, _, _ in outcomes()] == ["pixel_broken"]

    def time_for_a_probe(self) -> None:
        end_pauses()
        PixelQueue.objects.update(probe_at=F("probe_at") - pausing.PROBE_EVERY)


class TestRejected:
    def test_one_bad_event_in_forty_is_found_and_the_others_are_accepted(
        self, acme: SimpleNamespace, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(*range(1, 41))
        tamper(acme, "23", event_time=1)

        send_all(meta)

        rejected = ConversionEvent.objects.get(state="rejected")
        assert (rejected.order_id, rejected.reason) == ("23", "meta_100_2804003")
        assert len(meta.received) == 39
        assert ConversionEvent.objects.filter(state="accepted").count() == 39

    def test_it_is_found_by_halves_where_meta_does_not_say_which(
        self, acme: SimpleNamespace, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(*range(1, 41))
        tamper(acme, "1", event_time=1)  # Meta says "too old", and not which

        send_all(meta)

        rejected = ConversionEvent.objects.get(state="rejected")
        assert (rejected.order_id, rejected.reason) == ("1", "meta_100_2804003")
        assert sorted(int(event["event_id"]) for event in meta.received) == list(range(2, 41))
        assert len(meta.requests) == 11  # 40; then a refused and an accepted part of each half

    @pytest.mark.parametrize(("bad", "most_calls"), [(1, 21), (3, 60), (10, 149)])
    def test_the_others_of_a_thousand_are_accepted_in_few_calls(
        self,
        acme: SimpleNamespace,
        meta: GraphApi,
        owe_a_thousand: Callable[[], None],
        bad: int,
        most_calls: int,
    ) -> None:
        owe_a_thousand()
        order_ids = [str(1 + number * 977 % 1000) for number in range(1, bad + 1)]
        for order_id in order_ids:
            tamper(acme, order_id, event_time=1)  # Meta says "too old", and not which

        send_all(meta)

        rejected = ConversionEvent.objects.filter(state="rejected")
        assert sorted(rejected.values_list("order_id", flat=True)) == sorted(order_ids)
        assert ConversionEvent.objects.filter(state="accepted").count() == 1000 - bad
        assert len(meta.requests) <= most_calls

    def test_bad_neighbours_do_not_look_like_a_pixel_that_refuses_everything(
        self, acme: SimpleNamespace, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(*range(1, 301))
        for order_id in ("1", "2", "3"):
            tamper(acme, order_id, event_time=1)

        send_all(meta)

        acme.pixel.refresh_from_db()
        assert acme.pixel.broken_reason == ""
        assert ConversionEvent.objects.filter(state="rejected").count() == 3
        assert len(meta.received) == 297

    def test_a_pixel_that_refuses_everything_is_broken_after_twelve_refusals(
        self, acme: SimpleNamespace, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        refused = {"error": {"code": 100, "error_subcode": 2804010, "message": "Bad"}}
        owe(*range(1, 41))
        meta.will_answer(400, refused, times=None)

        send_all(meta)

        acme.pixel.refresh_from_db()
        assert acme.pixel.broken_reason == "everything_refused"
        assert len(meta.requests) == sending.MOST_REFUSALS

    def test_a_probe_that_is_refused_costs_no_event_and_the_next_one_is_anothers(
        self, acme: SimpleNamespace, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        refused = {"error": {"code": 100, "error_subcode": 2804010, "message": "Bad"}}
        owe(1, 2, 3)
        Pixel.objects.update(broken_reason="everything_refused")
        meta.will_answer(400, refused, times=None)

        turns = send_all(meta)
        PixelQueue.objects.update(probe_at=datetime.now(UTC))
        turns += send_all(meta)

        assert turns == 2
        assert [state for state, _ in states()] == ["pending", "pending", "pending"]
        assert [request.event_ids for request in meta.requests] == [("1",), ("2",)]

    def test_orders_that_come_one_by_one_break_a_pixel_that_refuses_all_of_them(
        self, acme: SimpleNamespace, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        refused = {"error": {"code": 100, "message": "Bad"}}
        meta.will_answer(400, refused, times=None)

        for order_id in range(1, 31):
            owe(order_id)
            send_all(meta)

        acme.pixel.refresh_from_db()
        assert acme.pixel.broken_reason == "everything_refused"
        assert ConversionEvent.objects.filter(state="rejected").count() == sending.MOST_REFUSALS

    def test_an_answer_of_too_much_is_halved_and_blames_nobody(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1, 2, 3, 4)
        meta.fault("html", status=413)

        send_all(meta)

        assert [count for _, _, count in outcomes()] == [4, 2, 2]
        assert {state for state, _ in states()} == {"accepted"}

    @pytest.mark.parametrize("lost", ["damaged", "erased"])
    def test_a_payload_that_cannot_be_opened_waits_for_its_key_and_the_others_go(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]], lost: str
    ) -> None:
        first, _ = owe(1, 2)
        if lost == "damaged":
            EventPayload.objects.filter(event=first).update(body=b"\x01damaged")
        else:
            EventPayload.objects.filter(event=first).delete()

        send_all(meta)

        assert states() == [("pending", "cannot_be_decrypted"), ("accepted", "")]


class TestExpired:
    @pytest.mark.parametrize("state", ["waiting", "pending", "in_doubt"])
    def test_what_may_no_longer_be_sent_expires(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]], state: str
    ) -> None:
        owe(1)
        ConversionEvent.objects.update(state=state, cut_off=datetime.now(UTC))

        expired = ledger.expire()
        send_all(meta)

        assert (expired, states()) == (1, [("expired", "too_old")])
        assert meta.requests == []

    def test_an_arrear_expires_part_by_part(
        self, owe: Callable[..., list[ConversionEvent]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ledger, "EXPIRED_AT_ONCE", 2)
        owe(1, 2, 3, 4, 5)
        ConversionEvent.objects.update(cut_off=datetime.now(UTC))

        assert ledger.expire() == 5

    def test_what_is_about_to_be_too_old_is_not_begun(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        owe(1)
        ConversionEvent.objects.update(cut_off=datetime.now(UTC) + claiming.LEASE / 2)

        assert send_all(meta) == 0


class TestTestEventCode:
    def test_a_code_in_force_goes_with_the_events(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        until = datetime.now(UTC) + HOUR
        Pixel.objects.update(test_event_code="TEST123", test_event_code_until=until)
        owe(1)

        send_all(meta)

        assert [event.test_event_code for event in meta.events()] == ["TEST123"]
        assert SendAttempt.objects.get().test_event_code == "TEST123"

    @pytest.mark.parametrize("until", [None, datetime(2026, 1, 1, tzinfo=UTC)])
    def test_a_code_that_has_run_out_does_not(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]], until: datetime | None
    ) -> None:
        Pixel.objects.update(test_event_code="TEST123", test_event_code_until=until)
        owe(1)

        send_all(meta)

        assert [event.test_event_code for event in meta.events()] == [None]


class TestLocks:
    def test_settling_and_recording_the_same_orders_do_not_wait_for_each_other(
        self, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
    ) -> None:
        """Both lock many rows of the ledger; in two orders, one of them would be shot."""
        order_ids = list(range(1, 61))
        owe(*order_ids)
        ready = threading.Barrier(2)

        def send() -> None:
            claim = claiming.claim_turn()
            ready.wait()
            group = claim.groups.pop()
            group.sort(key=lambda event: -event.id)
            sending._settle(claim, group, Accepted(fbtrace_id="A1", received=60), Answer())

        def record() -> None:
            ready.wait()
            owe(*order_ids, note="again")

        at_once([send, record])

        assert {state for state, _ in states()} == {"accepted"}


def tamper(acme: SimpleNamespace, order_id: str, **changes: Any) -> None:
    """Change the payload of an order so that Meta must refuse it."""
    payload = EventPayload.objects.select_related("event").get(event__order_id=order_id)
    ring = store_ring(bytes(acme.lyon.sealed_key))
    purpose = payload_purpose(
        store_id=acme.lyon.pk, order_id=order_id, pixel_id=payload.event.pixel_id
    )
    event = json.loads(ring.open(bytes(payload.body), purpose=purpose)) | changes
    payload.body = ring.seal(json.dumps(event).encode(), purpose=purpose)
    payload.save()


def damage(table: str, column: str, pk: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [b"\x01damaged", pk])
