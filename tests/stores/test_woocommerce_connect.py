"""From a typed address to a connected store: by the shop's hand-over, or with a pasted key."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from sandbox.woocommerce_store import WooCommerceShop
from stores.models import KeyHandover, Store, User, Workspace
from stores.woocommerce.connect import forget_handovers
from stores.woocommerce.webhooks import TOPICS
from tests import factories

SITE = "https://connector.example"
CONNECT = "/woocommerce/connect/"
CALLBACK = "/woocommerce/connect/callback/"


@pytest.fixture
def workspace(shop: WooCommerceShop, live_server: Any, settings: Any) -> Workspace:
    """Acme; our site is known to the shop as connector.example, behind a proxy that ends TLS."""
    settings.APP_URL = SITE
    shop.shop.routes[SITE] = live_server.url
    return factories.a_workspace()


@pytest.fixture
def alice(workspace: Workspace) -> User:
    return factories.a_member(workspace)


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


def visit(url: str) -> tuple[int, str, str]:
    """A page of the shop, as its manager: status, where it leads, and what it says."""
    import ssl

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=context))
    request = urllib.request.Request(url, headers={"Cookie": "wordpress_logged_in=manager"})
    try:
        with opener.open(request) as answer:
            return answer.status, "", answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location", ""), error.read().decode()


def begin(page: Client, shop: WooCommerceShop) -> str:
    """Type the address; returns where in the shop that leads."""
    workspace = Workspace.objects.get(slug="acme")
    answer = page.post(CONNECT, {"url": shop.url, "workspace": workspace.pk})
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def approve(shop: WooCommerceShop, url: str, *, link: str = "approve") -> str:
    """Press a link of the shop's page; returns the path that the browser comes back to."""
    _, _, question = visit(url)
    (found,) = re.findall(rf'id="{link}" href="([^"]+)"', question)
    target = found.replace("&amp;", "&")
    if target.startswith("/"):
        status, target, said = visit(shop.url + target)
        assert status == 302, said
    assert target.startswith(f"{SITE}/woocommerce/connect/")
    return target.removeprefix(SITE)


def state_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["user_id"][0]


def hand_over(state: str, **changes: Any) -> Any:
    """What anybody may post to the callback."""
    given = {
        "key_id": 1,
        "user_id": state,
        "consumer_key": "ck_1",
        "consumer_secret": "cs_1",
        "key_permissions": "read_write",
    }
    return Client().post(CALLBACK, json.dumps(given | changes), content_type="application/json")


def test_an_approved_shop_becomes_a_store_whose_orders_come(
    page: Client, shop: WooCommerceShop, workspace: Workspace
) -> None:
    shop.change(name="Kitchen", time_zone="Europe/Lisbon")

    back = approve(shop, begin(page, shop))
    answer = page.get(back)

    store = Store.objects.get()
    assert answer["Location"] == f"/stores/{store.pk}/set-up/"
    assert (store.workspace, store.name, store.url) == (workspace, "Kitchen", shop.url)
    assert (store.time_zone, store.rest_auth, store.connected) == ("Europe/Lisbon", "basic", True)
    assert shop.webhooks == dict.fromkeys(TOPICS, "active")
    assert re.fullmatch(r"[A-Za-z0-9_-]{40,}", store.webhook_secret)
    # The unsigned ping of each was answered with exactly 200.
    assert not any(
        hook.sender.webhook(hook.topic).pending_delivery for hook in shop.shop.hooks.values()
    )
    handover = KeyHandover.objects.get()
    assert (handover.consumer_key, handover.consumer_secret) == ("", "")
    assert page.get(back)["Location"] == f"/stores/{store.pk}/set-up/"


def test_nothing_is_believed_before_the_key_works_at_the_typed_address(
    page: Client, shop: WooCommerceShop
) -> None:
    url = begin(page, shop)
    assert hand_over(state_of(url)).status_code == 200  # by a stranger, who has seen the state

    answer = page.get(f"{CONNECT}{KeyHandover.objects.get().pk}/?success=1")

    assert "The shop does not know the consumer key." in answer.content.decode()
    assert Store.objects.count() == 0


def test_a_failure_is_tried_again_at_the_press_of_a_button(
    page: Client, shop: WooCommerceShop
) -> None:
    back = approve(shop, begin(page, shop))
    shop.change(wall="challenge")
    assert "A firewall or a security plug-in turns us away." in page.get(back).content.decode()
    shop.change(wall="")

    assert page.get(back).status_code == 200  # looking does nothing
    assert page.post(back).status_code == 302

    assert Store.objects.count() == 1


def test_a_state_is_used_once(page: Client, shop: WooCommerceShop) -> None:
    state = state_of(begin(page, shop))

    answers = [hand_over(state).status_code for _ in range(2)]

    assert answers == [200, 404]


def test_a_state_ends_after_half_an_hour(page: Client, shop: WooCommerceShop) -> None:
    state = state_of(begin(page, shop))
    handover = KeyHandover.objects.get()
    handover.created_at -= timedelta(minutes=31)
    handover.save()

    assert hand_over(state).status_code == 404
    assert "The half hour for this is over" in page.get(f"{CONNECT}{handover.pk}/").content.decode()


def test_a_key_that_nobody_came_back_for_is_erased(page: Client, shop: WooCommerceShop) -> None:
    hand_over(state_of(begin(page, shop)))
    handover = KeyHandover.objects.get()

    forget_handovers(now=handover.created_at + timedelta(hours=23))
    assert KeyHandover.objects.get().consumer_secret == "cs_1"
    forget_handovers(now=handover.created_at + timedelta(hours=25))

    assert KeyHandover.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"user_id": 1}', 400),
        (b'{"user_id":"a","consumer_key":"","consumer_secret":"b"}', 400),
        (b'{"user_id":"a","consumer_key":"' + b"c" * 61 + b'","consumer_secret":"b"}', 400),
        (b'{"user_id":"a","consumer_key":"c","consumer_secret":"b"}', 404),
        (b"\xff" * 100, 400),
        (b"[" * 16_000, 400),
    ],
)
def test_what_nobody_asked_for_is_not_answered_with_200(
    db: None, client: Client, body: bytes, status: int
) -> None:
    answer = client.post(CALLBACK, body, content_type="application/json;charset=UTF-8")

    assert answer.status_code == status


def test_the_callback_answers_200_in_both_spellings(page: Client, shop: WooCommerceShop) -> None:
    state = state_of(begin(page, shop))
    given = {"user_id": state, "consumer_key": "ck_1", "consumer_secret": "cs_1"}

    answer = Client(enforce_csrf_checks=True).post(
        CALLBACK.rstrip("/"), json.dumps(given), content_type="application/json"
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("who", ["another session", "a colleague"])
def test_only_the_session_that_began_may_finish(
    page: Client, shop: WooCommerceShop, workspace: Workspace, alice: User, who: str
) -> None:
    back = approve(shop, begin(page, shop))
    other = Client()
    other.force_login(alice if who == "another session" else factories.a_member(workspace, "bob"))

    assert other.get(back).status_code == 404
    assert Store.objects.count() == 0


def test_a_denied_hand_over_connects_nothing(page: Client, shop: WooCommerceShop) -> None:
    back = approve(shop, begin(page, shop), link="deny")

    assert "The shop did not approve" in page.get(back).content.decode()
    assert (Store.objects.count(), shop.shop.keys) == (0, [])


def test_success_in_the_address_proves_nothing(page: Client, shop: WooCommerceShop) -> None:
    begin(page, shop)

    answer = page.get(f"{CONNECT}{KeyHandover.objects.get().pk}/?success=1")

    assert "Waiting for the shop" in answer.content.decode()
    assert Store.objects.count() == 0


def paste(page: Client, shop: WooCommerceShop, key: Any) -> Any:
    return page.post(
        CONNECT,
        {
            "url": shop.url,
            "workspace": Workspace.objects.get(slug="acme").pk,
            "consumer_key": key.consumer_key,
            "consumer_secret": key.consumer_secret,
        },
    )


def test_a_pasted_key_connects_at_once(page: Client, shop: WooCommerceShop) -> None:
    answer = paste(page, shop, shop.key())

    assert answer["Location"] == f"/stores/{Store.objects.get().pk}/set-up/"
    assert shop.webhooks == dict.fromkeys(TOPICS, "active")


def test_a_key_that_may_only_read_leaves_nothing_behind(
    page: Client, shop: WooCommerceShop
) -> None:
    answer = paste(page, shop, shop.key("read"))

    assert answer.status_code == 422
    assert "Give the key the permission Read/Write." in answer.content.decode()
    assert (Store.objects.count(), shop.webhooks) == (0, {})


def test_connecting_again_keeps_the_store_and_its_webhooks(
    page: Client, shop: WooCommerceShop
) -> None:
    paste(page, shop, shop.key())
    store, hooks = Store.objects.get(), set(shop.shop.hooks)
    new = shop.key()

    paste(page, shop, new)

    again = Store.objects.get()
    assert (again.pk, again.webhook_token) == (store.pk, store.webhook_token)
    assert again.webhook_secret == store.webhook_secret
    assert again.consumer_key == new.consumer_key
    assert set(shop.shop.hooks) == hooks


def test_a_key_is_never_shown_again(page: Client, shop: WooCommerceShop) -> None:
    key = shop.key("read")

    assert key.consumer_secret not in paste(page, shop, key).content.decode()


@pytest.mark.parametrize(
    ("traits", "said"),
    [
        ({"plain_permalinks": True}, "In WordPress, open Settings → Permalinks"),
        ({"wall": "login"}, "Take away what stands before /wp-json/"),
        ({"woocommerce": False}, "see that WooCommerce is"),
        (
            {"redirects_to": "https://www.kitchen.example"},
            "Type the address that the browser shows",
        ),
    ],
)
def test_what_is_in_the_way_is_said_with_its_fix_before_anybody_is_sent_there(
    page: Client, shop: WooCommerceShop, workspace: Workspace, traits: dict[str, Any], said: str
) -> None:
    shop.change(**traits)

    answer = page.post(CONNECT, {"url": shop.url, "workspace": workspace.pk})

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert KeyHandover.objects.count() == 0


@pytest.mark.parametrize(
    "url", ["http://kitchen.example", "https://10.0.0.1", "https://a b", "127.1"]
)
def test_an_address_that_is_no_shops_is_refused_by_the_form(
    page: Client, workspace: Workspace, settings: Any, url: str
) -> None:
    settings.WOOCOMMERCE_ALLOW_PRIVATE = False

    answer = page.post(CONNECT, {"url": url, "workspace": workspace.pk})

    assert answer.status_code == 422
    assert "This address " in answer.content.decode()


@pytest.mark.parametrize("role", ["analyst", "client"])
def test_who_may_only_look_connects_nothing(
    client: Client, workspace: Workspace, role: str
) -> None:
    client.force_login(factories.a_member(workspace, "dora", role=role))

    assert client.get(CONNECT).status_code == 403
    assert client.post(CONNECT, {"url": "https://a.example"}).status_code == 403


def test_nobody_connects_to_a_workspace_of_others(
    page: Client, shop: WooCommerceShop, workspace: Workspace
) -> None:
    elsewhere = factories.a_workspace("elsewhere")

    answer = page.post(CONNECT, {"url": shop.url, "workspace": elsewhere.pk})

    assert answer.status_code == 422
    assert KeyHandover.objects.count() == 0


@pytest.fixture(autouse=True)
def no_doors_of_other_tests() -> Iterator[None]:
    from shop_webhooks.doors import forget_doors

    forget_doors()
    yield
    forget_doors()
