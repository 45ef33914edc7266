from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from stores.models import Pixel, Store, User
from tests import factories

MODELS = sorted(admin.site._registry, key=lambda model: model.__name__)


@pytest.fixture
def staff(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("root@example.com", factories.PASSWORD))
    return client


@pytest.fixture
def rows(store: Store, pixel: Pixel) -> None:
    """A row of most models, with a secret wherever one may stand."""
    Store.objects.update(access_token="shop-secret-1")
    mapping = factories.a_mapping(store, pixel)
    factories.a_delivery(store, body=b"secret-body")
    factories.an_attempt(factories.an_event(store, pixel, mapping=mapping))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_everything_can_be_looked_at_and_nothing_be_touched(
    staff: Client, rows: None, model: type[Model]
) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"

    listed = staff.get(reverse(f"{name}_changelist"))
    shown = [staff.get(reverse(f"{name}_change", args=[row.pk])) for row in model.objects.all()[:1]]
    added = staff.get(reverse(f"{name}_add"))
    removed = [
        staff.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"})
        for row in model.objects.all()[:1]
    ]

    assert [answer.status_code for answer in (listed, *shown)] == [200] * (1 + len(shown))
    assert {answer.status_code for answer in (added, *removed)} == {403}


def test_no_secret_and_no_body_is_shown(staff: Client, rows: None) -> None:
    shown = "".join(
        answer.content.decode() for model in MODELS for answer in pages_of(staff, model)
    )

    store = Store.objects.get()
    assert store.access_token == "shop-secret-1"
    for secret in ("shop-secret-1", "a-token", "secret-body", store.webhook_token, "pbkdf2"):
        assert secret not in shown


def test_a_member_who_is_no_staff_stays_out(client: Client, alice: User) -> None:
    client.force_login(alice)

    answer = client.get("/admin/")

    assert (answer.status_code, answer["Location"]) == (302, "/admin/login/?next=/admin/")


def pages_of(staff: Client, model: type[Model]) -> list[Any]:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    return [
        staff.get(reverse(f"{name}_changelist")),
        *(staff.get(reverse(f"{name}_change", args=[row.pk])) for row in model.objects.all()),
    ]
