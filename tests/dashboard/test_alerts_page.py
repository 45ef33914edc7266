"""The page of alerts: what is wrong now, what was, who sees to it, and where it is told."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from dashboard.alerts import raising, sending
from dashboard.models import Alert, AlertChannel, AlertMessage, Lookout
from stores.models import Store, User
from tests import factories
from tests.dashboard.reading import texts

NOW = timezone.now()


def an_alert(store: Store, **fields: Any) -> Alert:
    given = {"cause": "rejects", "level": "bad", "opened_at": NOW, "seen_at": NOW, "orders": 3}
    return Alert.objects.create(workspace=store.workspace, store=store, **(given | fields))


def test_what_is_open_is_told_the_gravest_first_with_its_fix(page: Client, store: Store) -> None:
    an_alert(store, cause="browser_silent", level="care", orders=0)
    an_alert(store, money=[["EUR", "120.00"]])

    answer = page.get("/alerts/")

    assert texts(answer, "strong")[:2] == [
        "Meta rejects orders of Boutique Lyon.",
        "The browsers of Boutique Lyon tell nothing any more.",
    ]
    assert "3 orders, 120.00 EUR" in texts(answer, "p")
    assert f'href="/stores/{store.pk}/orders/?state=rejected"' in answer.content.decode()
    assert "Alerts 2" in texts(page.get("/"), "a")


def test_without_an_alert_it_says_so_and_when_it_was_last_looked_for(
    page: Client, store: Store
) -> None:
    Lookout.objects.create(pk=1, looked_at=timezone.now() - timedelta(minutes=4))

    answer = page.get("/alerts/")

    assert "Nothing is wrong that we know of." in texts(answer, "p")
    assert "We last looked 4 min ago." in texts(answer, "p")
    assert "No alert in 30 days." in texts(answer, "p")


def test_what_is_over_stands_below_for_a_month(page: Client, store: Store) -> None:
    an_alert(store, resolved_at=NOW)
    an_alert(store, cause="unreadable", resolved_at=NOW - timedelta(days=31))

    answer = page.get("/alerts/")

    assert texts(answer, "th")[3:] == ["Meta rejects orders of Boutique Lyon. Acme"]


def test_somebody_sees_to_an_alert_once(page: Client, alice: User, store: Store) -> None:
    alert = an_alert(store)

    page.post(f"/alerts/{alert.pk}/acknowledgement")
    first = Alert.objects.get().acknowledged_at
    page.post(f"/alerts/{alert.pk}/acknowledgement")

    alert.refresh_from_db()
    assert (alert.acknowledged_at, alert.acknowledged_by) == (first, alice)
    assert "alice@example.com sees to it" in page.get("/alerts/").content.decode()
    assert "Alerts" in texts(page.get("/"), "a")


def test_a_reader_sees_alerts_and_changes_nothing(client: Client, store: Store) -> None:
    alert = an_alert(store)
    channel = AlertChannel.objects.create(workspace=store.workspace, kind="members")
    client.force_login(factories.a_member(store.workspace, "reader", role="client"))

    answer = client.get("/alerts/")

    assert "Meta rejects orders of Boutique Lyon." in texts(answer, "strong")
    assert "Where alerts go" not in answer.content.decode()
    assert client.post(f"/alerts/{alert.pk}/acknowledgement").status_code == 404
    assert client.post(f"/alerts/channels/{channel.pk}/change", {"do": "off"}).status_code == 404
    assert client.post("/alerts/", {"kind": "email", "target": "x@example.com"}).status_code == 422
    assert AlertChannel.objects.count() == 1


def test_a_stranger_sees_none(client: Client, store: Store) -> None:
    an_alert(store)
    client.force_login(factories.a_member(factories.a_workspace("elsewhere"), "charlie"))

    assert "Nothing is wrong" in client.get("/alerts/").content.decode()


def test_the_members_mail_is_there_from_the_start_and_can_only_be_switched_off(
    page: Client, store: Store
) -> None:
    assert not AlertChannel.objects.exists()
    raising.look_out(now=timezone.now())
    channel = AlertChannel.objects.get()
    assert "The owners and operators, by mail" in page.get("/alerts/").content.decode()

    page.post(f"/alerts/channels/{channel.pk}/change", {"do": "remove"})
    page.post(f"/alerts/channels/{channel.pk}/change", {"do": "off"})

    assert not AlertChannel.objects.get().enabled
    page.post(f"/alerts/channels/{channel.pk}/change", {"do": "on"})
    assert AlertChannel.objects.get().enabled


@pytest.mark.parametrize(
    ("kind", "target", "problem"),
    [
        ("email", "nobody", "Enter a valid email address."),
        ("slack", "http://hooks.example/x", "This address must be https."),
        ("slack", "https://10.0.0.1/x", "This address is a private address"),
        ("webhook", "https://hooks.example:6379/", "This address names port 6379"),
        ("webhook", "https://user:pass@hooks.example/", "This address holds a user name"),
        ("pigeon", "https://hooks.example/", "Select a valid choice"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_in_words(
    page: Client, store: Store, kind: str, target: str, problem: str
) -> None:
    given = {"workspace": store.workspace_id, "kind": kind, "target": target}

    answer = page.post("/alerts/", given)

    assert answer.status_code == 422
    assert problem in " ".join(texts(answer, "p", "error"))
    assert not AlertChannel.objects.exclude(kind="members").exists()


def test_a_programs_secret_is_shown_once_and_its_address_never(page: Client, store: Store) -> None:
    target = "https://hooks.example/T0/secret-path"
    given = {"workspace": store.workspace_id, "kind": "webhook", "target": target}

    shown = page.post("/alerts/", given).content.decode()
    later = page.get("/alerts/").content.decode()

    secret = str(AlertChannel.objects.get(kind="webhook").secret)
    assert secret.startswith("whsec_")
    assert secret in shown
    assert secret not in later
    assert "hooks.example" in later
    assert "secret-path" not in later


def test_another_workspaces_channel_cannot_be_chosen(page: Client, store: Store) -> None:
    elsewhere = factories.a_workspace("elsewhere")
    given = {"workspace": elsewhere.pk, "kind": "email", "target": "x@example.com"}

    assert page.post("/alerts/", given).status_code == 422


def test_a_test_arrives_and_a_failure_is_told_on_the_page(
    owner: Client, acme: SimpleNamespace
) -> None:
    given = {"workspace": acme.workspace.pk, "kind": "email", "target": "on-call@example.com"}
    owner.post("/alerts/", given)
    channel = AlertChannel.objects.get(kind="email")

    owner.post(f"/alerts/channels/{channel.pk}/change", {"do": "test"})
    assert sending.send_next(now=timezone.now())

    assert AlertMessage.objects.get().done_at is not None
    assert mail.outbox[0].bcc == ["on-call@example.com"]
    assert mail.outbox[0].subject == "Connector: A test: alerts reach you here"
    AlertChannel.objects.filter(pk=channel.pk).update(reason="http_500")
    answer = owner.get("/alerts/")
    assert "The last message did not arrive. It answered with status 500." in texts(answer, "p")


def test_a_channel_is_removed_with_what_it_had_to_send(page: Client, store: Store) -> None:
    channel = AlertChannel.objects.create(
        workspace=store.workspace, kind="email", target="x@example.com"
    )
    page.post(f"/alerts/channels/{channel.pk}/change", {"do": "test"})

    page.post(f"/alerts/channels/{channel.pk}/change", {"do": "remove"})

    assert not AlertChannel.objects.filter(kind="email").exists()
    assert not AlertMessage.objects.exists()
