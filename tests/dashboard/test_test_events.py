"""One event with a test code, by screen and by command: Meta takes it, and the ledger knows nothing."""

import io
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from conversions.models import ConversionEvent, SendAttempt, State
from sandbox.graph_api import GraphApi
from shop_webhooks import inbox
from tests import factories
from tests.dashboard.reading import texts
from tests.pipeline import an_order, post_to_shopify_door

pytestmark = pytest.mark.usefixtures("through_the_sandbox")


def page_of(acme: SimpleNamespace) -> str:
    return f"/stores/{acme.lyon.pk}/test-events/"


def test_an_order_of_nobody_is_sent_with_the_code_and_metas_answer_is_shown(
    owner: Client, acme: SimpleNamespace, meta: GraphApi
) -> None:
    answer = owner.post(page_of(acme), {"pixel": acme.pixel.pk, "code": "TEST123", "order": ""})

    (event,) = meta.events()
    assert texts(answer, "h2")[0] == "Meta has taken the event"
    assert json.loads(texts(answer, "pre")[0])["events_received"] == 1
    assert (event.event_name, event.test_event_code) == ("Purchase", "TEST123")
    assert event.event_id in texts(answer, "code", "id")[0]
    assert ConversionEvent.objects.count() == SendAttempt.objects.count() == 0


def test_a_code_that_is_none_is_refused_with_where_to_find_one(
    owner: Client, acme: SimpleNamespace, meta: GraphApi
) -> None:
    answer = owner.post(page_of(acme), {"pixel": acme.pixel.pk, "code": "no code", "order": ""})

    assert answer.status_code == 422
    assert texts(answer, "p", "bad") == [
        "A test code is like TEST12345: it stands in Events Manager, Test events."
    ]
    assert meta.events() == []


def test_a_token_that_meta_refuses_is_explained_and_pauses_nothing(
    owner: Client, acme: SimpleNamespace, meta: GraphApi
) -> None:
    acme.pixel.access_token = "EAA-another"
    acme.pixel.save()

    answer = owner.post(page_of(acme), {"pixel": acme.pixel.pk, "code": "TEST123", "order": ""})

    acme.pixel.refresh_from_db()
    assert texts(answer, "h2")[0] == "Meta did not take the event"
    assert "EAA-another" not in answer.content.decode()
    assert acme.pixel.broken_reason == ""


def test_a_real_order_goes_only_while_meta_matches_its_event_id(
    acme: SimpleNamespace, meta: GraphApi
) -> None:
    post_to_shopify_door(an_order(1001), store=acme.lyon)
    inbox.process_batch()
    event = ConversionEvent.objects.get()

    with pytest.raises(CommandError, match="within 47 hours"):
        tell(acme, order=event.order_id)  # not sent yet
    accept(event, ago=timedelta(hours=46))
    tell(acme, order=event.order_id)
    accept(event, ago=timedelta(hours=48))
    with pytest.raises(CommandError, match="within 47 hours"):
        tell(acme, order=event.order_id)

    assert [sent.event_id for sent in meta.events()] == [event.event_id]


def test_the_command_prints_metas_answer(acme: SimpleNamespace, meta: GraphApi) -> None:
    told = json.loads(tell(acme, as_json=True))

    assert told["accepted"] is True
    assert told["request"]["test_event_code"] == "TEST123"
    assert told["answer"]["http_status"] == 200


def test_who_only_reads_sends_nothing(
    client: Client, acme: SimpleNamespace, meta: GraphApi
) -> None:
    client.force_login(factories.a_member(acme.workspace, "bob", role="analyst"))

    client.post(page_of(acme), {"pixel": acme.pixel.pk, "code": "TEST123", "order": ""})

    assert meta.events() == []


def test_a_pixel_of_somebody_else_is_not_there(
    owner: Client, acme: SimpleNamespace, meta: GraphApi
) -> None:
    other = factories.a_pixel(factories.a_workspace("other"))

    answer = owner.post(page_of(acme), {"pixel": other.pk, "code": "TEST123", "order": ""})

    assert answer.status_code == 404
    assert meta.events() == []


def tell(acme: SimpleNamespace, *, order: str = "", as_json: bool = False) -> str:
    out = io.StringIO()
    call_command(
        "send_test_event",
        pixel=acme.pixel.pixel_id,
        code="TEST123",
        order=order,
        as_json=as_json,
        stdout=out,
    )
    return out.getvalue()


def accept(event: ConversionEvent, *, ago: timedelta) -> None:
    ConversionEvent.objects.filter(pk=event.pk).update(
        state=State.ACCEPTED, accepted_at=datetime.now(UTC) - ago
    )
