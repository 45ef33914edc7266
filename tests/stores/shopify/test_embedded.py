"""The screens inside Shopify's admin: who comes in, who may frame them, and that no cookie is needed."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from sandbox.shopify.admin_page import app_query
from sandbox.shopify_admin import ShopifyAdmin
from stores.models import ShopifyInstallation, Store, User
from stores.shopify.embedded import read_target
from tests.factories import a_mapping, a_member, a_pixel, a_store, a_workspace, an_event
from tests.stores.shopify.conftest import install

LYON = "lyon.myshopify.com"
pytestmark = pytest.mark.django_db(transaction=True)


def open_page(
    shopify: ShopifyAdmin, path: str = "/shopify/", shop: str = LYON, **claims: Any
) -> HttpResponse:
    """As App Bridge opens a page of the app: with a fresh token in its address."""
    return Client().get(path, {"id_token": shopify.session_token(shop, **claims)})


def fetch(shopify: ShopifyAdmin, path: str, body: Any = None, shop: str = LYON) -> HttpResponse:
    token = shopify.session_token(shop)
    return Client(enforce_csrf_checks=True).post(
        path, body or {}, headers={"Authorization": f"Bearer {token}"}
    )


def embedded_pages(store: Store) -> Iterator[str]:
    for name, kwargs in {
        "stores": {},
        "doubt": {},
        "ledger": {"store_id": store.pk},
        "deliveries": {"store_id": store.pk},
        "order": {"store_id": store.pk, "order_id": "1042"},
    }.items():
        yield reverse(f"dashboard:{name}", kwargs=kwargs, current_app="shopify")


# Coming in


def test_the_first_open_makes_the_workspace_the_store_and_the_person(shopify: ShopifyAdmin) -> None:
    query = app_query(shopify.world, shopify.world.shops[LYON])

    answer = Client().get("/shopify/", query)

    store, user = Store.objects.get(), User.objects.get()
    installation = ShopifyInstallation.objects.get()
    assert answer.status_code == 200
    assert (store.workspace.slug, store.key, store.name) == ("lyon", "lyon", "Boutique Lyon")
    assert (store.domain, store.url) == (LYON, "https://lyon.example")
    assert store.time_zone == "Europe/Paris"
    assert (user.only_store, user.has_usable_password()) == (store, False)
    assert (installation.state, installation.generation) == ("active", 1)
    assert installation.scopes == "read_customer_events,read_orders,write_pixels"
    assert "Boutique Lyon" in answer.content.decode()


def test_the_second_open_asks_the_shop_for_nothing(shopify: ShopifyAdmin) -> None:
    open_page(shopify)
    asked = len(shopify.world.calls)

    answer = open_page(shopify)

    assert answer.status_code == 200
    assert len(shopify.world.calls) == asked
    assert User.objects.count() == Store.objects.count() == 1


def test_no_cookie_is_set_on_any_page(shopify: ShopifyAdmin) -> None:
    open_page(shopify)
    store = Store.objects.get()
    an_event(store, a_pixel(store.workspace), order_id="1042", state="in_doubt")

    answers = [open_page(shopify, path) for path in embedded_pages(store)]

    assert [answer.status_code for answer in answers] == [200] * 5
    assert [dict(answer.cookies) for answer in answers] == [{}] * 5


def test_every_link_stays_in_the_frame_and_carries_no_token(shopify: ShopifyAdmin) -> None:
    open_page(shopify)
    store = Store.objects.get()
    an_event(store, a_pixel(store.workspace), order_id="1042", state="in_doubt")

    for path in embedded_pages(store):
        page = open_page(shopify, path).content.decode()
        links = [part.split('"')[0] for part in page.split('href="')[1:]]
        own = [link for link in links if link.startswith("/") and not link.startswith("/static/")]
        assert own
        assert [link for link in own if not link.startswith("/shopify/")] == []
        assert "id_token" not in page


def test_a_shop_whose_tokens_died_is_well_again_when_it_is_opened(
    shopify: ShopifyAdmin, lyon: Store
) -> None:
    ShopifyInstallation.objects.update(state="needs_merchant", reason="token_refused")

    assert open_page(shopify).status_code == 200

    row = ShopifyInstallation.objects.get()
    assert (row.state, row.reason, row.generation) == ("active", "", 1)


def test_a_shop_that_was_uninstalled_gets_its_store_back(
    shopify: ShopifyAdmin, lyon: Store
) -> None:
    ShopifyInstallation.objects.update(state="uninstalled")
    Store.objects.update(connected=False)

    open_page(shopify)

    row = ShopifyInstallation.objects.get()
    assert (row.store_id, row.state, row.generation) == (lyon.pk, "active", 2)
    assert Store.objects.get().connected


# Without a token


def test_a_page_without_a_token_goes_by_way_of_the_bounce_page(shopify: ShopifyAdmin) -> None:
    answer = Client().get("/shopify/in-doubt/", {"state": "x", "hmac": "1", "shop": LYON})

    place = urlsplit(answer["Location"])
    assert (answer.status_code, place.path) == (302, "/shopify/bounce")
    assert parse_qs(place.query) == {
        "shop": [LYON],
        "shopify-reload": ["/shopify/in-doubt/?state=x&bounced=1"],
    }


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_fetch_with_a_stale_token_is_told_to_ask_once_more(
    shopify: ShopifyAdmin, method: str
) -> None:
    stale = shopify.session_token(LYON, exp=1_000)

    answer = getattr(Client(), method)(
        "/shopify/", headers={"Authorization": f"Bearer {stale}", "Sec-Fetch-Mode": "cors"}
    )

    assert answer.status_code == 401
    assert answer["X-Shopify-Retry-Invalid-Session-Request"] == "1"
    assert Store.objects.count() == 0


def test_a_token_in_the_address_opens_pages_and_presses_no_buttons(shopify: ShopifyAdmin) -> None:
    token = shopify.session_token(LYON)

    assert Client().post(f"/shopify/?id_token={token}").status_code == 401


def test_a_login_by_cookie_opens_nothing_in_the_frame(shopify: ShopifyAdmin) -> None:
    client = Client()
    client.force_login(a_member(a_workspace()))

    assert client.get("/shopify/")["Location"].startswith("/shopify/bounce?")


@pytest.mark.case("T23")
def test_an_address_that_names_another_shop_than_the_token_opens_nothing(
    shopify: ShopifyAdmin,
) -> None:
    token = shopify.session_token(LYON)
    address = "/shopify/?shop=paris.myshopify.com"

    page = Client().get(address, {"id_token": token, "shop": "paris.myshopify.com"})
    press = Client().post(address, headers={"Authorization": f"Bearer {token}"})

    assert (page.status_code, press.status_code) == (403, 403)
    assert "Two shops at once" in page.content.decode()
    assert press.json() == {"error": {"code": "shop_mismatch"}}
    assert Store.objects.count() == 0


def test_where_a_fresh_token_is_no_better_the_bouncing_ends(shopify: ShopifyAdmin) -> None:
    shopify.world.client_secret = "shpss_" + "z" * 32

    answer = open_page(shopify, "/shopify/?bounced=1")

    token = {"id_token": shopify.session_token(LYON), "bounced": "1"}
    answer = Client().get("/shopify/", token)
    assert answer.status_code == 503
    assert "SHOPIFY_API_SECRET" in answer.content.decode()


def test_a_shop_that_is_silent_is_said_to_be(shopify: ShopifyAdmin) -> None:
    shopify.fault("token", status=503)

    answer = open_page(shopify)

    assert answer.status_code == 503
    assert "open the app again in a minute" in answer.content.decode()
    assert Store.objects.count() == 0


def test_the_bounce_page_holds_app_bridge_and_leads_to_our_own_pages_only() -> None:
    ours = Client().get("/shopify/bounce", {"shopify-reload": "/shopify/in-doubt/?a=1"})
    theirs = Client().get("/shopify/bounce", {"shopify-reload": "https://evil.example/shopify/"})

    assert ours.status_code == 200
    assert "app-bridge.js" in ours.content.decode()
    assert theirs["Location"] == "/shopify/bounce?shopify-reload=%2Fshopify%2F"


@pytest.mark.parametrize(
    ("said", "target"),
    [
        ("/shopify/stores/1/?state=pending", "/shopify/stores/1/?state=pending"),
        ("", "/shopify/"),
        ("//evil.example/shopify/", "/shopify/"),
        ("/shopify//evil.example", "/shopify/"),
        ("/shopify/\\evil.example", "/shopify/"),
        ("javascript:alert(1)//shopify/", "/shopify/"),
        ("/shopify/bounce", "/shopify/"),
        ("/admin/", "/shopify/"),
        ("/shopify/\n", "/shopify/"),
    ],
)
def test_only_a_page_of_the_app_is_a_target(said: str, target: str) -> None:
    assert read_target(said) == target


# Frames


def policy(answer: HttpResponse) -> str:
    directives = answer["Content-Security-Policy"].split(";")
    (found,) = (each.strip() for each in directives if "frame-ancestors" in each)
    return found


def test_each_shop_is_framed_by_its_own_admin_alone(shopify: ShopifyAdmin, settings: Any) -> None:
    open_page(shopify)
    settings.SHOPIFY_ADMIN_URL = "https://{shop}"
    settings.SHOPIFY_APP_BRIDGE_URL = "https://cdn.shopify.com/shopifycloud/app-bridge.js"

    page, missing = open_page(shopify), open_page(shopify, "/shopify/stores/999999/")

    expected = "frame-ancestors https://lyon.myshopify.com https://admin.shopify.com"
    assert policy(page) == policy(missing) == expected
    assert missing.status_code == 404
    assert "X-Frame-Options" not in page
    assert "script-src 'self' https://cdn.shopify.com" in page["Content-Security-Policy"]
    assert "https://cdn.shopify.com/shopifycloud/app-bridge.js" in page["Link"]


def test_a_shop_that_nothing_proves_is_not_written_into_the_policy(settings: Any) -> None:
    settings.SHOPIFY_ADMIN_URL = "https://{shop}"
    reload = {"shopify-reload": "/shopify/"}

    named = Client().get("/shopify/bounce", reload | {"shop": LYON})
    odd = Client().get("/shopify/bounce", reload | {"shop": "evil.example; script-src *"})

    assert policy(named) == f"frame-ancestors https://{LYON} https://admin.shopify.com"
    assert policy(odd) == "frame-ancestors https://admin.shopify.com"


def test_outside_the_frame_nothing_may_be_framed(shopify: ShopifyAdmin) -> None:
    assert policy(Client().get("/login/")) == "frame-ancestors 'none'"
    assert Client().get("/login/")["X-Frame-Options"] == "DENY"


# Buttons


def test_a_button_is_pressed_by_token_and_says_where_to_go(shopify: ShopifyAdmin) -> None:
    open_page(shopify)
    store = Store.objects.get()
    pixel = a_pixel(store.workspace, name="Main", broken_reason="token_expired")
    a_mapping(store, pixel)

    answer = fetch(shopify, f"/shopify/pixels/{pixel.pk}/resumption")

    pixel.refresh_from_db()
    assert answer.json() == {"go": "/shopify/", "told": "We are trying dataset Main again."}
    assert pixel.broken_reason == ""
    assert dict(answer.cookies) == {}


# Tenants


def test_staff_see_their_own_store_and_no_other_of_the_workspace(shopify: ShopifyAdmin) -> None:
    agency = a_workspace("agency")
    a_member(agency, "alice")
    lyon, paris = a_store(agency, key="lyon"), a_store(agency, key="paris")
    install(shopify, lyon)
    ours, theirs = a_pixel(agency, broken_reason="x"), a_pixel(agency, broken_reason="x")
    a_mapping(lyon, ours)
    a_mapping(paris, theirs)
    doubt = an_event(paris, theirs, state="in_doubt")
    own_doubt = an_event(lyon, ours, state="in_doubt")

    page = open_page(shopify)

    assert [row.store for row in page.context["rows"]] == [lyon]
    assert page.context["broken_pixels"] == [ours]
    assert page.context["doubts"] == 1
    assert open_page(shopify, f"/shopify/stores/{paris.pk}/").status_code == 404
    # An agency's dataset is not the shop's to resume, nor its events theirs to settle.
    for path in (
        f"/shopify/pixels/{ours.pk}/resumption",
        f"/shopify/pixels/{theirs.pk}/resumption",
        f"/shopify/events/{doubt.pk}/settlement",
        f"/shopify/events/{own_doubt.pk}/settlement",
    ):
        assert fetch(shopify, path, {"verdict": "resend"}).status_code == 404


def test_an_owner_from_the_admin_stays_in_their_store_when_the_workspace_grows(
    shopify: ShopifyAdmin,
) -> None:
    open_page(shopify)
    store = Store.objects.get()
    second = a_store(store.workspace, key="second")
    pixel = a_pixel(store.workspace, broken_reason="x")
    a_mapping(second, pixel)
    doubt = an_event(second, pixel, state="in_doubt")

    assert fetch(shopify, f"/shopify/pixels/{pixel.pk}/resumption").status_code == 404
    settled = fetch(shopify, f"/shopify/events/{doubt.pk}/settlement", {"verdict": "resend"})
    assert settled.status_code == 404


def test_a_shop_never_sees_another_shops_store(shopify: ShopifyAdmin) -> None:
    shopify.shop("paris.myshopify.com")
    open_page(shopify)
    lyon = Store.objects.get()

    page = open_page(shopify, shop="paris.myshopify.com")

    assert [row.store.domain for row in page.context["rows"]] == ["paris.myshopify.com"]
    for path in embedded_pages(lyon):
        if str(lyon.pk) in path:
            assert open_page(shopify, path, shop="paris.myshopify.com").status_code == 404
