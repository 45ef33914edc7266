"""The mail of the morning adds up and comes once, to who wants it; a first order is told once."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.core import mail
from django.test import Client

from dashboard import letters
from stores.models import Store, User
from tests import factories

DAY = date(2026, 11, 10)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
EIGHT = datetime(2026, 11, 11, 8, 0, tzinfo=UTC)


@pytest.fixture
def fleet(acme: SimpleNamespace) -> SimpleNamespace:
    factories.a_member(acme.workspace)
    Store.objects.update(time_zone="UTC")
    return acme


def sold(acme: SimpleNamespace, **states: int) -> None:
    for state, count in states.items():
        for number in range(count):
            accepted = {"accepted_at": NOON} if state == "accepted" else {}
            factories.an_event(
                acme.lyon,
                acme.pixel,
                order_id=f"{state}{number}",
                state=state,
                event_time=NOON,
                received_at=NOON - timedelta(seconds=4),
                **accepted,
            )


def test_it_adds_up_and_says_what_is_missing(fleet: SimpleNamespace) -> None:
    sold(fleet, accepted=20, waiting=1, skipped=2, rejected=1)

    assert letters.send_mornings(now=EIGHT) == 1
    [message] = mail.outbox
    assert message.to == ["alice@example.com"]
    assert message.subject == "Connector: 1 order of 10 Nov is not at Meta"
    assert "24 = 20 Accepted + 1 Waiting + 2 Skipped + 1 Rejected" in message.body


def test_a_whole_day_is_said_to_be_whole(fleet: SimpleNamespace) -> None:
    sold(fleet, accepted=2)
    letters.send_mornings(now=EIGHT)

    assert mail.outbox[0].subject == "Connector: all orders of 10 Nov are accounted for"


def test_it_comes_once_from_eight_oclock_on_where_the_store_is(fleet: SimpleNamespace) -> None:
    Store.objects.update(time_zone="America/New_York")
    sold(fleet, accepted=1)

    sent = [letters.send_mornings(now=EIGHT + timedelta(hours=later)) for later in (0, 4, 5, 6)]

    assert sent == [0, 0, 1, 0]


def test_a_day_without_orders_needs_no_mail(fleet: SimpleNamespace) -> None:
    assert letters.send_mornings(now=EIGHT) == 0
    assert mail.outbox == []


def test_a_mail_server_out_of_reach_is_asked_again(
    fleet: SimpleNamespace, settings: SimpleNamespace
) -> None:
    sold(fleet, accepted=1)
    works = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    lost = letters.send_mornings(now=EIGHT)
    settings.EMAIL_BACKEND = works

    assert lost == 0
    assert letters.send_mornings(now=EIGHT + timedelta(minutes=5)) == 1


@pytest.mark.parametrize("role", ["analyst", "client"])
def test_who_only_reads_gets_none(fleet: SimpleNamespace, role: str) -> None:
    sold(fleet, accepted=1)
    User.objects.get().membership_set.update(role=role)

    assert letters.send_mornings(now=EIGHT) == 0


def test_who_has_declined_gets_none_and_may_come_back(
    client: Client, fleet: SimpleNamespace
) -> None:
    sold(fleet, accepted=1)
    client.force_login(User.objects.get())
    client.post("/alerts/morning", {"do": "off"})
    declined = letters.send_mornings(now=EIGHT)
    client.post("/alerts/morning", {"do": "on"})

    assert declined == 0
    assert letters.send_mornings(now=EIGHT) == 1


def test_it_tells_nobody_of_a_strangers_store(fleet: SimpleNamespace) -> None:
    sold(fleet, accepted=1)
    factories.a_store(factories.a_workspace("globex"))
    factories.a_member(Store.objects.last().workspace, "mallory")
    letters.send_mornings(now=EIGHT)

    assert [message.to for message in mail.outbox] == [["alice@example.com"]]


def test_the_first_order_of_a_store_is_told_once_with_its_page(fleet: SimpleNamespace) -> None:
    before = letters.tell_first_orders(now=EIGHT)
    sold(fleet, accepted=2)
    first = letters.tell_first_orders(now=EIGHT)
    again = letters.tell_first_orders(now=EIGHT)

    assert (before, first, again) == (0, 1, 0)
    [message] = mail.outbox
    assert "reached Meta in 4\xa0s" in message.body
    assert f"/stores/{fleet.lyon.pk}/orders/accepted0/" in message.body


def test_a_reader_is_written_to_in_their_language(fleet: SimpleNamespace) -> None:
    User.objects.update(language="fr")
    sold(fleet, accepted=1)
    letters.send_mornings(now=EIGHT)

    assert "Toutes les commandes du 10 nov" in mail.outbox[0].subject.replace("\xa0", " ")


def test_a_store_name_cannot_add_lines_to_the_head_of_a_mail(fleet: SimpleNamespace) -> None:
    Store.objects.filter(pk=fleet.lyon.pk).update(name="Lyon\nBcc: x@evil.example")
    sold(fleet, accepted=1)
    letters.tell_first_orders(now=EIGHT)

    assert "\n" not in mail.outbox[0].subject
