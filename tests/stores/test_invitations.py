"""An agency's link: the merchant types where the shop is and approves there, and the shop joins."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from django.test import Client
from django.utils import timezone

from sandbox.shopify_admin import ShopifyAdmin
from sandbox.woocommerce_store import WooCommerceShop
from stores.models import Invitation, Membership, ShopifyInstallation, Store, Workspace
from tests import factories
from tests.stores.shopify.conftest import shopify
from tests.stores.test_woocommerce_connect import approve

__all__ = ["shopify"]  # the stand-in for Shopify, with lyon.myshopify.com

pytestmark = pytest.mark.django_db(transaction=True)
SITE = "https://connector.example"
LYON = "lyon.myshopify.com"


@pytest.fixture
def agency(settings: Any, transactional_db: None) -> Workspace:
    settings.APP_URL = "http://testserver"
    return factories.a_workspace("agency", name="North Agency")


@pytest.fixture
def alice(agency: Workspace) -> Client:
    """Who works at the agency, at her browser."""
    client = Client()
    client.force_login(factories.a_member(agency, role="operator"))
    return client


@pytest.fixture
def merchant() -> Client:
    """A browser without an account here."""
    return Client()


def invited(alice: Client, agency: Workspace, whom: str = "Boutique Lyon") -> str:
    """Alice makes a link; its path."""
    answer = alice.post("/invitations/", {"whom": whom, "workspace": agency.pk})
    (link,) = re.findall(r'id="link">([^<]+)<', answer.content.decode())
    return urlsplit(link).path


def agree(merchant: Client, path: str, shop: str = LYON) -> Any:
    """Type the shop, agree on Shopify's page, and come back."""
    begun = merchant.post(path, {"shop": shop})
    assert begun.status_code == 302, begun.content.decode()
    page = requests.get(begun["Location"], timeout=10)
    (link,) = re.findall(r'href="([^"]+)"', page.text)
    query = dict(parse_qsl(urlsplit(link.replace("&amp;", "&")).query))
    return merchant.get("/shopify/callback", query)


class TestAShopifyMerchant:
    @pytest.fixture(autouse=True)
    def here(self, shopify: ShopifyAdmin, settings: Any) -> None:
        settings.SHOPIFY_SCOPES = "read_orders"
        shopify.world.app_url = "http://testserver/shopify"

    def test_who_agrees_joins_the_agencys_workspace_without_an_account(
        self, alice: Client, agency: Workspace, merchant: Client
    ) -> None:
        path = invited(alice, agency)

        asked = merchant.get(path).content.decode()
        answer = agree(merchant, path)

        store = Store.objects.get()
        assert "North Agency invites Boutique Lyon" in asked
        assert (store.workspace, store.domain) == (agency, LYON)
        assert "Boutique Lyon is connected to North Agency" not in asked
        assert "is connected to North Agency" in answer.content.decode()
        assert ShopifyInstallation.objects.get().made_workspace is False
        assert Invitation.objects.get().store == store
        assert "Joined:" in alice.get("/invitations/").content.decode()

    def test_a_link_is_good_for_one_shop(
        self, alice: Client, agency: Workspace, merchant: Client, shopify: ShopifyAdmin
    ) -> None:
        path = invited(alice, agency)
        agree(merchant, path)

        assert merchant.get(path).status_code == 404
        assert merchant.post(path, {"shop": LYON}).status_code == 404

    def test_of_two_who_are_asked_by_one_link_the_second_comes_too_late(
        self, alice: Client, agency: Workspace, merchant: Client, shopify: ShopifyAdmin
    ) -> None:
        shopify.shop("paris.myshopify.com")
        path, late = invited(alice, agency), Client()
        begun = late.post(path, {"shop": "paris.myshopify.com"})
        agree(merchant, path)
        page = requests.get(begun["Location"], timeout=10)
        (link,) = re.findall(r'href="([^"]+)"', page.text)

        answer = late.get(
            "/shopify/callback", dict(parse_qsl(urlsplit(link.replace("&amp;", "&")).query))
        )

        assert answer.status_code == 410
        assert [store.domain for store in Store.objects.all()] == [LYON]

    def test_a_shop_that_does_not_answer_leaves_the_link_open(
        self, alice: Client, agency: Workspace, merchant: Client, shopify: ShopifyAdmin
    ) -> None:
        path = invited(alice, agency)
        shopify.fault("token", status=500, times=9)

        answer = agree(merchant, path)

        assert answer.status_code == 503
        assert merchant.get(path).status_code == 200

    def test_a_shop_of_another_workspace_is_not_taken_from_it(
        self, alice: Client, agency: Workspace, merchant: Client
    ) -> None:
        theirs = factories.a_store(factories.a_workspace("elsewhere"), key="lyon")

        answer = agree(merchant, invited(alice, agency))

        theirs.refresh_from_db()
        assert (answer.status_code, theirs.workspace.slug) == (409, "elsewhere")
        assert not agency.stores.exists()

    def test_the_answer_of_another_browser_joins_nothing(
        self, alice: Client, agency: Workspace, merchant: Client
    ) -> None:
        begun = merchant.post(invited(alice, agency), {"shop": LYON})
        page = requests.get(begun["Location"], timeout=10)
        (link,) = re.findall(r'href="([^"]+)"', page.text)
        query = dict(parse_qsl(urlsplit(link.replace("&amp;", "&")).query))

        answer = Client().get("/shopify/callback", query)

        assert answer.status_code == 302
        assert answer["Location"].startswith("/login/")
        assert not Store.objects.exists()

    def test_shopify_that_is_not_set_up_is_named(
        self, alice: Client, agency: Workspace, merchant: Client, settings: Any
    ) -> None:
        settings.SHOPIFY_API_KEY = ""

        answer = merchant.post(invited(alice, agency), {"shop": LYON})

        assert answer.status_code == 422
        assert "Shopify is not set up here" in answer.content.decode()


class TestAWooCommerceMerchant:
    @pytest.fixture(autouse=True)
    def here(self, shop: WooCommerceShop, live_server: Any, settings: Any, agency: Any) -> None:
        settings.APP_URL = SITE
        shop.shop.routes[SITE] = live_server.url

    def test_who_approves_joins_the_agencys_workspace_without_an_account(
        self, alice: Client, agency: Workspace, merchant: Client, shop: WooCommerceShop
    ) -> None:
        begun = merchant.post(invited(alice, agency, "Kitchen"), {"shop": shop.url})

        answer = merchant.get(approve(shop, begun["Location"]))

        store = Store.objects.get()
        assert "is connected to North Agency" in answer.content.decode()
        assert (store.workspace, store.url) == (agency, shop.url)
        assert set(shop.webhooks.values()) == {"active"}
        assert Invitation.objects.get().store == store

    def test_another_browser_does_not_come_back_for_it(
        self, alice: Client, agency: Workspace, merchant: Client, shop: WooCommerceShop
    ) -> None:
        begun = merchant.post(invited(alice, agency, "Kitchen"), {"shop": shop.url})
        back = approve(shop, begun["Location"])

        assert Client().get(back)["Location"].startswith("/login/")
        assert alice.get(back).status_code == 404
        assert not Store.objects.exists()

    def test_a_wrong_address_is_named_and_the_link_stays_open(
        self, alice: Client, agency: Workspace, merchant: Client
    ) -> None:
        path = invited(alice, agency)

        answer = merchant.post(path, {"shop": "http://user:secret@shop.example"})

        assert answer.status_code == 422
        assert "This address" in answer.content.decode()
        assert merchant.get(path).status_code == 200


def test_a_link_ends_after_two_weeks(alice: Client, agency: Workspace, merchant: Client) -> None:
    path = invited(alice, agency)
    Invitation.objects.update(created_at=timezone.now() - timedelta(days=14, seconds=1))

    assert merchant.get(path).status_code == 404
    assert "Ran out unused" in alice.get("/invitations/").content.decode()


def test_a_link_that_was_taken_back_leads_nowhere(
    alice: Client, agency: Workspace, merchant: Client
) -> None:
    path = invited(alice, agency)
    alice.post(f"/invitations/{Invitation.objects.get().pk}/revocation")

    assert merchant.get(path).status_code == 404


def test_a_link_cannot_be_read_from_the_database_or_the_list(
    alice: Client, agency: Workspace
) -> None:
    token = invited(alice, agency).split("/")[2]

    assert token not in str(list(Invitation.objects.values()))
    assert token not in alice.get("/invitations/").content.decode()


@pytest.mark.parametrize("role", ["analyst", "client"])
def test_who_may_not_change_anything_invites_nobody(
    alice: Client, agency: Workspace, role: str
) -> None:
    Membership.objects.update(role=role)

    assert alice.get("/invitations/").status_code == 403


def test_nobody_invites_into_a_strangers_workspace(alice: Client, agency: Workspace) -> None:
    theirs = factories.a_workspace("elsewhere")

    answer = alice.post("/invitations/", {"whom": "x", "workspace": theirs.pk})

    assert answer.status_code == 422
    assert not Invitation.objects.exists()


def test_a_strangers_invitation_is_not_there(alice: Client, agency: Workspace) -> None:
    invited(alice, agency, "Kitchen")
    stranger = Client()
    stranger.force_login(factories.a_member(factories.a_workspace("elsewhere"), "charlie"))

    answer = stranger.post(f"/invitations/{Invitation.objects.get().pk}/revocation")

    assert answer.status_code == 404
    assert Invitation.objects.exists()
    assert "Kitchen" not in stranger.get("/invitations/").content.decode()


def test_two_hundred_shops_are_invited_at_once_by_a_file_of_links(client: Client, db: None) -> None:
    workspace = factories.a_workspace("agency")
    client.force_login(factories.a_member(workspace))
    lines = "\n".join(f"Shop {number}" for number in range(199)) + "\n\n=cmd()\n"
    given = {"many-workspace": workspace.pk, "many-many": lines}

    answer = client.post("/invitations/many", given)
    too_many = client.post("/invitations/many", given | {"many-many": "x\n" * 501})

    heading, *rows = answer.content.decode().splitlines()
    link = rows[0].split(",")[1]
    assert answer["Content-Type"].startswith("text/csv")
    assert heading == "Shop or person,Link"
    assert rows[-1].startswith("'=cmd(),")
    assert "Shop 0" in Client().get(link[link.index("/join/") :]).content.decode()
    assert too_many.status_code == 422
    assert len(rows) == Invitation.objects.count() == 200
