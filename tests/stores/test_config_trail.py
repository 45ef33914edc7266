"""Every change of what is set is written down by the database, with who made it and without a secret."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from dashboard.models import AlertChannel
from stores.acting import acting_as
from stores.models import ConfigChange, Membership, Pixel, PixelMapping, Store
from tests import factories


@pytest.fixture
def told(acme: SimpleNamespace) -> Any:
    """What was written down since Acme was set up."""
    first = ConfigChange.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    def changes() -> list[ConfigChange]:
        return list(ConfigChange.objects.filter(pk__gt=first).order_by("pk"))

    return changes


def test_a_change_tells_what_differs_and_nothing_else(acme: SimpleNamespace, told: Any) -> None:
    acme.lyon.name = "Boutique Lyon"
    acme.lyon.save(update_fields=["name"])

    (change,) = told()
    assert (change.kind, change.row, change.actor) == ("stores_store", acme.lyon.pk, "")
    assert (change.before, change.after) == ({"name": "Lyon"}, {"name": "Boutique Lyon"})
    assert (change.workspace, change.store_id) == (acme.workspace, acme.lyon.pk)


def test_what_is_saved_as_it_was_is_no_change(acme: SimpleNamespace, told: Any) -> None:
    Store.objects.filter(pk=acme.lyon.pk).update(name="Lyon", pinged_at=None, rest_auth="")

    assert told() == []


def test_of_a_secret_only_that_it_was_written_is_kept(acme: SimpleNamespace, told: Any) -> None:
    Pixel.objects.filter(pk=acme.pixel.pk).update(access_token="EAA-a-new-token")

    (change,) = told()
    assert set(change.after) == {"access_token"}
    assert len(change.after["access_token"]) == 8
    assert change.before != change.after


def test_what_is_made_and_removed_is_told_whole(acme: SimpleNamespace, told: Any) -> None:
    mapping = PixelMapping.objects.create(store=acme.lyon, pixel=acme.pixel, position=5)
    mapping.delete()

    made, removed = told()
    assert (made.kind, made.before, made.after["position"]) == ("stores_pixelmapping", None, 5)
    assert (removed.after, removed.before["position"]) == (None, 5)
    assert made.store_id == removed.store_id == acme.lyon.pk


def test_roles_templates_and_channels_are_told_too(acme: SimpleNamespace, told: Any) -> None:
    factories.a_member(acme.workspace, "bob", role="client")
    Membership.objects.update(role="operator")
    acme.workspace.templates.create(name="default", settings={})
    AlertChannel.objects.create(
        workspace=acme.workspace, kind="slack", target="https://hooks.example/x"
    )

    kinds = [change.kind for change in told()]
    assert kinds == [
        "stores_membership",
        "stores_membership",
        "stores_mappingtemplate",
        "dashboard_alertchannel",
    ]
    assert "hooks.example" not in str([change.after for change in told()])


def test_a_person_on_screen_is_named(client: Client, acme: SimpleNamespace, told: Any) -> None:
    client.force_login(factories.a_member(acme.workspace))
    client.post(f"/stores/{acme.lyon.pk}/consent/", {"policy": "required", "regions": "EEA"})

    _member, change = told()
    user = factories.a_user()
    assert change.actor == f"user {user.pk}"
    assert change.after == {
        "consent": {"policy": "required", "regions": ["EEA"], "evidence": "order_meta"}
    }


def test_a_command_is_named_and_only_while_it_runs(acme: SimpleNamespace, told: Any) -> None:
    with acting_as("command apply"):
        Store.objects.filter(pk=acme.lyon.pk).update(name="By a command")
    Store.objects.filter(pk=acme.lyon.pk).update(name="By nobody")

    assert [change.actor for change in told()] == ["command apply", ""]


def test_a_change_that_is_rolled_back_was_none(acme: SimpleNamespace, told: Any) -> None:
    class Changed(Exception):
        pass

    def change_and_fail() -> None:
        with transaction.atomic():
            Store.objects.filter(pk=acme.lyon.pk).update(name="Never")
            raise Changed

    with pytest.raises(Changed):
        change_and_fail()

    assert told() == []
