"""A store's connection: what the page and the doctor say of its key or app, webhooks and sweep."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions.models import ConversionEvent
from dashboard.findings import FAILURE, FINE, WARNING
from dashboard.shop_findings import shop_findings
from shop_webhooks.doors import forget_doors
from shop_webhooks.models import Heartbeat, Sweep
from stores.models import ShopifyInstallation, Store, User, Workspace
from stores.shop_words import FIXES, SENTENCES
from tests import factories
from tests.dashboard.reading import asked, texts
from tests.pipeline import post_to_woocommerce_door

PLUGIN = {
    "name": "PixelYourSite",
    "version": "11.2.0",
    "sends": True,
    "advice": "pixelyoursite",
}
FACTS = {"version": "11.0.1", "runs_cron": False, "plugins": [PLUGIN]}


@pytest.fixture
def kitchen(workspace: Workspace) -> Store:
    return factories.a_store(
        workspace,
        key="kitchen",
        name="Kitchen",
        platform="woocommerce",
        consumer_key="ck_1",
        consumer_secret="cs_secret",
        rest_auth="query",
    )


def address(store: Store) -> str:
    return f"/stores/{store.pk}/connection/"


def test_a_store_in_touch_says_so(page: Client, kitchen: Store) -> None:
    now = datetime.now(UTC)
    mended = {"mended_at": now, "mended": "order.updated"}
    Heartbeat.objects.create(store=kitchen, done_at=now, facts=FACTS, facts_at=now, **mended)
    Sweep.objects.create(store=kitchen, done_at=now, found=3, found_at=now, read_up_to=now)

    said = page.get(address(kitchen)).content.decode()

    for text in (
        "The webhooks are in place",
        "works (In the query string)",
        "<code>order.updated</code>",
        "3 deliveries that no webhook had brought",
        "PixelYourSite 11.2.0",
        "WP-Cron is switched off",
    ):
        assert text in said
    assert "cs_secret" not in said


@pytest.mark.parametrize("reason", sorted(SENTENCES))
def test_a_failure_is_told_with_its_fix(
    page: Client, kitchen: Store, reason: str, settings: Any
) -> None:
    Heartbeat.objects.create(store=kitchen, reason=reason, failures=1)

    found = page.get(address(kitchen)).context["found"]

    assert (found.problem, found.fix) == (str(SENTENCES[reason]), str(FIXES[reason]))


def test_a_store_without_a_key_is_offered_to_be_connected(
    page: Client, workspace: Workspace
) -> None:
    store = factories.a_store(workspace, platform="woocommerce", url="https://kitchen.example")

    said = page.get(address(store)).content.decode()

    assert "We have no key to this shop" in said
    assert 'href="/woocommerce/connect/?url=https%3A%2F%2Fkitchen.example"' in said


def test_a_press_brings_both_turns_forward(page: Client, kitchen: Store) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    Heartbeat.objects.create(store=kitchen, due_at=later)
    Sweep.objects.create(store=kitchen, due_at=later)

    answer = page.post(f"{address(kitchen)}check")

    assert answer["Location"] == address(kitchen)
    now = datetime.now(UTC)
    assert Heartbeat.objects.get().due_at <= now
    assert Sweep.objects.get().due_at <= now


@pytest.mark.parametrize("role", ["analyst", "client"])
def test_who_may_only_look_has_no_button(
    client: Client, workspace: Workspace, kitchen: Store, role: str
) -> None:
    client.force_login(factories.a_member(workspace, "dora", role=role))

    assert "Look now" not in client.get(address(kitchen)).content.decode()
    assert client.post(f"{address(kitchen)}check").status_code == 404


def test_the_page_takes_a_fixed_number_of_queries(
    page: Client, alice: User, kitchen: Store
) -> None:
    with CaptureQueriesContext(connection) as queries:
        page.get(address(kitchen))

    # session, user, store, last delivery; heartbeat, sweep, may change
    assert len(asked(queries)) == 6


class TestAShopifyShop:
    @pytest.fixture
    def app(self, store: Store, settings: Any) -> ShopifyInstallation:
        settings.SHOPIFY_SCOPES = "read_orders,write_pixels"
        now = datetime.now(UTC)
        return ShopifyInstallation.objects.create(
            store=store,
            state_since=now,
            installed_at=now,
            scopes="read_orders",
            access_token="shpat_secret",
            access_token_until=now,
            refresh_token="shprt_secret",
            refresh_token_until=now + timedelta(days=90),
        )

    def test_what_the_app_may_and_may_not_do_is_told_and_no_token(
        self, page: Client, store: Store, app: ShopifyInstallation
    ) -> None:
        Sweep.objects.create(store=store, done_at=datetime.now(UTC), found=2)

        said = page.get(address(store)).content.decode()

        assert "The shop lets us in" in said
        assert "<code>read_orders</code>" in said
        assert "not granted: <code>write_pixels</code>" in said
        assert "2 deliveries that no webhook had brought" in said
        assert "shpat_" not in said
        assert "shprt_" not in said

    def test_dead_tokens_are_told_with_what_to_do(
        self, page: Client, store: Store, app: ShopifyInstallation
    ) -> None:
        ShopifyInstallation.objects.update(state="needs_merchant")

        found = page.get(address(store)).context["found"]

        assert found.problem == str(SENTENCES["app_needs_merchant"])
        assert found.fix == "Have somebody open the app in the shop's admin."

    def test_a_token_given_by_hand_is_named_as_such(self, page: Client, store: Store) -> None:
        Store.objects.update(access_token="shpat_by_hand")

        said = page.get(address(store)).content.decode()

        assert "given by hand" in said
        assert "shpat_" not in said

    def test_without_either_it_leads_to_connecting(self, page: Client, store: Store) -> None:
        said = page.get(address(store)).content.decode()

        assert "We have no access to this shop" in said
        assert f'href="/connect/shopify/?shop={store.domain}"' in said


def findings(store: Store) -> list[tuple[str, str]]:
    found = shop_findings(store, about="kitchen", now=datetime.now(UTC))
    return [(finding.level, finding.what) for finding in found]


def test_the_doctor_says_what_was_met_with(kitchen: Store) -> None:
    now = datetime.now(UTC)
    Heartbeat.objects.create(store=kitchen, reason="shop_firewall", failures=1)
    Sweep.objects.create(store=kitchen, done_at=now - timedelta(minutes=3))

    assert findings(kitchen) == [
        (FAILURE, "webhooks: A firewall or a security plug-in turns us away."),
        (FINE, "reading back: up to date, seen 3 minutes ago"),
    ]


def test_the_doctor_notices_workers_that_do_not_run(kitchen: Store) -> None:
    Sweep.objects.create(store=kitchen, done_at=datetime.now(UTC) - timedelta(hours=5))

    assert findings(kitchen) == [
        (WARNING, "webhooks: not looked at yet"),
        (FAILURE, "reading back: last looked at 5 hours ago"),
    ]


def test_the_doctor_names_who_else_tells_meta(kitchen: Store) -> None:
    now = datetime.now(UTC)
    Heartbeat.objects.create(store=kitchen, done_at=now, facts=FACTS)
    Sweep.objects.create(store=kitchen, done_at=now)

    assert [what for level, what in findings(kitchen) if level == WARNING] == [
        "PixelYourSite 11.2.0 is active in the shop",
        "WP-Cron is switched off in the shop: its webhooks leave only if the host runs it",
    ]


def test_disconnecting_says_what_stops_and_then_a_delivery_is_answered_gone(
    client: Client, acme: SimpleNamespace
) -> None:
    client.force_login(factories.a_member(acme.workspace))
    factories.an_event(acme.kitchen, acme.pixel, state="pending")
    page = f"/stores/{acme.kitchen.pk}/disconnect/"

    said = texts(client.get(page), "li")
    answer = client.post(page)
    forget_doors()

    assert "1 event that is owed already still goes out." in said
    assert answer.status_code == 302
    gone = post_to_woocommerce_door(b'{"id": 1}', store=acme.kitchen)
    assert gone.status_code == 410
    assert "It is disconnected already." in texts(client.get(page), "p", "bad")[0]
    assert ConversionEvent.objects.get().state == "pending"


def test_a_shop_with_the_app_is_disconnected_in_its_admin(
    client: Client, acme: SimpleNamespace
) -> None:
    client.force_login(factories.a_member(acme.workspace))
    now = datetime.now(UTC)
    ShopifyInstallation.objects.create(store=acme.lyon, state_since=now, installed_at=now)
    page = f"/stores/{acme.lyon.pk}/disconnect/"

    answer = client.post(page)

    assert answer.status_code == 200
    assert "Remove the app in Shopify" in texts(answer, "p", "health")[0]
    acme.lyon.refresh_from_db()
    assert acme.lyon.connected


def test_who_may_only_read_cannot_disconnect(client: Client, acme: SimpleNamespace) -> None:
    client.force_login(factories.a_member(acme.workspace, "reader", role="client"))

    assert client.post(f"/stores/{acme.kitchen.pk}/disconnect/").status_code == 404
