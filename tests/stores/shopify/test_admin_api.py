"""Asking a shop's admin: bounded, patient, and with a name for each refusal."""

from typing import Any

import pytest
from django.utils import timezone

from sandbox.shopify_admin import ShopifyAdmin
from stores.models import ShopifyInstallation, Store
from stores.shopify import wire
from stores.shopify.admin_api import AccessDenied, AdminApi, Refused, Reply, TooExpensive
from stores.shopify.tokens import NoToken
from stores.shopify.wire import ShopSilent
from tests.factories import a_store, a_workspace

NAME = "query Name { shop { name } }"
MANY = "query Many { orders(first: 200) { nodes { id } } }"


def ask(store: Store, document: str = NAME, pauses: list[float] | None = None) -> Reply:
    noted = [] if pauses is None else pauses
    with AdminApi(store, now=timezone.now, sleep=noted.append) as shop:
        return shop.ask(document)


def test_a_document_is_answered(shopify: ShopifyAdmin, lyon: Store) -> None:
    assert ask(lyon).data == {"shop": {"name": "Boutique Lyon"}}


def test_several_documents_take_one_connection(shopify: ShopifyAdmin, lyon: Store) -> None:
    with AdminApi(lyon, now=timezone.now) as shop:
        first = shop.ask(NAME)
        connection = shop._wire._connection.sock
        second = shop.ask(NAME)

        assert first.data == second.data
        assert shop._wire._connection.sock is connection is not None


def test_a_token_that_is_refused_is_renewed_and_the_document_asked_again(
    shopify: ShopifyAdmin, lyon: Store
) -> None:
    shopify.fault("graphql", status=401)

    assert ask(lyon).data == {"shop": {"name": "Boutique Lyon"}}
    assert len(shopify.calls("token", "refresh_token")) == 1


def test_a_shop_that_refuses_every_token_needs_its_merchant(
    shopify: ShopifyAdmin, lyon: Store
) -> None:
    shopify.fault("graphql", status=403, times=None)

    with pytest.raises(NoToken, match="token_refused"):
        ask(lyon)

    assert ShopifyInstallation.objects.get().state == "needs_merchant"
    assert len(shopify.calls("graphql")) == 2


def test_a_pasted_token_serves_and_one_that_is_dead_says_so(
    shopify: ShopifyAdmin, transactional_db: None
) -> None:
    shopify.world.public = False  # an app of one shop's own
    grant = shopify.world.give(shopify.world.shops["lyon.myshopify.com"], expiring=False)
    store = a_store(a_workspace(), key="lyon", access_token=grant.access_token)

    assert ask(store).data == {"shop": {"name": "Boutique Lyon"}}
    store.access_token = "shpat_dead"
    with pytest.raises(NoToken, match="token_refused"):
        ask(store)


def test_points_that_are_lacking_are_waited_for(shopify: ShopifyAdmin, lyon: Store) -> None:
    shop = shopify.world.shops[lyon.domain]
    shop.bucket, shop.points, shop.restore = 300, 100, 100
    pauses: list[float] = []

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        shopify.pass_time(seconds)

    with AdminApi(lyon, now=timezone.now, sleep=wait) as api:
        assert api.ask(MANY).cost == 200

    assert [round(pause) for pause in pauses] == [1]


def test_the_pause_that_an_answer_asks_for_is_kept(shopify: ShopifyAdmin, lyon: Store) -> None:
    shopify.fault("graphql", status=429, headers={"Retry-After": "4.0"}, times=2)
    pauses: list[float] = []

    assert ask(lyon, pauses=pauses).data
    assert pauses == [4.0, 4.0]


def test_patience_has_an_end(shopify: ShopifyAdmin, lyon: Store) -> None:
    shopify.fault("graphql", status=429, headers={"Retry-After": "9"}, times=None)

    with pytest.raises(ShopSilent, match="throttled"):
        ask(lyon)


def test_what_may_not_be_seen_is_told_from_what_is_wrong(
    shopify: ShopifyAdmin, lyon: Store
) -> None:
    shopify.world.shops[lyon.domain].customer_data = "none"

    with pytest.raises(AccessDenied):
        ask(lyon, MANY)
    with pytest.raises(Refused, match="undefinedField"):
        ask(lyon, "{ shop { colour } }")
    with pytest.raises(TooExpensive):
        ask(lyon, "{ orders(first: 250) { nodes { lineItems(first: 50) { nodes { id } } } } }")


def test_a_reply_of_which_parts_were_held_back_says_so(shopify: ShopifyAdmin, lyon: Store) -> None:
    shopify.world.shops[lyon.domain].customer_data = "level1"

    assert ask(lyon, MANY).denied
    assert not ask(lyon).denied


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"status": 502, "body": "<html>"}, "http_502"),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, "http_302"),
        ({"status": 200, "body": "<html>"}, "unreadable_answer"),
        ({"status": 200, "body": [1]}, "unreadable_answer"),
        ({"kind": "reset"}, "network_"),
        ({"kind": "hang", "seconds": 0}, "network_"),
        ({"kind": "huge"}, "answer_too_large"),
    ],
)
def test_no_answer_that_can_be_used_is_silence(
    shopify: ShopifyAdmin, lyon: Store, fault: dict[str, Any], reason: str
) -> None:
    shopify.fault("graphql", **fault)

    with pytest.raises(ShopSilent, match=reason):
        ask(lyon)


def test_an_answer_that_drips_is_ended(
    shopify: ShopifyAdmin, lyon: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "DEADLINE_SECONDS", 0.5)
    shopify.fault("graphql", "drip", seconds=0.05)

    with pytest.raises(ShopSilent, match=r"network_|answer_cut_short"):
        ask(lyon)
