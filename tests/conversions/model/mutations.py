"""The protective rules, each with the way to turn it off: the machine must notice every one.

A mutation changes one name of the product for as long as it is in force. That is not how our code is
tested here, it is how the test is: a checker that no mutation can offend protects nothing. Where it
changes SQL, the words it takes out must be there, so that no rewrite disarms it unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from conversions import claiming, entries, graph, ledger, outbox, sending
from conversions.models import PixelQueue, SendAttempt
from purchases import decision
from purchases.meta import event as meta_event
from purchases.meta import response
from purchases.meta.response import Accepted, TryLater
from stores.sql import run

Patch = pytest.MonkeyPatch
MUTATIONS: dict[str, Callable[[Patch], None]] = {}
# Those that offend only in rare worlds: a longer hunt finds them (test_model.py).
RARE: set[str] = set()
LONG = timedelta(days=365)


def mutation(turn_off: Callable[[Patch], None]) -> Callable[[Patch], None]:
    """Put it on the list, under its name in words."""
    MUTATIONS[turn_off.__name__.replace("_", " ")] = turn_off
    return turn_off


def rare(turn_off: Callable[[Patch], None]) -> Callable[[Patch], None]:
    """Such a mutation needs hundreds of worlds."""
    RARE.add(turn_off.__name__.replace("_", " "))
    return turn_off


def without(patch: Patch, module: Any, name: str, *taken_out: tuple[str, str]) -> None:
    """The statement `name` of a module, with some of its words replaced by others."""
    statement = getattr(module, name)
    for old, new in taken_out:
        assert old in statement, f"{name} no longer says {old!r}"
        statement = statement.replace(old, new)
    patch.setattr(module, name, statement)


# The window


@mutation
def what_is_in_doubt_may_be_sent_again_for_ever(patch: Patch) -> None:
    patch.setattr(ledger, "MAY_RESEND_FOR", LONG)


@mutation
def the_window_counts_from_the_last_doubt(patch: Patch) -> None:
    first = "COALESCE(event.first_unknown_at, attempt.started_at)"
    without(
        patch,
        ledger,
        "DOUBT",
        (
            f"LEAST(event.cut_off,\n                    {first} + %(window)s)",
            f"{first} + %(window)s",
        ),
        (first, "attempt.started_at"),
    )


@mutation
def a_lost_answer_is_a_definite_no(patch: Patch) -> None:
    opened = graph._Gate.open

    def open_and_forget(gate: Any, sock: Any) -> None:
        opened(gate, sock)
        gate.opened = False

    patch.setattr(graph._Gate, "open", open_and_forget)


@mutation
@rare
def an_answer_without_words_is_a_definite_no(patch: Patch) -> None:
    patch.setattr(
        response, "_without_words", lambda status, headers: TryLater(reason=f"http_{status}")
    )


@mutation
@rare
def events_received_is_not_counted(patch: Patch) -> None:
    patch.setattr(response, "_taken", lambda answer, sent: Accepted(fbtrace_id="A", received=sent))


# The attempt, written ahead


@mutation
def an_attempt_is_written_down_when_it_is_over(patch: Patch) -> None:
    """By the one who has heard its answer: a dead worker leaves nothing behind."""
    begin, finish = ledger.begin_attempt, ledger.finish_attempt
    begun: dict[int, dict[str, Any]] = {}

    def begin_later(**values: Any) -> ledger.Attempt:
        attempt = begin(**values)
        SendAttempt.objects.filter(pk=attempt.id).delete()
        begun[attempt.id] = values
        return attempt

    def finish_now(attempt: ledger.Attempt, **values: Any) -> None:
        written = begin(**begun.pop(attempt.id))
        finish(written, **values)

    patch.setattr(ledger, "begin_attempt", begin_later)
    patch.setattr(ledger, "finish_attempt", finish_now)


@mutation
def what_a_dead_worker_left_open_is_not_in_doubt(patch: Patch) -> None:
    doubt = ledger.doubt_unanswered

    def only_ones_own(pixel: Any, *, sender_died: bool = False, **values: Any) -> None:
        if not sender_died:
            doubt(pixel, **values)

    patch.setattr(ledger, "doubt_unanswered", only_ones_own)


# The clock and the cut-offs


@mutation
def a_worker_goes_by_its_own_clock(patch: Patch) -> None:
    for module, name in [(claiming, "TURN"), (claiming, "OWED")]:
        without(patch, module, name, ("now()", "model.workers_clock()"))
    without(patch, ledger, "BEGIN", ("clock_timestamp()", "model.workers_clock()"))


@mutation
def nobody_asks_again_before_the_first_byte(patch: Patch) -> None:
    patch.setattr(claiming.Claim, "may_send", lambda claim, group: True)


@mutation
def the_claim_does_not_look_at_the_cut_off(patch: Patch) -> None:
    without(patch, claiming, "TURN", (" AND event.cut_off > now() + %(lease)s", ""))
    without(patch, claiming, "OWED", (" AND cut_off > now() + %(lease)s", ""))


@mutation
@rare
def a_sale_has_no_age(patch: Patch) -> None:
    patch.setattr(decision, "META_ACCEPTS_FOR", LONG)


@mutation
@rare
def a_browsers_event_matches_for_ever(patch: Patch) -> None:
    patch.setattr(decision, "BROWSER_EVENT_MATCHES_FOR", LONG)


# The turn


@mutation
def a_turn_is_no_lease(patch: Patch) -> None:
    lease = " not_before = clock_timestamp() + %(lease)s,"
    without(patch, ledger, "BEGIN", (lease, ""))


@mutation
@rare
def whoever_comes_late_ends_the_turn_of_another(patch: Patch) -> None:
    settle = sending._settle

    def settle_regardless(claim: claiming.Claim, *rest: Any, **how: Any) -> bool:
        PixelQueue.objects.filter(pk=claim.pixel.pk).update(lease_token=claim.lease_token)
        return settle(claim, *rest, **how)

    patch.setattr(sending, "_settle", settle_regardless)


@mutation
def a_pause_that_meta_asks_for_is_not_kept(patch: Patch) -> None:
    without(patch, sending, "RELEASE", ("not_before = now() + %s", "not_before = now() + %s * 0"))


@mutation
def a_paused_pixel_is_sent_to_as_ever(patch: Patch) -> None:
    broken = " AND (pixel.broken_reason = '' OR queue.probe_at <= now())"
    without(patch, claiming, "TURN", (broken, ""))


# The rows


@mutation
def what_is_accepted_is_owed_again(patch: Patch) -> None:
    states = "state IN ('pending', 'in_doubt')"
    without(patch, claiming, "OWED", (states, "state IN ('pending', 'in_doubt', 'accepted')"))


@mutation
def what_a_person_is_to_decide_is_sent_again(patch: Patch) -> None:
    without(patch, claiming, "TURN", (" AND NOT event.held", ""))
    without(patch, claiming, "OWED", (" AND NOT held", ""))


@mutation
def what_a_person_gave_up_comes_back(patch: Patch) -> None:
    without(patch, ledger, "DOUBT", ("IN ('expired', 'rejected')", "IN ('rejected')"))


@mutation
def what_kills_its_sender_is_sent_for_ever(patch: Patch) -> None:
    patch.setattr(ledger, "MOST_CRASHES", 1000)


@mutation
@rare
def what_kills_its_sender_takes_others_along(patch: Patch) -> None:
    patch.setattr(claiming, "MOST_BESIDE_A_CRASH", (1000,))


@mutation
@rare
def an_outage_is_asked_with_whole_batches(patch: Patch) -> None:
    patch.setattr(claiming, "OPEN_AFTER", 1000)
    patch.setattr(sending, "SHRINKS_TO", 1.0)


@mutation
@rare
def a_second_yes_overwrites_the_first(patch: Patch) -> None:
    without(patch, ledger, "ACCEPT", (" AND state <> 'accepted'", ""))


@mutation
@rare
def a_refusal_overwrites_whatever_is_there(patch: Patch) -> None:
    without(patch, ledger, "REJECT", (" AND state IN ('pending', 'in_doubt')", ""))


@mutation
@rare
def a_later_try_overwrites_whatever_is_there(patch: Patch) -> None:
    without(patch, ledger, "POSTPONE", (" AND state IN ('pending', 'in_doubt')", ""))


@mutation
@rare
def a_doubt_overwrites_an_acceptance(patch: Patch) -> None:
    without(patch, ledger, "DOUBT", (" AND event.state <> 'accepted'", ""))


@mutation
def news_reopen_what_was_posted(patch: Patch) -> None:
    without(patch, outbox, "RECORD", ("event.state IN ('waiting', 'skipped')", "TRUE"))


@mutation
@rare
def older_news_win(patch: Patch) -> None:
    without(
        patch, outbox, "RECORD", ("event.order_updated_at <= EXCLUDED.order_updated_at", "TRUE")
    )


@mutation
@rare
def an_event_id_may_be_two_orders(patch: Patch) -> None:
    patch.setattr(entries, "_settle_contested_ids", lambda entries: None)
    run("DROP INDEX event_once_at_meta")  # put back by the test


@mutation
@rare
def an_event_id_is_made_anew_each_time(patch: Patch) -> None:
    patch.setattr(meta_event, "event_id_of", lambda order, **how: str(uuid4()))
