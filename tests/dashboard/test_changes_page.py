"""The page of changes: who set what, with the difference and without a secret."""

from types import SimpleNamespace

from django.test import Client

from stores.acting import acting_as
from stores.models import ConfigChange, Pixel, Store, User
from tests import factories
from tests.dashboard.reading import texts


def test_a_change_is_told_with_who_made_it_and_the_difference(
    owner: Client, acme: SimpleNamespace
) -> None:
    owner.post(f"/stores/{acme.lyon.pk}/consent/", {"policy": "required", "regions": "EEA"})
    with acting_as("command apply"):
        Store.objects.filter(pk=acme.lyon.pk).update(name="Boutique Lyon")
    Pixel.objects.filter(pk=acme.pixel.pk).update(broken_reason="token_expired")

    answer = owner.get("/changes/")

    assert texts(answer, "td")[:6] == [
        "Connector by itself",
        "Dataset (Pixel) changed broken_reason token_expired",
        "the command apply",
        "Store Boutique Lyon changed name Lyon → Boutique Lyon",
        "alice@example.com",
        'Store Boutique Lyon changed consent {"evidence": "order_meta", "policy": "required",'
        ' "regions": ["EEA"]}',
    ]


def test_a_token_that_was_given_is_only_said_to_be(owner: Client, acme: SimpleNamespace) -> None:
    Pixel.objects.filter(pk=acme.pixel.pk).update(access_token="EAA-new")
    fingerprint = ConfigChange.objects.latest("pk").after["access_token"]

    shown = owner.get("/changes/").content.decode()

    assert "written anew" in shown
    assert "EAA-new" not in shown
    assert fingerprint not in shown


def test_older_changes_are_on_the_next_page(owner: Client, acme: SimpleNamespace) -> None:
    for number in range(60):
        Store.objects.filter(pk=acme.lyon.pk).update(name=f"Lyon {number}")

    first = owner.get("/changes/").context["page"]
    assert texts(owner.get("/changes/"), "a")[-1] == "Older"
    second = owner.get(f"/changes/?before={first.older}").context["page"]

    assert len(first.rows) == 50
    assert first.rows[0].fields[0][2] == "Lyon 59"
    assert second.rows[0].fields[0][2] == "Lyon 9"


def test_strangers_readers_and_the_staff_of_one_shop_see_none(
    client: Client, acme: SimpleNamespace
) -> None:
    stranger = factories.a_member(factories.a_workspace("elsewhere"), "charlie")
    reader = factories.a_member(acme.workspace, "reader", role="client")
    staff = factories.a_member(acme.workspace, "staff", role="operator")
    User.objects.filter(pk=staff.pk).update(only_store=acme.lyon)

    for user in (stranger, reader, User.objects.get(pk=staff.pk)):
        client.force_login(user)
        shown = client.get("/changes/").content.decode()
        assert "Acme" not in shown
        assert "Lyon" not in shown
