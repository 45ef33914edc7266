"""The second wall: a query that forgets whose rows it asks for is answered with the reader's alone."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection
from django.test import Client

from conversions.models import ConversionEvent
from stores.models import Membership, Pixel, Store, User, Workspace
from stores.wall import NAMED, OURS, SHARED, behind_the_wall, policies
from tests import factories
from tests.dashboard.routes import pages

pytestmark = pytest.mark.django_db


@pytest.fixture
def two() -> SimpleNamespace:
    """Alice's Acme and Mallory's Globex, with a store, a dataset and an order each."""
    made = SimpleNamespace()
    for slug, name in (("acme", "alice"), ("globex", "mallory")):
        workspace = factories.a_workspace(slug)
        user = factories.a_member(workspace, name)
        store, pixel = factories.a_store(workspace), factories.a_pixel(workspace)
        factories.a_mapping(store, pixel)
        event = factories.an_event(store, pixel)
        factories.a_delivery(store)
        setattr(made, name, SimpleNamespace(user=user, store=store, pixel=pixel, event=event))
    return made


def test_a_query_that_forgets_the_tenant_sees_the_readers_rows(two: SimpleNamespace) -> None:
    with behind_the_wall(two.alice.user):
        seen = {
            model.__name__: model.objects.count()
            for model in (Workspace, Store, Pixel, Membership, ConversionEvent)
        }
        people = list(User.objects.values_list("email", flat=True))
        theirs = ConversionEvent.objects.filter(pk=two.mallory.event.pk).exists()

    assert seen == dict.fromkeys(seen, 1)
    assert people == ["alice@example.com"]
    assert not theirs
    assert Store.objects.count() == 2  # afterwards all is as before


def test_nobody_in_particular_sees_nothing(two: SimpleNamespace) -> None:
    with behind_the_wall(User(pk=0)):
        assert not any(model.objects.exists() for model in (Store, Pixel, User, ConversionEvent))


def test_staff_of_one_shop_see_that_shop(two: SimpleNamespace) -> None:
    other = factories.a_store(two.alice.store.workspace)
    User.objects.filter(pk=two.alice.user.pk).update(only_store=other)

    with behind_the_wall(two.alice.user):
        assert list(Store.objects.all()) == [other]
        assert not ConversionEvent.objects.exists()


def test_nothing_can_be_written_while_a_page_is_read(two: SimpleNamespace) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        behind_the_wall(two.alice.user),
    ):
        Store.objects.update(name="Mine")

    assert not Store.objects.filter(name="Mine").exists()


def test_a_page_whose_query_forgets_the_tenant_shows_no_stranger(
    two: SimpleNamespace, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if `visible_to` were not there."""

    def everything(found: Any, user: User) -> Any:
        return found.all()

    monkeypatch.setattr("stores.tenants.TenantQuerySet.visible_to", everything)
    client.force_login(two.alice.user)

    own = client.get(f"/stores/{two.alice.store.pk}/orders/")
    other = client.get(f"/stores/{two.mallory.store.pk}/orders/")

    assert own.status_code == 200
    assert other.status_code == 404
    assert two.mallory.store.name not in client.get("/").content.decode()


def test_a_press_whose_query_forgets_the_tenant_reaches_no_stranger(
    two: SimpleNamespace, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the view asked for any store."""

    def whichever(request: Any, store_id: int) -> Store:
        return Store.objects.get(pk=store_id)

    monkeypatch.setattr("dashboard.views.connection.changeable_store", whichever)
    client.force_login(two.alice.user)

    other = client.post(f"/stores/{two.mallory.store.pk}/disconnect/")
    own = client.post(f"/stores/{two.alice.store.pk}/disconnect/")

    assert (other.status_code, own.status_code) == (404, 302)
    assert list(Store.objects.filter(connected=False)) == [two.alice.store]


def test_every_number_in_an_address_is_known_to_the_wall() -> None:
    numbers = {
        name
        for pattern in pages()
        for name, converter in pattern.pattern.converters.items()
        if pattern.lookup_str.startswith("dashboard.") and converter.regex == "[0-9]+"
    }

    assert numbers == NAMED.keys()


def test_nobody_waits_longer_than_five_seconds_for_a_page(two: SimpleNamespace) -> None:
    with behind_the_wall(two.alice.user), connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        (while_read,) = cursor.fetchone()
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        (afterwards,) = cursor.fetchone()

    assert (while_read, afterwards) == ("5s", "30s")


def test_every_table_of_ours_has_a_policy_or_is_named_as_shared() -> None:
    tables = {model._meta.db_table for model in apps.get_models() if model._meta.app_label in OURS}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relname = ANY(%s)",
            [list(tables)],
        )
        walled = {name for (name,) in cursor.fetchall()}

    assert set(policies()) == walled
    assert tables - walled == SHARED


def test_the_wall_ends_with_the_page_also_where_it_fails(two: SimpleNamespace) -> None:
    def fails() -> Any:
        with behind_the_wall(two.alice.user):
            raise LookupError

    with pytest.raises(LookupError):
        fails()

    assert Store.objects.count() == 2
