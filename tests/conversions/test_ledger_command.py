"""`ledger` shows what became of every order, to people and to programs."""

import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from conversions import report
from conversions.models import State
from tests.factories import a_pixel, a_store, a_workspace, an_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def store():
    return a_store(a_workspace(), key="lyon")


@pytest.fixture
def pixel(store):
    return a_pixel(store.workspace, pixel_id="1234567890123")


def ledger(*options):
    out = io.StringIO()
    call_command("ledger", *options, stdout=out)
    return out.getvalue()


def order_ids(*options):
    return [row["order_id"] for row in json.loads(ledger("--json", *options))["rows"]]


def test_a_row_has_the_columns_of_the_contract(store, pixel):
    placed_at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    an_event(store, pixel, order_id="820982911946154508", order_name="#1001", event_time=placed_at)

    document = json.loads(ledger("--json"))

    assert document == {
        "rows": [
            {
                "store": "lyon",
                "order_id": "820982911946154508",
                "order_name": "#1001",
                "pixel_id": "1234567890123",
                "event_name": "Purchase",
                "event_id": "820982911946154508",
                "state": "accepted",
                "reason": "",
                "value": "46.08",
                "currency": "EUR",
                "event_time": "2026-11-20T09:30:00.000Z",
                "received_at": "2026-11-20T09:30:02.000Z",
                "accepted_at": "2026-11-20T09:30:06.000Z",
                "attempts": 1,
                "fbtrace_id": "Atrace0123456789",
            }
        ],
        "counts": {"accepted": 1},
    }


def test_the_newest_row_comes_first_and_the_states_are_counted(store, pixel):
    first = an_event(store, pixel)
    second = an_event(store, pixel, state=State.SKIPPED, reason="test_order")

    document = json.loads(ledger("--json"))

    assert [row["order_id"] for row in document["rows"]] == [second.order_id, first.order_id]
    assert document["counts"] == {"accepted": 1, "skipped": 1}


def test_waiting_orders_are_listed_by_the_days_that_are_left(store, pixel):
    now = datetime.now(UTC)
    for order_id, days in (("555", 5.02), ("556", 2.02)):
        an_event(
            store,
            pixel,
            order_id=order_id,
            state=State.WAITING,
            reason="payment",
            cut_off=now + timedelta(days=days),
        )

    lines = ledger().splitlines()

    assert lines[-3] == "2 waiting"
    assert [line.partition(" for ")[0] + line[-14:] for line in lines[-2:]] == [
        "#556 waits (payment) 2.0 days left",
        "#555 waits (payment) 5.0 days left",
    ]


@pytest.mark.parametrize("name", ["1001", "#1001", "555"])
def test_an_order_is_found_by_its_name_with_or_without_the_hash_and_by_its_id(store, pixel, name):
    an_event(store, pixel, order_id="555", order_name="#1001")
    an_event(store, pixel, order_id="556", order_name="#1002")

    assert order_ids("--order", name) == ["555"]


def test_only_the_store_that_is_asked_for_is_shown(store, pixel):
    an_event(store, pixel, order_id="555")
    other = a_store(store.workspace, key="paris")
    an_event(other, pixel, order_id="556")

    assert order_ids("--store", "lyon") == ["555"]
    assert order_ids("--store", "acme/paris") == ["556"]


@pytest.mark.parametrize("since", ["2h", "1d", "90m"])
def test_since_takes_a_span(store, pixel, since):
    now = datetime.now(UTC)
    an_event(store, pixel, order_id="555", event_time=now - timedelta(days=3))
    an_event(store, pixel, order_id="556", event_time=now - timedelta(hours=1))

    assert order_ids("--since", since) == ["556"]


@pytest.mark.parametrize("since", ["2026-11-20", "2026-11-20T01:00:00+01:00"])
def test_since_takes_a_date_or_a_time(store, pixel, since):
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    an_event(store, pixel, order_id="555", received_at=midnight - timedelta(seconds=1))
    an_event(store, pixel, order_id="556", received_at=midnight)

    assert order_ids("--since", since) == ["556"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--store", "nope"), "There is no store 'nope'. The stores here: lyon."),
        (
            ("--since", "yesterday"),
            "--since 'yesterday' is neither a span (2h, 7d) nor an ISO 8601 time.",
        ),
    ],
)
def test_bad_usage_is_told_in_a_sentence(store, options, message):
    with pytest.raises(CommandError) as caught:
        ledger(*options)

    assert (str(caught.value), caught.value.returncode) == (message, 2)


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        ("46.0800", "EUR", "46.08"),
        ("1200.0000", "JPY", "1200"),
        ("1.2500", "KWD", "1.250"),
        ("10.1250", "EUR", "10.125"),
        ("0.0000", "EUR", "0.00"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(value, currency, text):
    assert report.amount(Decimal(value), currency) == text


def test_a_ledger_of_several_pages_is_whole_and_ordered(store, pixel, monkeypatch):
    monkeypatch.setattr(report, "PAGE", 2)
    events = [an_event(store, pixel) for _ in range(5)]

    assert order_ids() == [event.order_id for event in reversed(events)]


def test_people_get_one_line_for_each_row(store, pixel):
    for number in range(3):
        an_event(store, pixel, order_name=f"#{number}")

    lines = ledger().splitlines()

    assert lines[0].split() == list(report.Row.__struct_fields__)
    assert [line.split()[2] for line in lines[1:4]] == ["#2", "#1", "#0"]
    assert lines[4] == "3 accepted"


def test_an_empty_ledger_says_so():
    assert ledger() == "The ledger has no such row.\n"
