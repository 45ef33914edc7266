"""Connecting a Shopify shop on screen: by its consent page, or by a token of an app of its own."""

from typing import Any

import pytest
from django.test import Client

from sandbox.shopify_admin import ShopifyAdmin
from shop_webhooks.readers import readable_stores
from stores.models import Membership, ShopifyInstallation, Store, Workspace
from stores.shopify.forms import typed_domain
from tests import factories
from tests.stores.shopify.conftest import install

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/connect/shopify/"
LYON = "lyon.myshopify.com"


@pytest.fixture
def acme() -> Workspace:
    return factories.a_workspace()


@pytest.fixture
def alice(acme: Workspace, settings: Any) -> Client:
    settings.APP_URL, settings.SHOPIFY_SCOPES = "http://testserver", "read_orders"
    client = Client()
    client.force_login(factories.a_member(acme))
    return client


@pytest.fixture
def token(shopify: ShopifyAdmin) -> str:
    """Of an app that the merchant has made in the own shop: it does not end."""
    shopify.world.public = False
    shop = shopify.world.shops[LYON]
    shop.scopes = ["read_orders"]
    return shopify.world.give(shop, expiring=False).access_token


def paste(alice: Client, acme: Workspace, token: str, shop: str = LYON) -> Any:
    return alice.post(PAGE, {"shop": shop, "workspace": acme.pk, "access_token": token})


def test_without_a_token_the_shops_consent_page_comes_next(
    shopify: ShopifyAdmin, alice: Client, acme: Workspace
) -> None:
    answer = alice.post(PAGE, {"shop": "Lyon", "workspace": acme.pk})

    assert answer.status_code == 302
    assert answer["Location"].startswith(f"{shopify.url}/{LYON}/admin/oauth/authorize?")


def test_a_token_that_sees_the_orders_connects_the_shop(
    shopify: ShopifyAdmin, alice: Client, acme: Workspace, token: str
) -> None:
    answer = paste(alice, acme, token)

    store = Store.objects.get()
    assert answer["Location"] == f"/stores/{store.pk}/set-up/"
    assert (store.workspace, store.domain, store.by_hand) == (acme, LYON, True)
    assert (store.name, store.time_zone) == ("Boutique Lyon", "Europe/Paris")
    assert list(readable_stores("shopify")) == [store]
    assert store.access_token == token


def test_a_token_that_the_shop_does_not_take_changes_nothing(
    alice: Client, acme: Workspace, token: str
) -> None:
    paste(alice, acme, token)

    answer = paste(alice, acme, "shpat_" + "0" * 32)

    assert answer.status_code == 422
    assert "does not take this access token" in answer.content.decode()
    assert "shpat_" not in answer.content.decode()
    assert Store.objects.get().access_token == token


def test_a_token_without_the_right_to_read_orders_is_named(
    shopify: ShopifyAdmin, alice: Client, acme: Workspace, token: str
) -> None:
    shopify.world.shops[LYON].scopes = ["read_products"]

    answer = paste(alice, acme, token)

    assert answer.status_code == 422
    assert "read_orders" in answer.content.decode()
    assert not Store.objects.exists()


def test_a_shop_that_does_not_answer_is_named(
    shopify: ShopifyAdmin, alice: Client, acme: Workspace, token: str
) -> None:
    shopify.fault("graphql", status=502, times=9)

    answer = paste(alice, acme, token)

    assert answer.status_code == 422
    assert "does not answer" in answer.content.decode()
    assert not Store.objects.exists()


def test_where_the_app_is_installed_no_token_is_needed(
    shopify: ShopifyAdmin, alice: Client, acme: Workspace
) -> None:
    store = factories.a_store(acme, key="lyon")
    install(shopify, store)
    kept = ShopifyInstallation.objects.get().access_token

    answer = paste(alice, acme, str(kept))

    assert answer.status_code == 422
    assert "no token is needed" in answer.content.decode()
    assert Store.objects.get().access_token == ""


def test_a_shop_of_another_workspace_is_not_taken_from_it(
    alice: Client, acme: Workspace, token: str
) -> None:
    factories.a_store(factories.a_workspace("elsewhere"), key="lyon")

    answer = paste(alice, acme, token)

    assert answer.status_code == 409
    assert not acme.stores.exists()


def test_a_store_that_was_disconnected_comes_back_with_its_ledger(
    alice: Client, acme: Workspace, token: str
) -> None:
    store = factories.a_store(acme, key="lyon", connected=False)

    paste(alice, acme, token)

    store.refresh_from_db()
    assert Store.objects.count() == 1
    assert store.connected


def test_without_an_app_the_page_asks_for_a_token(
    alice: Client, acme: Workspace, settings: Any
) -> None:
    settings.SHOPIFY_API_KEY = ""

    answer = paste(alice, acme, "")

    assert answer.status_code == 422
    assert "No Shopify app is set up here" in answer.content.decode()


def test_who_may_not_change_anything_connects_nothing(alice: Client, acme: Workspace) -> None:
    Membership.objects.update(role="analyst")

    assert alice.get(PAGE).status_code == 403


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("lyon", LYON),
        ("lyon.myshopify.com", LYON),
        (" https://Lyon.myshopify.com/admin ", LYON),
        ("https://admin.shopify.com/store/lyon/orders", LYON),
        ("boutique-lyon.com", None),
        ("lyon.myshopify.com.evil.example", None),
        ("lyon.myshopify.com@evil.example", None),
        ("", None),
        ("ly on", None),
    ],
)
def test_a_name_is_known_however_it_was_copied(typed: str, domain: str | None) -> None:
    assert typed_domain(typed) == domain
