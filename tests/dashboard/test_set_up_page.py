"""The set-up on one page: what is done, what comes next, and nothing is sent before somebody says so."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sandbox.graph_api import GraphApi
from shop_webhooks.models import Heartbeat
from stores.models import Pixel
from tests import factories
from tests.dashboard.reading import asked, texts
from tests.pipeline import a_kept_order, an_order, read_all, send_all

NEW = "5555555555555"


@pytest.fixture(autouse=True)
def a_new_dataset(through_the_sandbox: GraphApi) -> None:
    through_the_sandbox.dataset(NEW, token="EAA-new", name="Lyon shoes")


@pytest.fixture
def owner(client: Client, acme: SimpleNamespace) -> Client:
    acme.lyon.mappings.all().delete()
    client.force_login(factories.a_member(acme.workspace))
    return client


def page_of(acme: SimpleNamespace, store: str = "lyon") -> str:
    return f"/stores/{getattr(acme, store).pk}/set-up/"


def steps(answer: Any) -> list[str]:
    return [text for text in texts(answer, "h2") if text.startswith(("Done:", "To do:"))]


def test_a_new_shop_begins_with_its_orders_and_its_dataset(
    owner: Client, acme: SimpleNamespace
) -> None:
    assert steps(owner.get(page_of(acme))) == [
        "To do: The shop tells us of its orders",
        "To do: Where the orders go",
    ]


def test_from_the_dataset_to_the_first_order_at_meta(
    owner: Client, acme: SimpleNamespace, meta: GraphApi
) -> None:
    a_kept_order(acme.lyon, an_order(1001))
    read_all()

    named = owner.post(page_of(acme), {"pixel_id": NEW, "access_token": "EAA-new"})
    before = owner.get(page_of(acme))
    mapping = acme.lyon.mappings.get()
    live = owner.post(
        f"/stores/{acme.lyon.pk}/mappings/{mapping.pk}/change", {"do": "live", "next": "set_up"}
    )
    a_kept_order(acme.lyon, an_order(1002))
    read_all()
    send_all(meta)
    after = owner.get(page_of(acme))

    assert named["Location"] == live["Location"] == page_of(acme)
    assert steps(before)[-1] == "To do: Go live"
    assert steps(after)[-1] == "Done: Live"
    assert "Done: Look at a real order" in steps(after)
    assert [event.event_id for event in meta.events()] == ["1002"]


def test_a_dataset_that_meta_does_not_know_keeps_the_step_open(
    owner: Client, acme: SimpleNamespace
) -> None:
    answer = owner.post(page_of(acme), {"pixel_id": "6666666666666", "access_token": "EAA-new"})

    assert answer.status_code == 422
    assert "Meta knows no such dataset" in texts(answer, "p", "error")[0]
    assert not Pixel.objects.filter(pixel_id="6666666666666").exists()


def test_watching_is_said_to_be_no_sending(owner: Client, acme: SimpleNamespace) -> None:
    factories.a_mapping(acme.lyon, acme.pixel, settings={"send_from": "never"})

    answer = owner.get(page_of(acme))

    assert steps(answer)[-1] == "To do: Watching"
    assert "Watch first" not in texts(answer, "button")


def test_a_plug_in_that_tells_meta_too_is_named_with_what_to_do(
    owner: Client, acme: SimpleNamespace
) -> None:
    plugin = {"name": "PixelYourSite", "version": "11.1", "sends": True, "advice": "pixelyoursite"}
    Heartbeat.objects.create(store=acme.kitchen, facts={"version": "10.3", "plugins": [plugin]})

    answer = owner.get(page_of(acme, "kitchen"))

    assert texts(answer, "p", "bad")[0].startswith("PixelYourSite")


def test_who_may_only_read_is_told_who_may_go_on(client: Client, acme: SimpleNamespace) -> None:
    acme.lyon.mappings.all().delete()
    client.force_login(factories.a_member(acme.workspace, "reader", role="client"))

    answer = client.get(page_of(acme))

    assert "An owner or operator of the workspace can add one." in texts(answer, "p")
    assert client.post(page_of(acme), {"pixel_id": NEW}).status_code == 404


def test_the_page_asks_the_database_twelve_times_at_most(
    owner: Client, acme: SimpleNamespace
) -> None:
    factories.a_mapping(acme.lyon, acme.pixel)
    factories.an_event(acme.lyon, acme.pixel)

    with CaptureQueriesContext(connection) as queries:
        owner.get(page_of(acme))

    assert len(asked(queries)) <= 12
