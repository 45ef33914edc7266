"""An alert is opened once, told once, kept up and taken back; it says what, how much, why and where."""

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone, translation

from conversions.models import EventTransition
from dashboard.alerts import deadman, raising, sending
from dashboard.alerts.causes import PAGES, SENTENCES, Alarm, Cause, Level, stage_of
from dashboard.alerts.flow import at_most, has_stopped
from dashboard.alerts.telling import subject_of, tell, text_of
from dashboard.models import Alert, AlertChannel, AlertMessage, Lookout
from shop_webhooks.models import Heartbeat, ShopNotice, Sweep
from stores.models import Pixel, User
from tests import factories
from tests.pipeline import at_once

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


@pytest.fixture
def owner(acme: SimpleNamespace) -> User:
    return factories.a_member(acme.workspace)


def causes(*, now: datetime | None = None) -> set[str]:
    """What is found wrong now, by a look at everything."""
    Lookout.objects.all().delete()
    raising.look_out(now=now or timezone.now())
    return set(Alert.objects.filter(resolved_at=None).values_list("cause", flat=True))


def alarmed(acme: SimpleNamespace, cause: Cause = Cause.REJECTS, **fields: Any) -> Alarm:
    given = {
        "workspace": acme.workspace.pk,
        "cause": cause,
        "level": Level.BAD,
        "store": acme.lyon.pk,
    }
    return Alarm(**(given | fields))


def take_over(*alarms: Alarm, now: datetime) -> None:
    with transaction.atomic():
        raising.take_over(alarms, causes=list(Cause), now=now)


# What is found


def test_where_all_is_well_nothing_is_wrong(acme: SimpleNamespace) -> None:
    factories.an_event(acme.lyon, acme.pixel)

    assert causes() == set()


def test_a_dataset_that_meta_refuses_is_told_with_what_waits_for_it(acme: SimpleNamespace) -> None:
    Pixel.objects.update(broken_reason="token_expired", broken_at=NOW)
    for value, currency in ((40, "EUR"), (30, "EUR"), (9, "USD")):
        factories.an_event(
            acme.lyon, acme.pixel, state="pending", value=Decimal(value), currency=currency
        )

    assert causes() == {"pixel_broken"}
    alert = Alert.objects.get()
    assert (alert.pixel, alert.store, alert.level) == (acme.pixel, None, "bad")
    assert (alert.orders, alert.money) == (3, [["EUR", "70.0000"], ["USD", "9.0000"]])
    assert alert.reason == "token_expired"
    assert alert.until is not None


def test_a_dataset_that_no_connected_store_reports_to_is_nobodys_trouble(
    acme: SimpleNamespace,
) -> None:
    acme.workspace.stores.update(connected=False)
    Pixel.objects.update(broken_reason="token_expired", broken_at=NOW)

    assert causes() == set()


def test_orders_that_are_due_and_do_not_leave_are_noticed_after_a_quarter_of_an_hour(
    acme: SimpleNamespace,
) -> None:
    event = factories.an_event(acme.lyon, acme.pixel, state="pending")
    due_at = EventTransition.objects.get(event=event).at

    assert causes(now=due_at + timedelta(minutes=14)) == set()
    assert causes(now=due_at + timedelta(minutes=16)) == {"queue_stuck"}


def test_a_few_rejects_are_an_orders_own_and_three_are_a_shops(acme: SimpleNamespace) -> None:
    for _number in range(2):
        factories.an_event(acme.lyon, acme.pixel, state="rejected", reason="meta_100")
    assert causes() == set()

    factories.an_event(acme.lyon, acme.pixel, state="rejected", reason="meta_100")
    assert causes() == {"rejects"}


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"state": "waiting", "reason": "payment", "cut_off": timedelta(hours=30)}, {"expiring"}),
        ({"state": "waiting", "reason": "payment", "cut_off": timedelta(hours=40)}, set()),
        (
            {"state": "in_doubt", "held": True, "first_unknown_at": -timedelta(hours=1)},
            {"to_settle"},
        ),
    ],
)
def test_orders_whose_time_runs_out_or_that_wait_for_a_person_are_told(
    acme: SimpleNamespace, changes: dict[str, Any], cause: set[str]
) -> None:
    now = timezone.now()
    moments = {
        name: now + value if isinstance(value, timedelta) else value
        for name, value in changes.items()
    }
    factories.an_event(acme.lyon, acme.pixel, **moments)

    assert causes() == cause


def test_a_delivery_that_cannot_be_read_is_told(acme: SimpleNamespace) -> None:
    factories.a_delivery(acme.lyon, state="unreadable", reason="not_json")

    assert causes() == {"unreadable"}


@pytest.mark.parametrize(
    ("turn", "wrong"),
    [
        (Sweep(reason="key_refused", failures=3), True),
        (Sweep(reason="key_refused", failures=2), False),  # it may pass
        (Heartbeat(reason="webhook_paused"), True),
        (Heartbeat(reason="", failures=5), False),
    ],
)
def test_a_shop_that_refuses_for_longer_is_told(
    acme: SimpleNamespace, turn: Sweep | Heartbeat, wrong: bool
) -> None:
    turn.pk, turn.store = None, acme.kitchen
    turn.save()

    assert causes() == ({"shop_refuses"} if wrong else set())


def test_a_shop_whose_orders_only_the_sweep_brings_has_silent_webhooks(
    acme: SimpleNamespace,
) -> None:
    now = timezone.now()
    Sweep.objects.create(store=acme.lyon, found_at=now, done_at=now)
    for _number in range(3):
        factories.a_delivery(acme.lyon, source="sweep")
    assert causes() == {"webhooks_silent"}

    factories.a_delivery(acme.lyon, source="webhook")
    assert causes() == set()


@pytest.mark.parametrize(("days", "stage"), [(31, 0), (30, 1), (8, 1), (7, 2), (1, 3), (-1, 3)])
def test_the_end_of_a_token_nears_in_stages(days: int, stage: int) -> None:
    assert stage_of(NOW + timedelta(days=days), now=NOW) == stage


def test_the_end_of_a_token_is_told_at_30_7_and_1_days_whoever_sees_to_it(
    owner: User, acme: SimpleNamespace
) -> None:
    ends = timezone.now() + timedelta(days=40)
    Pixel.objects.update(token_expires_at=ends)

    told = []
    for left in range(40, 0, -1):
        causes(now=ends - timedelta(days=left))
        told.append((left, AlertMessage.objects.count()))
        Alert.objects.update(acknowledged_at=NOW, acknowledged_by=owner)

    grew = [
        left for (left, count), (_, before) in zip(told[1:], told, strict=False) if count > before
    ]
    assert grew == [30, 7, 1]
    assert Alert.objects.get().level == "bad"


def test_a_customers_question_is_told_after_half_a_day_three_days_and_in_the_last_week(
    owner: User, acme: SimpleNamespace
) -> None:
    asked = timezone.now() - timedelta(minutes=1)
    ShopNotice.objects.create(
        shop=acme.lyon.domain,
        topic="customers/data_request",
        notice_key=b"x" * 16,
        received_at=asked,
        due_at=asked + timedelta(days=30),
    )

    told = []
    for hours in range(0, 24 * 30, 6):
        causes(now=asked + timedelta(hours=hours))
        told.append((hours, AlertMessage.objects.count()))
        Alert.objects.update(acknowledged_at=NOW, acknowledged_by=owner)

    grew = [
        hours for (hours, count), (_, before) in zip(told[1:], told, strict=False) if count > before
    ]
    assert grew == [18, 78, 24 * 23 + 6]
    assert Alert.objects.get().level == "bad"


def test_a_test_code_that_was_left_for_two_hours_is_told(acme: SimpleNamespace) -> None:
    now = timezone.now()
    Pixel.objects.update(test_event_code="TEST1", test_event_code_until=now + timedelta(hours=23))
    assert causes() == set()

    Pixel.objects.update(test_event_code_until=now + timedelta(hours=21))
    assert causes() == {"test_code_left"}


@pytest.mark.parametrize(
    ("now", "before", "stopped"),
    [
        (0, (10, 12, 11, 11), True),
        (2, (40, 44, 39, 41), True),
        (2, (10, 30, 11, 12), False),  # one of them had a sale
        (9, (40, 44, 39, 41), False),  # a slow day
        (0, (3, 2, 4, 3), False),  # it never sold much in these hours
        (0, (40, 44, 0, 41), False),  # nor did it in one of the weeks
        (0, (40, 44, 39), False),  # too young to know
    ],
)
def test_silence_means_something_only_where_it_never_was(
    now: int, before: tuple[int, ...], stopped: bool
) -> None:
    assert has_stopped(now, before=before) is stopped


def test_the_odds_of_few_orders_are_poissons() -> None:
    assert at_most(0, mean=2) == pytest.approx(0.1353, abs=1e-4)
    assert at_most(3, mean=22) < 1e-5
    assert at_most(22, mean=22) == pytest.approx(0.556, abs=1e-3)


def test_every_cause_has_a_sentence_and_a_page() -> None:
    assert set(SENTENCES) == set(PAGES) == set(Cause)


# What becomes of it


def test_an_alert_is_told_once_kept_up_and_taken_back(owner: User, acme: SimpleNamespace) -> None:
    for minute in range(5):
        take_over(alarmed(acme, orders=3 + minute), now=NOW + timedelta(minutes=minute))
    take_over(now=NOW + timedelta(minutes=5))

    alert = Alert.objects.get()
    assert (alert.orders, alert.opened_at, alert.resolved_at) == (
        7,
        NOW,
        NOW + timedelta(minutes=5),
    )
    assert list(alert.alertmessage_set.order_by("pk").values_list("kind", flat=True)) == [
        "opened",
        "resolved",
    ]


def test_what_comes_back_within_six_hours_is_the_same_alert_and_not_told_again(
    owner: User, acme: SimpleNamespace
) -> None:
    for hour in range(0, 6, 2):
        take_over(alarmed(acme), now=NOW + timedelta(hours=hour))
        take_over(now=NOW + timedelta(hours=hour + 1))
    take_over(alarmed(acme), now=NOW + timedelta(hours=5.5))

    assert Alert.objects.count() == 1
    assert AlertMessage.objects.filter(kind="opened").count() == 1


def test_what_was_called_over_and_came_back_to_stay_is_told_again_after_six_hours(
    owner: User, acme: SimpleNamespace
) -> None:
    take_over(alarmed(acme), now=NOW)
    take_over(now=NOW + timedelta(minutes=1))
    for hours in (1, 3, 5):
        take_over(alarmed(acme), now=NOW + timedelta(hours=hours))
    assert [each.kind for each in AlertMessage.objects.order_by("pk")] == ["opened", "resolved"]

    take_over(alarmed(acme), now=NOW + timedelta(hours=6, minutes=1))
    take_over(alarmed(acme), now=NOW + timedelta(hours=7))

    kinds = [each.kind for each in AlertMessage.objects.order_by("pk")]
    assert kinds == ["opened", "resolved", "opened"]


def test_a_cause_is_told_to_a_workspace_once_in_six_hours_whatever_the_number_of_stores(
    owner: User, acme: SimpleNamespace
) -> None:
    lyon, kitchen = alarmed(acme), alarmed(acme, store=acme.kitchen.pk)
    take_over(lyon, now=NOW)
    take_over(lyon, kitchen, now=NOW + timedelta(hours=1))
    assert AlertMessage.objects.count() == 1

    take_over(lyon, kitchen, now=NOW + timedelta(hours=6, minutes=1))
    later = AlertMessage.objects.latest("pk")
    assert [alert.store for alert in later.alerts.all()] == [acme.kitchen]


def test_what_begins_together_is_one_message_the_gravest_first(
    owner: User, acme: SimpleNamespace
) -> None:
    broken = alarmed(acme, Cause.PIXEL_BROKEN, store=0, pixel=acme.pixel.pk)
    take_over(alarmed(acme, Cause.UNREADABLE), alarmed(acme), broken, now=NOW)

    assert AlertMessage.objects.get().alerts.count() == 3


def test_what_somebody_sees_to_is_told_no_more(owner: User, acme: SimpleNamespace) -> None:
    AlertChannel.objects.create(workspace=acme.workspace, kind="members", enabled=False)
    take_over(alarmed(acme), now=NOW)
    Alert.objects.update(told_at=None, acknowledged_at=NOW, acknowledged_by=owner)
    AlertChannel.objects.update(enabled=True)

    take_over(alarmed(acme), now=NOW + timedelta(hours=7))

    assert not AlertMessage.objects.exists()


def test_two_workers_look_one_at_a_time_and_not_more_often_than_each_minute(
    acme: SimpleNamespace,
) -> None:
    Pixel.objects.update(broken_reason="token_expired", broken_at=NOW)

    looked = at_once([lambda: raising.look_out(now=NOW)] * 4)

    assert sorted(looked) == [False, False, False, True]
    assert Alert.objects.count() == 1
    assert not raising.look_out(now=NOW + timedelta(seconds=30))
    assert raising.look_out(now=NOW + timedelta(seconds=60))


# How it is told


def sent(*, now: datetime = NOW) -> int:
    count = 0
    while sending.send_next(now=now):
        count += 1
    return count


def test_owners_and_operators_are_mailed_in_their_language_and_nobody_else(
    owner: User, acme: SimpleNamespace
) -> None:
    bob = factories.a_member(acme.workspace, "bob", role="operator")
    User.objects.filter(pk=bob.pk).update(language="fr")
    factories.a_member(acme.workspace, "reader", role="client")
    factories.a_member(factories.a_workspace("elsewhere"), "stranger")
    take_over(alarmed(acme, orders=3, money=(("EUR", Decimal(120)),)), now=NOW)

    assert sent() == 1
    english, french = mail.outbox
    assert (english.bcc, french.bcc) == (["alice@example.com"], ["bob@example.com"])
    assert english.to == []
    assert english.subject == "Connector: Meta rejects orders of Lyon. 3 orders, 120.00 EUR"
    assert (
        french.subject == "Connector: Meta rejette des commandes de Lyon. 3 commandes, 120,00 EUR"
    )
    assert f"/stores/{acme.lyon.pk}/orders/?state=rejected" in english.body
    assert AlertChannel.objects.get(workspace=acme.workspace).sent_at == NOW


def test_a_name_cannot_write_a_header(owner: User, acme: SimpleNamespace) -> None:
    acme.lyon.name = "Lyon\r\nBcc: everybody@example.com"
    acme.lyon.save()
    take_over(alarmed(acme), now=NOW)

    sent()

    (told,) = mail.outbox
    assert "\n" not in told.subject
    assert b"\nBcc:" not in told.message().as_bytes()


def test_a_mail_server_that_refuses_is_tried_again_and_given_up_after_a_day(
    owner: User, acme: SimpleNamespace, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    take_over(alarmed(acme), now=NOW)

    for hours in (0, 0.1, 0.2, 0.6, 1.6, 4.7, 11, 17, 23, 29):
        sent(now=NOW + timedelta(hours=hours))

    message = AlertMessage.objects.get()
    assert (message.reason, message.done_at is not None) == ("mail_refused", True)
    assert 7 <= message.tries <= 9
    assert AlertChannel.objects.get().reason == "mail_refused"


class Listener:
    """Takes one POST after the other, and keeps what it was told."""

    def __init__(self, status: str) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self._status = status
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/hooks/secret-path"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            with sock:
                said = sock.recv(65536)
                head, _, body = said.partition(b"\r\n\r\n")
                lines = head.decode().split("\r\n")[1:]
                headers = dict(line.lower().split(": ", 1) for line in lines)
                while len(body) < int(headers["content-length"]):
                    body += sock.recv(65536)
                self.heard.append((headers, body))
                sock.sendall(f"HTTP/1.1 {self._status}\r\nContent-Length: 0\r\n\r\n".encode())

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def listener(settings: Any) -> Iterator[Listener]:
    settings.WOOCOMMERCE_ALLOW_PRIVATE = True  # as in development
    heard = Listener("204 No Content")
    yield heard
    heard.close()


def test_a_program_can_check_that_a_message_is_ours(
    owner: User, acme: SimpleNamespace, listener: Listener
) -> None:
    secret = sending.new_secret()
    AlertChannel.objects.create(
        workspace=acme.workspace, kind="webhook", target=listener.url, secret=secret
    )
    take_over(alarmed(acme, orders=3, money=(("EUR", Decimal(120)),)), now=NOW)

    assert sent() == 1
    ((headers, body),) = listener.heard
    signing = base64.b64decode(secret.removeprefix("whsec_"))
    said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    proof = base64.b64encode(hmac.digest(signing, said, hashlib.sha256)).decode().lower()
    assert headers["webhook-signature"] == f"v1,{proof}"
    (told,) = json.loads(body)["data"]
    assert (told["cause"], told["store"], told["orders"]) == ("rejects", "lyon", 3)
    assert told["money"] == {"EUR": "120"}


def test_a_chat_is_told_in_its_own_form(
    owner: User, acme: SimpleNamespace, listener: Listener
) -> None:
    AlertChannel.objects.create(workspace=acme.workspace, kind="slack", target=listener.url)
    take_over(alarmed(acme), now=NOW)

    sent()

    ((_headers, body),) = listener.heard
    assert json.loads(body)["text"].startswith("Connector: Meta rejects orders of Lyon.")


def test_an_address_that_leads_inside_is_never_asked(owner: User, acme: SimpleNamespace) -> None:
    inside = "https://169.254.169.254/latest/meta-data"
    AlertChannel.objects.create(workspace=acme.workspace, kind="slack", target=inside)
    take_over(alarmed(acme), now=NOW)

    sent()

    assert AlertMessage.objects.get().reason == "address_not_allowed"


def test_the_target_of_a_channel_is_sealed(acme: SimpleNamespace) -> None:
    channel = AlertChannel.objects.create(
        workspace=acme.workspace, kind="slack", target="https://hooks.example/T0/secret"
    )

    with connection.cursor() as cursor:
        cursor.execute("SELECT target FROM dashboard_alertchannel WHERE id = %s", [channel.pk])
        (kept,) = cursor.fetchone()
    assert b"hooks.example" not in bytes(kept)


def test_a_message_about_several_says_each_with_its_fix(owner: User, acme: SimpleNamespace) -> None:
    take_over(
        alarmed(acme, Cause.EXPIRING, orders=2, until=NOW + timedelta(hours=3)),
        alarmed(acme),
        now=NOW,
    )
    message = AlertMessage.objects.get()
    told = [tell(alert, now=NOW) for alert in message.alerts.order_by("cause")]

    text = text_of(message, told, workspace="Acme")

    assert subject_of(message, told) == "Connector: 2 alerts"
    assert "2 orders; it ends in 3\xa0h" in text
    assert text.count("http") == 3  # a fix each, and the page of all
    with translation.override("fr"):
        assert subject_of(message, told) == "Connector: 2 alertes"


# When we are dead ourselves


def test_a_watcher_outside_hears_of_each_look(
    acme: SimpleNamespace, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as door:
        settings.ALERT_PING_URL = f"http://127.0.0.1:{door.getsockname()[1]}/ping/1"

        def answer() -> None:
            sock, _ = door.accept()
            heard.append(sock.recv(1000))
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            sock.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        deadman.ping()
        thread.join(timeout=5)

    assert heard[0].startswith(b"GET /ping/1 ")


def test_a_watcher_that_is_gone_stops_nothing(settings: Any) -> None:
    settings.ALERT_PING_URL = "http://127.0.0.1:9/ping"

    deadman.ping()

    settings.ALERT_PING_URL = ""
    deadman.ping()
