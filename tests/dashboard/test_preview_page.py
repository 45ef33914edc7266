"""The preview on screen: what would be posted, where it comes from, and nothing of it is sent."""

import json
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions.models import ConversionEvent, EventPayload, SendAttempt
from dashboard.preview import mask
from shop_webhooks.preview import preview_order
from tests import factories
from tests.dashboard.reading import asked, texts
from tests.pipeline import a_kept_order, an_order, read_all


def test_the_last_order_is_shown_as_it_would_be_posted(
    owner: Client, acme: SimpleNamespace
) -> None:
    a_kept_order(acme.lyon, an_order(1001))
    read_all()
    before = ledger()

    answer = owner.get(f"/stores/{acme.lyon.pk}/preview/")

    (posted,) = preview_order(store=acme.lyon, order="1001")
    shown = json.loads(texts(answer, "pre")[0])
    exact = json.loads(bytes(posted.body))
    assert shown["data"][0]["user_data"].pop("client_ip_address") == "203.0.113.…"
    assert exact["data"][0]["user_data"].pop("client_ip_address") == "203.0.113.9"
    assert shown == exact
    assert "203.0.113.9" not in answer.content.decode()
    assert ledger() == before


@pytest.mark.parametrize("role", ["analyst", "client"])
def test_who_only_reads_sees_which_identifiers_there_are_and_not_what_they_say(
    client: Client, acme: SimpleNamespace, role: str
) -> None:
    a_kept_order(acme.lyon, an_order(1001))
    read_all()
    client.force_login(factories.a_member(acme.workspace, "anna", role=role))

    page = client.get(f"/stores/{acme.lyon.pk}/preview/")

    (posted,) = preview_order(store=acme.lyon, order="1001")
    told = json.loads(bytes(posted.body))["data"][0]["user_data"]
    shown = json.loads(texts(page, "pre")[0])["data"][0]["user_data"]
    assert set(shown) == set(told)
    assert set(shown.values()) == {"…"}
    said = [one for each in told.values() for one in (each if isinstance(each, list) else [each])]
    assert [word for word in said if str(word) in page.content.decode()] == []


def test_an_order_that_would_not_be_sent_says_why(owner: Client, acme: SimpleNamespace) -> None:
    a_kept_order(acme.lyon, an_order(1001, test=True))
    read_all()

    answer = owner.get(f"/stores/{acme.lyon.pk}/preview/?order=1001")

    assert "Nothing would be sent. It is a test order." in texts(answer, "p")


def test_an_order_that_nobody_knows_is_said_to_be_none(
    owner: Client, acme: SimpleNamespace
) -> None:
    answer = owner.get(f"/stores/{acme.lyon.pk}/preview/?order=9")

    assert texts(answer, "p", "care") == ["No delivery of order '9' has been read from store lyon."]


def test_a_store_without_an_order_says_so(owner: Client, acme: SimpleNamespace) -> None:
    answer = owner.get(f"/stores/{acme.lyon.pk}/preview/")

    assert texts(answer, "h2") == ["No order to show yet"]


@pytest.mark.parametrize("orders", [1, 3])
def test_the_number_of_queries_does_not_grow(
    owner: Client, acme: SimpleNamespace, orders: int
) -> None:
    for number in range(orders):
        a_kept_order(acme.lyon, an_order(1001 + number))
    read_all()

    with CaptureQueriesContext(connection) as queries:
        owner.get(f"/stores/{acme.lyon.pk}/preview/")

    assert len(asked(queries)) <= 12


@pytest.mark.parametrize(
    ("ip", "masked"), [("203.0.113.9", "203.0.113.…"), ("2001:db8::1", "2001:db8::…")]
)
def test_an_address_is_shown_without_its_last_part(ip: str, masked: str) -> None:
    assert mask(ip) == masked


def ledger() -> tuple[object, ...]:
    counts = [model.objects.count() for model in (ConversionEvent, EventPayload, SendAttempt)]
    return (*counts, *ConversionEvent.objects.values_list("state", "attempts"))
