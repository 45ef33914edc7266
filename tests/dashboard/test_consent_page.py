"""What is asked of buyers, on screen: said in words, tried on the last orders, saved."""

import json
from types import SimpleNamespace

import pytest
from django.test import Client

from stores.models import Store
from tests import factories
from tests.dashboard.reading import texts
from tests.pipeline import a_kept_order, an_order, read_all


def address(store: Store) -> str:
    return f"/stores/{store.pk}/consent/"


def test_a_policy_is_saved_as_the_fleet_file_says_it(page: Client, store: Store) -> None:
    answer = page.post(address(store), {"policy": "required", "regions": "eea, GB gb"})

    store.refresh_from_db()
    assert answer["Location"] == f"/stores/{store.pk}/privacy/"
    assert store.consent == {
        "policy": "required",
        "regions": ["EEA", "GB"],
        "evidence": "order_meta",
    }
    said = page.get(f"/stores/{store.pk}/mappings/").content.decode()
    assert "Not without the buyer&#x27;s yes – in EEA, GB." in said


def test_no_policy_leaves_nothing_behind(page: Client, store: Store) -> None:
    page.post(address(store), {"policy": "required", "regions": ""})

    page.post(address(store), {"policy": "", "regions": "EEA"})

    store.refresh_from_db()
    assert store.consent == {}
    assert "Consent is not asked for." in page.get(f"/stores/{store.pk}/mappings/").content.decode()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"policy": "required", "regions": "Europe"}, "must be EEA, a country (GB) or a state"),
        ({"policy": "always"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_meant_is_named_and_not_saved(
    page: Client, store: Store, given: dict[str, str], problem: str
) -> None:
    answer = page.post(address(store), given)

    store.refresh_from_db()
    assert answer.status_code == 422
    assert problem in " ".join(texts(answer, "p", "error"))
    assert store.consent == {}


def test_it_is_tried_on_the_last_orders_before_it_is_saved(
    owner: Client, acme: SimpleNamespace
) -> None:
    for number, country in ((1001, "FR"), (1002, "US")):
        body = json.loads(an_order(number)) | {"billing_address": {"country_code": country}}
        a_kept_order(acme.lyon, json.dumps(body).encode())
    read_all()

    answer = owner.post(address(acme.lyon), {"policy": "required", "regions": "EEA", "try": "1"})

    acme.lyon.refresh_from_db()
    (change,) = answer.context["difference"].changes
    assert (change.reported_before, change.reported_after, change.lost) == (2, 1, 1)
    assert [(each.order_name, each.after) for each in change.samples] == [("#1001", "consent")]
    assert acme.lyon.consent == {}


def test_who_may_only_read_cannot_change_it(client: Client, acme: SimpleNamespace) -> None:
    client.force_login(factories.a_member(acme.workspace, "reader", role="client"))

    assert client.get(address(acme.lyon)).status_code == 404
    assert client.post(address(acme.lyon), {"policy": ""}).status_code == 404
