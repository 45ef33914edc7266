"""`doctor` finds what is wrong and says how to mend it."""

import io
import json
import secrets
from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from conversions.models import PixelQueue, State
from dashboard import doctor
from shop_webhooks.models import WebhookDelivery
from stores.models import Pixel, Store
from tests.factories import (
    a_delivery,
    a_mapping,
    a_pixel,
    a_store,
    a_workspace,
    an_event,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sound_settings(settings):
    settings.SHOPIFY_API_SECRET = "of the app"
    settings.LOCAL, settings.HTTPS = False, True


@pytest.fixture(autouse=True)
def durable_database(monkeypatch):
    """The database of the tests is not, for speed."""
    monkeypatch.setattr(doctor, "DURABLE", "SELECT 'on', 'on'")


@pytest.fixture
def store():
    store = a_store(a_workspace(), key="lyon")
    a_mapping(store, a_pixel(store.workspace, pixel_id="1234567890123"))
    a_delivery(store, received_at=timezone.now() - timedelta(minutes=5))
    return store


def findings():
    """What is not fine: (about, what)."""
    found = doctor.examine(store=None, now=timezone.now())
    return [
        (finding.level, finding.about, finding.what) for finding in found if finding.level != "fine"
    ]


def test_a_sound_installation_has_a_line_for_each_thing_and_ends_with_0(store):
    out = io.StringIO()

    call_command("doctor", stdout=out)

    assert out.getvalue().splitlines() == [
        "✔ settings: the system checks hold",
        "✔ Graph API: v26.0; its end is not announced yet",
        "✔ broker: answers",
        "✔ database: answers and keeps what it commits",
        "✔ secrets: the keys open them",
        "✔ audit: the chains hold since they were last signed",
        "✔ oldest unread delivery: none is due",
        "✔ oldest unsent event: none is due",
        "✔ store lyon: connected; mappings in force: 1",
        "✔ store lyon: last delivery 5 minutes ago",
        "✔ pixel 1234567890123: has a token, and Meta has not refused it",
    ]


def test_a_failure_ends_with_1_and_is_also_told_to_programs(store):
    Pixel.objects.update(access_token="")
    out = io.StringIO()

    with pytest.raises(CommandError) as caught:
        call_command("doctor", "--json", stdout=out)

    document = json.loads(out.getvalue())
    assert (str(caught.value), caught.value.returncode) == ("1 of 11 checks did not hold.", 1)
    assert document["failures"] == 1
    assert document["findings"][-1] == {
        "level": "failure",
        "about": "pixel 1234567890123",
        "what": "has no access token",
        "fix": "make one in Events Manager (Settings, Conversions API) and apply it",
    }


def test_a_paused_pixel_is_found(store):
    Pixel.objects.update(broken_reason="token_expired")

    assert findings() == [
        (
            "failure",
            "pixel 1234567890123",
            "is paused: Meta refuses it (token_expired); its events wait",
        )
    ]


@pytest.mark.parametrize(
    ("hours", "what"),
    [
        (3, "is in test mode (TEST1) for 3 hours more"),
        (-1, "has a left-over test code (TEST1); it is not sent any more"),
    ],
)
def test_a_test_code_is_found(store, hours, what):
    until = timezone.now() + timedelta(hours=hours, seconds=30)
    Pixel.objects.update(test_event_code="TEST1", test_event_code_until=until)

    assert findings() == [("warning", "pixel 1234567890123", what)]


def test_rows_that_wait_for_a_worker_are_found(store):
    long_ago = timezone.now() - timedelta(minutes=10, seconds=5)
    a_delivery(store, state=WebhookDelivery.State.RECEIVED, received_at=long_ago, order_id="")
    an_event(store, Pixel.objects.get(), state=State.PENDING, not_before=long_ago)
    PixelQueue.objects.create(pixel=Pixel.objects.get())

    assert findings() == [
        ("failure", "oldest unread delivery", "due for 10 minutes"),
        ("failure", "oldest unsent event", "due for 10 minutes"),
    ]


def test_unreadable_deliveries_of_a_day_are_found(store):
    a_delivery(store, state=WebhookDelivery.State.UNREADABLE)

    assert findings() == [
        ("failure", "store lyon", "1 deliveries of the last 24 hours cannot be read")
    ]


def test_a_store_nobody_listens_to_is_found(store):
    store.mappings.update(enabled=False)
    WebhookDelivery.objects.all().delete()

    assert findings() == [
        ("warning", "store lyon", "no mapping is in force: no pixel is told of its orders"),
        ("warning", "store lyon", "nothing has come from the shop yet"),
    ]


def test_a_mapping_that_cannot_be_meant_is_found(store):
    store.mappings.update(settings={"trigger": "maybe"})

    assert findings() == [
        (
            "failure",
            "store lyon",
            "mappings[0] is not valid: trigger: 'maybe' is not one of created, paid, completed,"
            " status:NAME, tag:NAME",
        )
    ]


def test_a_disconnected_store_is_looked_at_only_when_asked_for(store):
    Store.objects.update(connected=False)

    asked = [f.what for f in doctor.examine(store="lyon", now=timezone.now())]

    assert findings() == []
    assert "is disconnected: its deliveries are turned away" in asked


def test_shopify_without_the_apps_secret_is_found(store, settings):
    settings.SHOPIFY_API_SECRET = ""

    assert findings() == [
        ("failure", "store lyon", "its deliveries are refused: no signature can be checked")
    ]


def test_a_key_that_is_gone_is_found(store, settings):
    settings.FIELD_ENCRYPTION_KEYS = [secrets.token_hex(32)]

    assert findings() == [
        ("failure", "secrets", "no key of FIELD_ENCRYPTION_KEYS opens what is in the database")
    ]


def test_a_silent_broker_is_a_warning(store, monkeypatch):
    monkeypatch.setattr(doctor.current_app.conf, "broker_write_url", "redis://127.0.0.1:9/0")

    found = [finding for finding in findings() if finding[1] == "broker"]

    assert [finding[0] for finding in found] == ["warning"]


@pytest.mark.parametrize(
    ("today", "level"),
    [
        (date(2027, 1, 21), "failure"),
        (date(2026, 10, 23), "warning"),
        (date(2026, 10, 22), "fine"),
    ],
)
def test_the_end_of_a_graph_version_is_told_90_days_before(settings, today, level):
    settings.META_GRAPH_VERSION = "v21.0"

    assert doctor.graph_version(today=today).level == level
