"""The datasets on screen: each id and token is asked of Meta before it is kept."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from conversions import tasks
from conversions.models import State
from sandbox.graph_api import GraphApi
from stores.models import Pixel
from tests import factories
from tests.dashboard.reading import texts

NEW = "5555555555555"


@pytest.fixture(autouse=True)
def through_the_sandbox(meta: GraphApi, settings: Any) -> None:
    meta.dataset(NEW, token="EAA-new", name="Lyon shoes")
    settings.META_GRAPH_URL = meta.url
    tasks.graph_client.cache_clear()


def page_of(acme: SimpleNamespace) -> str:
    return f"/stores/{acme.lyon.pk}/datasets/"


def test_a_dataset_is_added_by_the_name_that_meta_knows_and_with_a_mapping_that_is_off(
    owner: Client, acme: SimpleNamespace, meta: GraphApi
) -> None:
    meta.token("EAA-new", expires_at=2_000_000_000)

    answer = owner.post(page_of(acme), {"pixel_id": f" {NEW} ", "access_token": " EAA-\nnew "})

    assert answer.status_code == 302
    pixel = Pixel.objects.get(pixel_id=NEW)
    assert (pixel.name, pixel.access_token, pixel.workspace) == (
        "Lyon shoes",
        "EAA-new",
        acme.workspace,
    )
    assert pixel.token_expires_at == datetime.fromtimestamp(2_000_000_000, UTC)
    assert list(pixel.mappings.values_list("store", "enabled")) == [(acme.lyon.pk, False)]
    assert meta.events() == []


@pytest.mark.parametrize(
    ("typed", "field", "why"),
    [
        ({"access_token": "EAA-nobodys"}, "access_token", "Meta does not accept the access token."),
        ({"pixel_id": "6666666666666"}, "pixel_id", "Meta knows no such dataset"),
        ({"pixel_id": "12 34"}, "pixel_id", "The ID is 5 to 20 digits."),
        ({"access_token": ""}, "access_token", "This field is required."),
        ({"pixel_id": "1234567890123"}, "pixel_id", "This dataset is here already"),
    ],
)
def test_what_meta_refuses_is_said_at_its_field_and_nothing_is_kept(
    owner: Client, acme: SimpleNamespace, typed: dict[str, str], field: str, why: str
) -> None:
    answer = owner.post(page_of(acme), {"pixel_id": NEW, "access_token": "EAA-new"} | typed)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert texts(answer, "p", "error")[0].startswith(why)
    assert list(Pixel.objects.all()) == [acme.pixel]
    assert "EAA-new" not in answer.content.decode()


def test_meta_out_of_reach_is_no_fault_of_the_token(
    owner: Client, acme: SimpleNamespace, meta: GraphApi
) -> None:
    meta.fault("reset_before", edge="dataset")

    answer = owner.post(page_of(acme), {"pixel_id": NEW, "access_token": "EAA-new"})

    assert answer.status_code == 422
    assert texts(answer, "p", "bad")[0].startswith("The connection to Meta failed")
    assert not Pixel.objects.filter(pixel_id=NEW).exists()


def test_a_new_token_that_works_ends_the_pause(
    owner: Client, acme: SimpleNamespace, meta: GraphApi
) -> None:
    pixel = acme.pixel
    pixel.broken_reason, pixel.broken_at = "token_expired", datetime.now(UTC)
    pixel.save()
    factories.an_event(acme.lyon, pixel, state=State.PENDING)
    meta.dataset(pixel.pixel_id, token="EAA-next")
    assert "Paused: 1 event waits." in texts(owner.get(page_of(acme)), "p", "bad")[0]

    owner.post(
        f"{page_of(acme)}{pixel.pk}/change",
        {"do": "token", f"{pixel.pixel_id}-access_token": "EAA-next"},
    )

    pixel.refresh_from_db()
    assert (pixel.access_token, pixel.broken_reason, pixel.broken_at) == ("EAA-next", "", None)


def test_a_new_token_that_meta_refuses_changes_nothing(
    owner: Client, acme: SimpleNamespace
) -> None:
    answer = owner.post(
        f"{page_of(acme)}{acme.pixel.pk}/change",
        {"do": "token", f"{acme.pixel.pixel_id}-access_token": "EAA-nobodys"},
    )

    assert answer.status_code == 422
    assert texts(answer, "p", "error") == ["Meta does not accept the access token."]
    acme.pixel.refresh_from_db()
    assert acme.pixel.access_token == "EAA-acme"


def test_meta_is_asked_about_a_token_when_somebody_presses(
    owner: Client, acme: SimpleNamespace, meta: GraphApi
) -> None:
    change = f"{page_of(acme)}{acme.pixel.pk}/change"

    well = owner.post(change, {"do": "look"})
    meta.token("EAA-acme", state="expired")
    dead = owner.post(change, {"do": "look"})

    assert texts(well, "p", "good")[0].startswith("Meta knows the dataset, and its token.")
    assert texts(dead, "p", "bad") == ["The access token has expired."]


def test_a_dataset_that_nothing_refers_to_can_be_removed_and_no_other(
    owner: Client, acme: SimpleNamespace
) -> None:
    spare = factories.a_pixel(acme.workspace)

    removed = owner.post(f"{page_of(acme)}{spare.pk}/change", {"do": "remove"})
    kept = owner.post(f"{page_of(acme)}{acme.pixel.pk}/change", {"do": "remove"})

    assert (removed.status_code, kept.status_code) == (302, 400)
    assert list(Pixel.objects.all()) == [acme.pixel]


def test_staff_of_one_shop_see_its_datasets_and_no_others(
    client: Client, acme: SimpleNamespace, meta: GraphApi
) -> None:
    """They can map one of the workspace's that they do not see: its token is the proof."""
    others = factories.a_pixel(acme.workspace, pixel_id=NEW, name="Others", access_token="EAA-old")
    factories.a_mapping(acme.kitchen, others)
    user = factories.a_member(acme.workspace, "staff")
    user.only_store = acme.lyon
    user.save()
    client.force_login(user)

    before = client.get(page_of(acme))
    change = client.post(f"{page_of(acme)}{others.pk}/change", {"do": "look"})
    added = client.post(page_of(acme), {"pixel_id": NEW, "access_token": "EAA-new"})
    after = client.get(page_of(acme))

    assert "Others" not in texts(before, "h2")
    assert change.status_code == 404
    assert added.status_code == 302
    assert "Others" in texts(after, "h2")
    others.refresh_from_db()
    assert others.access_token == "EAA-old"


def test_who_may_only_read_adds_nothing(client: Client, acme: SimpleNamespace) -> None:
    client.force_login(factories.a_member(acme.workspace, "reader", role="analyst"))

    assert texts(client.get(page_of(acme)), "button") == ["Français", "Log out"]
    assert client.post(page_of(acme), {"pixel_id": NEW}).status_code == 404


def test_the_proof_goes_along_where_the_app_asks_for_it(
    owner: Client, acme: SimpleNamespace, meta: GraphApi, settings: Any
) -> None:
    meta.token("EAA-new", app_secret="the-secret", proof_required=True)
    typed = {"pixel_id": NEW, "access_token": "EAA-new"}

    without = owner.post(page_of(acme), typed)
    settings.META_APP_SECRET = "the-secret"
    tasks.graph_client.cache_clear()
    with_it = owner.post(page_of(acme), typed)

    assert (without.status_code, with_it.status_code) == (422, 302)
