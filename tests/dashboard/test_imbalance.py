"""`ledger_imbalance` finds what must never be: each check is shown a ledger that was tampered with."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from conversions.models import (
    ConversionEvent,
    EventPayload,
    EventTransition,
    SendAttempt,
    State,
)
from dashboard.imbalance import CHECKS, find_imbalance, imbalance
from shop_webhooks.models import WebhookDelivery
from stores.models import Pixel, Store
from tests import factories

HOUR = timedelta(hours=1)


@pytest.fixture
def honest(store: Store, pixel: Pixel) -> ConversionEvent:
    """An order that was delivered, sent and accepted."""
    event = factories.an_event(store, pixel)
    factories.a_delivery(store, order_id=event.order_id)
    factories.an_attempt(event, started_at=event.received_at)
    return event


def found() -> list[str]:
    return [finding.what for finding in find_imbalance(span=HOUR) if finding.count]


def owed(event: ConversionEvent, **fields: object) -> None:
    """As if it had never been sent."""
    SendAttempt.objects.all().delete()
    ConversionEvent.objects.update(state=State.PENDING, accepted_at=None, **fields)
    EventPayload.objects.create(event=event, body=b"sealed")


def test_an_honest_ledger_balances(honest: ConversionEvent) -> None:
    assert found() == []


def test_every_check_finds_what_it_looks_for(honest: ConversionEvent) -> None:
    assert set(TAMPERED) == set(CHECKS)


def no_row(event: ConversionEvent) -> None:
    SendAttempt.objects.all().delete()
    event.delete()


def no_name(event: ConversionEvent) -> None:
    SendAttempt.objects.all().delete()
    ConversionEvent.objects.update(state="sending", reason="busy")


def no_reason(event: ConversionEvent) -> None:
    SendAttempt.objects.all().delete()
    ConversionEvent.objects.update(state=State.SKIPPED, accepted_at=None)


def other_trail(event: ConversionEvent) -> None:
    EventTransition.objects.update(reason="something else")


def no_payload(event: ConversionEvent) -> None:
    owed(event)
    EventPayload.objects.all().delete()


def no_yes(event: ConversionEvent) -> None:
    SendAttempt.objects.update(outcome=SendAttempt.Outcome.UNKNOWN)


def unheard_yes(event: ConversionEvent) -> None:
    ConversionEvent.objects.update(state=State.REJECTED, reason="meta_100", accepted_at=None)


def sent_again(event: ConversionEvent) -> None:
    factories.an_attempt(event, started_at=event.accepted_at + timedelta(seconds=1))


def sent_late(event: ConversionEvent) -> None:
    ConversionEvent.objects.update(cut_off=event.received_at - timedelta(seconds=1))


def doubted_too_long(event: ConversionEvent) -> None:
    ConversionEvent.objects.update(
        first_unknown_at=event.received_at, cut_off=event.received_at + 48 * HOUR
    )


def doubted_since_never(event: ConversionEvent) -> None:
    owed(event)
    ConversionEvent.objects.update(state=State.IN_DOUBT, reason="http_500")


def miscounted(event: ConversionEvent) -> None:
    SendAttempt.objects.update(event_count=2)


TAMPERED: dict[str, Callable[[ConversionEvent], None]] = {
    "a delivery whose order has no row": no_row,
    "an event in a state that has no name": no_name,
    "an event without a reason where one is due": no_reason,
    "an event whose trail ends elsewhere": other_trail,
    "an owed event without its payload": no_payload,
    "an accepted event without Meta's yes": no_yes,
    "Meta's yes to an event that is not accepted": unheard_yes,
    "an event sent again after Meta's yes": sent_again,
    "an event sent after its cut-off": sent_late,
    "an event in doubt for longer than Meta matches it": doubted_too_long,
    "an event in doubt without the moment it began": doubted_since_never,
    "an attempt that counts other events than it carried": miscounted,
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_ledger_that_was_tampered_with_does_not_balance(
    honest: ConversionEvent, what: str
) -> None:
    TAMPERED[what](honest)

    assert found() == [what]


def test_a_clock_that_was_set_back_is_no_second_send(honest: ConversionEvent) -> None:
    """The request that Meta said yes to began, by the old clock, after the yes."""
    SendAttempt.objects.update(started_at=honest.accepted_at + 2 * HOUR)

    assert found() == []


def test_what_came_before_the_span_is_not_looked_at(honest: ConversionEvent) -> None:
    SendAttempt.objects.update(outcome=SendAttempt.Outcome.UNKNOWN)
    past = datetime.now(UTC) - 2 * HOUR
    ConversionEvent.objects.update(received_at=past, accepted_at=past + HOUR / 2)
    WebhookDelivery.objects.update(received_at=past)

    assert imbalance(find_imbalance(span=HOUR)) == 0


def test_the_command_says_that_the_books_add_up(honest: ConversionEvent) -> None:
    said = run()

    assert said.splitlines()[-1] == "ledger_imbalance 0"


def test_the_command_names_what_does_not_and_ends_with_1(honest: ConversionEvent) -> None:
    no_yes(honest)
    said = StringIO()

    with pytest.raises(CommandError) as end:
        call_command("imbalance", "--json", stdout=said)

    document = json.loads(said.getvalue())
    (violated,) = [check for check in document["checks"] if check["count"]]
    assert (end.value.returncode, document["imbalance"]) == (1, 1)
    assert violated["ids"] == [honest.pk]


def test_a_span_that_is_none_is_bad_usage(honest: ConversionEvent) -> None:
    with pytest.raises(CommandError) as end:
        run("--since", "yesterday")

    assert end.value.returncode == 2


@pytest.mark.parametrize("what", CHECKS)
def test_a_check_can_be_planned_without_reading_the_whole_ledger(
    honest: ConversionEvent, what: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {CHECKS[what]}", {"span": HOUR, "window": 47 * HOUR})
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Seq Scan on conversions_conversionevent" not in plan


def run(*arguments: str) -> str:
    said = StringIO()
    call_command("imbalance", *arguments, stdout=said)
    return said.getvalue()
