"""Many stores changed at once: planned first, then done, and nobody else's."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from conversions import tasks
from sandbox.graph_api import GraphApi
from stores.models import ConfigChange, MappingTemplate, Membership, Pixel, PixelMapping, Store
from tests import factories
from tests.pipeline import a_kept_order, an_order, read_all

PAGE = "/fleet/changes/"


def ask(client: Client, stores: list[Store], do: str, **more: Any) -> Any:
    given = {"stores": [store.pk for store in stores], "do": do, "days": "1", **more}
    return client.post(PAGE, given)


def lines(answer: Any) -> dict[str, str]:
    return {line.name: line.said for line in answer.context["lines"]}


def in_force(store: Store) -> int:
    return store.mappings.filter(enabled=True).count()


def test_a_pause_is_planned_done_and_taken_back_without_what_was_off_before(
    owner: Client, acme: SimpleNamespace
) -> None:
    stores = [acme.lyon, acme.kitchen]
    off = PixelMapping.objects.create(
        store=acme.lyon, pixel=acme.pixel, position=9, enabled=False, settings={"event": "Lead"}
    )
    planned = ask(owner, stores, "pause")
    before = in_force(acme.lyon)
    ask(owner, stores, "pause", carry_out="1")
    paused = in_force(acme.lyon), in_force(acme.kitchen)
    again = ask(owner, stores, "resume", carry_out="1")

    off.refresh_from_db()
    assert "goes off" in lines(planned)[acme.lyon.name]
    assert before == 1
    assert paused == (0, 0)
    assert in_force(acme.lyon) == 1
    assert not off.enabled
    assert "goes on" in lines(again)[acme.lyon.name]
    assert "Send again what was missed" in again.content.decode()


def test_what_was_paused_and_then_switched_off_by_hand_stays_off(
    owner: Client, acme: SimpleNamespace
) -> None:
    ask(owner, [acme.lyon], "pause", carry_out="1")
    mapping = acme.lyon.mappings.get()
    owner.post(f"/stores/{acme.lyon.pk}/mappings/{mapping.pk}/change", {"do": "off"})

    answer = ask(owner, [acme.lyon], "resume", carry_out="1")

    assert lines(answer) == {acme.lyon.name: "Nothing to change"}


def test_a_template_goes_to_every_mapping_whose_rules_stay_valid(
    owner: Client, acme: SimpleNamespace
) -> None:
    template = MappingTemplate.objects.create(
        workspace=acme.workspace, name="net", settings={"event": "Purchase"}
    )
    answer = ask(owner, [acme.lyon, acme.kitchen], "template", template=template.pk, carry_out="1")

    assert set(acme.lyon.mappings.values_list("template__name", flat=True)) == {"net"}
    assert "takes the template" in lines(answer)[acme.kitchen.name]
    [change] = ConfigChange.objects.filter(store_id=acme.lyon.pk, after__template_id=template.pk)
    assert change.actor.startswith("user ")


def test_a_template_that_would_break_a_mapping_leaves_its_store_as_it_is_and_says_which(
    owner: Client, acme: SimpleNamespace
) -> None:
    template = MappingTemplate.objects.create(
        workspace=acme.workspace, name="odd", settings={"trigger": "whenever"}
    )
    answer = ask(owner, [acme.lyon], "template", template=template.pk, carry_out="1")

    assert lines(answer)[acme.lyon.name].startswith("Mapping 0: trigger")
    assert set(acme.lyon.mappings.values_list("template", flat=True)) == {None}


def test_a_token_goes_to_the_datasets_that_meta_opens_with_it_and_is_not_shown(
    owner: Client, acme: SimpleNamespace, meta: GraphApi, settings: Any
) -> None:
    settings.META_GRAPH_URL = meta.url
    tasks.graph_client.cache_clear()
    other = factories.a_pixel(acme.workspace, pixel_id="5555555555555", name="Elsewhere")
    PixelMapping.objects.create(store=acme.lyon, pixel=other, position=3)
    meta.dataset(acme.pixel.pixel_id, token="EAA-agency", name="Acme")
    Pixel.objects.filter(pk=acme.pixel.pk).update(broken_reason="token_expired")

    answer = ask(owner, [acme.lyon], "token", access_token=" EAA-agency\n")

    acme.pixel.refresh_from_db()
    other.refresh_from_db()
    assert (acme.pixel.access_token, acme.pixel.broken_reason) == ("EAA-agency", "")
    assert other.access_token != "EAA-agency"
    assert {line.name: line.fault for line in answer.context["lines"]} == {
        f"{acme.pixel.name} {acme.pixel.pixel_id}".strip(): False,
        "Elsewhere 5555555555555": True,
    }
    assert "EAA-agency" not in answer.content.decode()


def test_what_was_missed_is_counted_and_then_owed_once(
    owner: Client, acme: SimpleNamespace
) -> None:
    ask(owner, [acme.lyon], "pause", carry_out="1")
    a_kept_order(acme.lyon, an_order(1001))
    read_all()
    ask(owner, [acme.lyon], "resume", carry_out="1")

    planned = ask(owner, [acme.lyon], "again")
    done = ask(owner, [acme.lyon], "again", carry_out="1")
    after = ask(owner, [acme.lyon], "again")

    assert lines(planned) == lines(done) == {acme.lyon.name: "1 event to send"}
    assert lines(after) == {acme.lyon.name: "Nothing to send"}


def test_all_stores_are_chosen_with_one_tick_and_none_with_none(
    owner: Client, acme: SimpleNamespace
) -> None:
    factories.a_store(factories.a_workspace("globex"), name="Theirs")
    every = ask(owner, [], "pause", all_of_them="on")
    none = ask(owner, [], "pause")

    assert set(lines(every)) == {acme.lyon.name, acme.kitchen.name}
    assert none.status_code == 422
    assert list(none.context["form"].errors) == ["stores"]


@pytest.mark.parametrize("role", ["analyst", "client"])
def test_who_only_reads_has_no_store_to_change(
    client: Client, acme: SimpleNamespace, role: str
) -> None:
    user = factories.a_member(acme.workspace, "rita", role=role)
    client.force_login(user)

    answer = ask(client, [acme.lyon], "pause", carry_out="1")

    assert answer.status_code == 422
    assert in_force(acme.lyon) == 1
    assert "Change many stores" not in client.get("/fleet/").content.decode()


def test_a_strangers_store_and_template_are_no_choices(
    owner: Client, acme: SimpleNamespace
) -> None:
    theirs = factories.a_store(factories.a_workspace("globex"))
    template = MappingTemplate.objects.create(
        workspace=theirs.workspace, name="theirs", settings={}
    )
    one = ask(owner, [theirs], "pause", carry_out="1")
    other = ask(owner, [acme.lyon], "template", template=template.pk, carry_out="1")

    assert (one.status_code, other.status_code) == (422, 422)
    assert not Membership.objects.filter(workspace=theirs.workspace).exists()


@pytest.mark.parametrize(
    ("do", "field"), [("template", "template"), ("token", "access_token"), ("fly", "do")]
)
def test_what_an_action_lacks_is_said_at_its_field(
    owner: Client, acme: SimpleNamespace, do: str, field: str
) -> None:
    answer = ask(owner, [acme.lyon], do)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
