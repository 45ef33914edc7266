"""Webhooks that a shop switched off, lost, or signs with errors are made again, and the gap is swept."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models.functions import Now

from sandbox.woocommerce_store import WooCommerceShop
from shop_webhooks import heartbeat
from shop_webhooks.models import Heartbeat, Sweep, WebhookDelivery
from stores.models import Store
from stores.woocommerce.webhooks import TOPICS
from tests.factories import a_delivery

ACTIVE = dict.fromkeys(TOPICS, "active")


@pytest.fixture
def kitchen(acme: SimpleNamespace, shop: WooCommerceShop) -> Store:
    """The kitchen, with a key to a shop that has reached us, and whose queue now stands still."""
    shop.change(delivers=False)
    key = shop.key()
    kitchen: Store = acme.kitchen
    kitchen.url, kitchen.pinged_at = shop.url, datetime.now(UTC)
    kitchen.consumer_key, kitchen.consumer_secret = key.consumer_key, key.consumer_secret
    kitchen.save()
    return kitchen


def check_now(now: datetime | None = None) -> Heartbeat:
    Heartbeat.objects.update(due_at=Now())
    assert heartbeat.check_next(now=now or datetime.now(UTC)) is True
    return Heartbeat.objects.get()


def test_webhooks_that_are_missing_are_made(kitchen: Store, shop: WooCommerceShop) -> None:
    turn = check_now()

    assert shop.webhooks == ACTIVE
    assert turn.mended == ", ".join(TOPICS)
    hooks = shop.shop.hooks.values()
    assert {hook.delivery_url for hook in hooks} == {f"http://testserver{kitchen.webhook_path}"}
    assert {hook.sender.secret for hook in hooks} == {kitchen.webhook_secret}


def test_nothing_is_made_twice(kitchen: Store, shop: WooCommerceShop) -> None:
    check_now()
    before = set(shop.shop.hooks)

    turn = check_now()

    assert set(shop.shop.hooks) == before
    assert (turn.reason, turn.failures) == ("", 0)


def test_a_disabled_webhook_is_made_anew_and_the_gap_is_swept(
    kitchen: Store, shop: WooCommerceShop
) -> None:
    check_now()
    Sweep.objects.create(store=kitchen, due_at=datetime.now(UTC) + timedelta(minutes=5))
    hook = next(hook for hook in shop.shop.hooks.values() if hook.topic == "order.updated")
    hook.sender.webhook(hook.topic).active = False
    hook.sender.webhook(hook.topic).failure_count = 6

    turn = check_now()

    assert shop.webhooks == ACTIVE
    assert hook.hook_id not in shop.shop.hooks  # a new one, which counts from zero
    assert turn.mended == "order.updated"
    assert turn.mended_at is not None
    assert Sweep.objects.get().due_at <= datetime.now(UTC)


def test_webhooks_of_others_are_left_alone(kitchen: Store, shop: WooCommerceShop) -> None:
    other = shop.shop.make_hook(
        name="", topic="order.updated", delivery_url="https://other.example/", secret="s"
    )
    other.sender.webhook(other.topic).active = False

    check_now()

    assert other.hook_id in shop.shop.hooks
    assert len(shop.shop.hooks) == 1 + len(TOPICS)


def test_a_paused_webhook_was_meant_and_is_told(kitchen: Store, shop: WooCommerceShop) -> None:
    check_now()
    hook = next(iter(shop.shop.hooks.values()))
    hook.paused = True

    turn = check_now()

    assert (hook.status, turn.reason) == ("paused", "webhook_paused")


def test_doubles_are_taken_away(kitchen: Store, shop: WooCommerceShop) -> None:
    check_now()
    url = f"http://testserver{kitchen.webhook_path}".rstrip("/")
    shop.shop.make_hook(name="", topic="order.updated", delivery_url=url, secret="s")

    check_now()

    assert sorted(hook.topic for hook in shop.shop.hooks.values()) == sorted(TOPICS)


def test_webhooks_that_bring_errors_get_another_owner(
    kitchen: Store, shop: WooCommerceShop
) -> None:
    check_now()
    before = set(shop.shop.hooks)
    a_delivery(kitchen, state=WebhookDelivery.State.UNREADABLE, reason="shop_error")

    check_now()

    assert shop.webhooks == ACTIVE
    assert set(shop.shop.hooks) & before == set()


@pytest.mark.parametrize(
    ("traits", "reason"),
    [({"wall": "challenge"}, "shop_firewall"), ({"plain_permalinks": True}, "plain_permalinks")],
)
def test_what_stands_between_is_told(
    kitchen: Store, shop: WooCommerceShop, traits: dict[str, Any], reason: str
) -> None:
    shop.change(**traits)

    turn = check_now()

    assert (turn.reason, turn.failures, turn.done_at) == (reason, 1, None)


def test_a_key_that_may_only_read_is_told(kitchen: Store, shop: WooCommerceShop) -> None:
    key = shop.key("read")
    kitchen.consumer_key, kitchen.consumer_secret = key.consumer_key, key.consumer_secret
    kitchen.save()

    assert check_now().reason == "key_without_rights"


def test_what_else_runs_there_is_read_once_a_day(kitchen: Store, shop: WooCommerceShop) -> None:
    now = datetime.now(UTC)
    shop.change(plugins=("facebook-for-woocommerce/facebook-for-woocommerce.php", "akismet/a.php"))

    first = check_now(now)
    check_now(now + timedelta(hours=23))

    assert [plugin["name"] for plugin in first.facts["plugins"]] == ["Meta for WooCommerce"]
    assert shop.asked("/wp-json/wc/v3/system_status") == 1
    check_now(now + timedelta(hours=25))
    assert shop.asked("/wp-json/wc/v3/system_status") == 2


class TestAShopThatCannotReachUs:
    """Its webhooks are made, and a firewall, a password or a wrong address keeps them from us."""

    @pytest.fixture(autouse=True)
    def unheard(self, kitchen: Store) -> None:
        Store.objects.update(pinged_at=None)

    def test_it_has_a_minute_for_its_ping_and_is_then_named(self, kitchen: Store) -> None:
        first = check_now()
        second = check_now()

        assert first.reason == ""
        assert first.due_at - first.done_at == timedelta(minutes=1)
        assert second.reason == "webhook_unheard"

    def test_its_ping_clears_it_of_that(
        self, kitchen: Store, shop: WooCommerceShop, live_server: Any
    ) -> None:
        check_now()
        hook = next(iter(shop.shop.hooks.values()))
        hook.sender.delivery_url = f"{live_server.url}{kitchen.webhook_path}"
        assert hook.sender.ping(hook.topic).status == 200

        assert check_now().reason == ""

    def test_a_delivery_is_as_good_as_a_ping(self, kitchen: Store) -> None:
        check_now()
        a_delivery(kitchen)

        assert check_now().reason == ""

    def test_what_was_read_back_is_none(self, kitchen: Store) -> None:
        check_now()
        a_delivery(kitchen, source="sweep")

        assert check_now().reason == "webhook_unheard"
