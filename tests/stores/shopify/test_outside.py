"""Installing from outside the admin: by the merchant's consent, and by nobody else's."""

import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from sandbox.shopify_admin import ShopifyAdmin
from stores.models import Membership, ShopifyInstallation, Store
from stores.secrets import CannotOpen, store_ring
from stores.shopify import installing
from stores.shopify.views import authorize_url
from tests.factories import a_member, a_store, a_workspace

LYON = "lyon.myshopify.com"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice(shopify: ShopifyAdmin, settings: Any) -> Client:
    """Alice at her browser, with a workspace that she owns."""
    settings.APP_URL = "http://testserver"
    settings.SHOPIFY_SCOPES = "read_orders"
    shopify.world.app_url = "http://testserver/shopify"
    client = Client()
    client.force_login(a_member(a_workspace("acme")))
    return client


def agree(client: Client, shop: str = LYON) -> dict[str, str]:
    """Begin, agree on the shop's page; the query that it sends the browser back with."""
    begun = client.get("/shopify/install", {"shop": shop})
    page = requests.get(begun["Location"], timeout=10)
    found = re.search(r'href="([^"]+)"', page.text)
    assert found, page.text
    return dict(parse_qsl(urlsplit(found[1].replace("&amp;", "&")).query))


def come_back(client: Client, query: dict[str, str]) -> HttpResponse:
    return client.get("/shopify/callback", query)


def test_a_shop_whose_merchant_agrees_joins_the_workspace(
    shopify: ShopifyAdmin, alice: Client
) -> None:
    answer = come_back(alice, agree(alice))

    store = Store.objects.get()
    assert answer["Location"] == "/"
    assert (store.workspace.slug, store.domain, store.time_zone) == ("acme", LYON, "Europe/Paris")
    assert ShopifyInstallation.objects.get().refresh_token_until is not None
    assert "lyon.myshopify.com is connected." in alice.get("/").content.decode()


def test_who_owns_no_workspace_gets_one(shopify: ShopifyAdmin, alice: Client) -> None:
    Membership.objects.update(role="client")

    come_back(alice, agree(alice))

    assert Store.objects.get().workspace.slug == "lyon"
    assert Membership.objects.filter(workspace__slug="lyon", role="owner").count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "another"},
        {"hmac": "0" * 64},
        {"shop": "paris.myshopify.com"},
        {"code": "another"},
        {"timestamp": "1700000000"},
        {"extra": "1"},
    ],
)
def test_an_answer_that_was_changed_on_the_way_connects_nothing(
    shopify: ShopifyAdmin, alice: Client, changes: dict[str, str]
) -> None:
    answer = come_back(alice, agree(alice) | changes)

    assert answer.status_code == 400
    assert shopify.calls("token") == []


def test_an_answer_to_another_browsers_question_connects_nothing(
    shopify: ShopifyAdmin, alice: Client
) -> None:
    query = agree(alice)
    del alice.cookies["shopify_state"]

    assert come_back(alice, query).status_code == 400


def test_a_state_is_good_for_the_shop_it_was_made_for(shopify: ShopifyAdmin, alice: Client) -> None:
    shopify.shop("paris.myshopify.com")
    paris = agree(alice, "paris.myshopify.com")
    agree(alice)

    assert come_back(alice, paris).status_code == 400


def test_a_code_is_good_once(shopify: ShopifyAdmin, alice: Client) -> None:
    query, kept = agree(alice), alice.cookies["shopify_state"].value
    come_back(alice, query)
    alice.cookies["shopify_state"] = kept

    assert come_back(alice, query).status_code == 503
    assert ShopifyInstallation.objects.get().state == "active"


def test_a_shop_of_another_workspace_is_not_taken_from_it(
    shopify: ShopifyAdmin, alice: Client
) -> None:
    theirs = a_store(a_workspace("elsewhere"), key="lyon")

    answer = come_back(alice, agree(alice))

    assert answer.status_code == 409
    assert Store.objects.get() == theirs
    assert shopify.calls("token") == []


@pytest.mark.case("A10")
def test_a_shop_that_changes_its_agency_leaves_nothing_of_the_old_ones_to_the_new(
    shopify: ShopifyAdmin, alice: Client
) -> None:
    """And the other way round: each has a store with a key of its own, and sees no other."""
    bob = Client()
    bob.force_login(a_member(a_workspace("elsewhere"), "bob"))
    come_back(bob, agree(bob))
    old = Store.objects.get()
    installing.uninstall(LYON, triggered_at=None, now=timezone.now())

    come_back(alice, agree(alice))

    new = Store.objects.get(connected=True)
    assert (new.workspace.slug, new.domain) == ("acme", LYON)
    for client, statuses in ((alice, (404, 200)), (bob, (200, 404))):
        pages = [client.get(f"/stores/{store.pk}/").status_code for store in (old, new)]
        assert tuple(pages) == statuses
    assert ShopifyInstallation.objects.get(store=old).access_token == ""
    of_old, of_new = (store_ring(bytes(store.sealed_key)) for store in (old, new))
    with pytest.raises(CannotOpen):
        of_new.open(of_old.seal(b"a body", purpose="delivery"), purpose="delivery")


@pytest.mark.parametrize("shop", ["", "evil.example", "lyon.myshopify.com.evil.example"])
def test_what_is_no_shop_is_asked_for_nothing(alice: Client, shop: str) -> None:
    assert alice.get("/shopify/install", {"shop": shop}).status_code == 400


@pytest.mark.parametrize("path", ["/shopify/install", "/shopify/callback"])
def test_nobody_installs_without_a_login(client: Client, path: str) -> None:
    assert client.get(path)["Location"].startswith("/login/")


def test_the_consent_page_is_asked_for_an_offline_token(settings: Any) -> None:
    settings.SHOPIFY_API_KEY, settings.SHOPIFY_SCOPES = "test_key", "test_scope"
    settings.SHOPIFY_ADMIN_URL, settings.APP_URL = "https://{shop}", "https://connector.example"

    url = urlsplit(authorize_url(LYON, "nonce"))

    assert (url.netloc, url.path) == (LYON, "/admin/oauth/authorize")
    assert "grant_options%5B%5D=" in url.query
    assert parse_qs(url.query, keep_blank_values=True) == {
        "client_id": ["test_key"],
        "scope": ["test_scope"],
        "redirect_uri": ["https://connector.example/shopify/callback"],
        "state": ["nonce"],
        "grant_options[]": [""],
    }


def test_the_template_of_the_app_names_what_we_need() -> None:
    path = Path(__file__).parents[3] / "examples/shopify.app.toml"

    app = tomllib.loads(path.read_text())

    subscriptions = app["webhooks"]["subscriptions"]
    topics = {topic for each in subscriptions for topic in each.get("topics", ())}
    compliance = {topic for each in subscriptions for topic in each.get("compliance_topics", ())}
    assert topics >= {"orders/create", "orders/paid", "app/uninstalled", "app/scopes_update"}
    assert compliance == {"customers/data_request", "customers/redact", "shop/redact"}
    assert {urlsplit(each["uri"]).path for each in subscriptions} == {"/webhooks/shopify/"}
    assert urlsplit(app["application_url"]).path == "/shopify/"
