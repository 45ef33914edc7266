"""The doctor names whatever the stand-ins of the shops can be told to show, each with what to do."""

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models.functions import Now

from dashboard import doctor
from dashboard.findings import Finding
from dashboard.reasons import in_words
from sandbox.shopify_admin import ShopifyAdmin
from sandbox.woocommerce.shop import WALLS, Settings
from sandbox.woocommerce_store import WooCommerceShop
from shop_webhooks import heartbeat, sweep
from shop_webhooks.models import Heartbeat, Sweep
from stores.models import Store
from stores.shopify import tokens
from tests.factories import a_mapping, a_pixel
from tests.stores.shopify.conftest import lyon, shopify

NO_ORDER_YET = "nothing has come from the shop yet"

__all__ = ["lyon", "shopify"]  # fixtures


def findings(store: Store) -> list[Finding]:
    """What the doctor says of the store that is not fine, once its turns have come."""
    for turns, take in ((Heartbeat, heartbeat.check_next), (Sweep, _sweep_next)):
        turns.objects.update(due_at=Now())
        take(now=datetime.now(UTC))
    store = Store.objects.get(pk=store.pk)
    found = doctor.examine(store=store.key, now=datetime.now(UTC))
    return [each for each in found if each.about == f"store {store.key}" and each.level != "fine"]


def _says(finding: Finding, named: str) -> bool:
    """Whether it is about a reason, or has these words."""
    return named in finding.what or in_words(named) in finding.what


def _sweep_next(*, now: datetime) -> bool:
    return sweep.sweep_next()


class TestAWooCommerceShop:
    # What each trait is called by the doctor; "" for one that every part of us copes with.
    TRAITS = (
        ("name", "Küche & Co", ""),
        ("utc_offset", 5.5, ""),
        ("time_zone", "Europe/Lisbon", ""),
        ("sees_tls", False, ""),
        ("strips_authorization", True, ""),
        ("notices", True, ""),
        ("plain_permalinks", True, "plain_permalinks"),
        ("wall", "challenge", "shop_firewall"),
        ("wall", "forbidden", "shop_firewall"),
        ("wall", "maintenance", "shop_unavailable"),
        ("wall", "login", "web_page_for_answer"),
        ("woocommerce", False, "no_woocommerce"),
        ("redirects_to", "https://www.kitchen.example", "shop_moved"),
        ("wp_cron", False, "WP-Cron is switched off"),
        ("delivers", False, "webhook_unheard"),
        ("plugins", ("pixelyoursite/pixelyoursite.php",), "PixelYourSite"),
    )

    @pytest.fixture
    def kitchen(self, acme: SimpleNamespace, shop: WooCommerceShop, live_server: Any) -> Store:
        """The kitchen, with a key to a shop that reaches us."""
        key = shop.key()
        kitchen: Store = acme.kitchen
        kitchen.url = shop.url
        kitchen.consumer_key, kitchen.consumer_secret = key.consumer_key, key.consumer_secret
        kitchen.save()
        shop.shop.routes["http://testserver"] = live_server.url
        return kitchen

    def test_every_trait_of_the_stand_in_is_in_the_table(self) -> None:
        named = {name for name, _, _ in self.TRAITS}
        walls = {value for name, value, _ in self.TRAITS if name == "wall"}

        assert named == {field.name for field in fields(Settings)}
        assert walls == set(WALLS) - {""}

    @pytest.mark.parametrize(("trait", "value", "named"), TRAITS)
    def test_a_trait_that_hurts_is_named_with_its_fix(
        self, kitchen: Store, shop: WooCommerceShop, trait: str, value: Any, named: str
    ) -> None:
        shop.change(**{trait: value})
        findings(kitchen)  # the first look, which makes the webhooks

        told = [each for each in findings(kitchen) if each.what != NO_ORDER_YET]
        assert [each.what for each in told if not _says(each, named)] == []
        assert bool(told) is bool(named)
        assert all(each.fix for each in told)

    @pytest.mark.parametrize(
        ("spoil", "reason"),
        [
            (lambda shop, key: shop.shop.keys.clear(), "key_unknown"),
            (lambda shop, key: setattr(key, "consumer_secret", "cs_" + "0" * 40), "secret_wrong"),
            (lambda shop, key: setattr(key, "permissions", "write"), "key_without_rights"),
            (lambda shop, key: setattr(key, "permissions", "read"), "key_without_rights"),
            (lambda shop, key: setattr(key, "owner_may", False), "key_owner_lost_rights"),
        ],
    )
    def test_a_key_that_opens_too_little_is_named(
        self,
        kitchen: Store,
        shop: WooCommerceShop,
        spoil: Callable[[WooCommerceShop, Any], Any],
        reason: str,
    ) -> None:
        spoil(shop, shop.shop.keys[0])

        assert any(_says(each, reason) for each in findings(kitchen))

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ({"status": 429, "headers": {"Retry-After": "30"}}, "shop_busy"),
            ({"status": 503}, "shop_unavailable"),
            ({"hangs_up": True}, "shop_silent"),
            (
                {"status": 200, "body": "<html>", "headers": {"Content-Type": "text/html"}},
                "web_page_for_answer",
            ),
        ],
    )
    def test_an_answer_that_is_none_is_named(
        self, kitchen: Store, shop: WooCommerceShop, fault: dict[str, Any], reason: str
    ) -> None:
        shop.fail(times=50, **fault)

        assert any(_says(each, reason) for each in findings(kitchen))

    def test_a_paused_webhook_is_named(self, kitchen: Store, shop: WooCommerceShop) -> None:
        findings(kitchen)
        next(iter(shop.shop.hooks.values())).paused = True

        assert any(_says(each, "webhook_paused") for each in findings(kitchen))


class TestAShopifyShop:
    @pytest.fixture(autouse=True)
    def mapped(self, lyon: Store, settings: Any) -> None:
        settings.SHOPIFY_SCOPES = "read_orders"
        a_mapping(lyon, a_pixel(lyon.workspace))

    @pytest.mark.parametrize(
        ("spoil", "named"),
        [
            (lambda shopify: shopify.uninstall("lyon.myshopify.com"), "app_needs_merchant"),
            (lambda shopify: _change(shopify, customer_data="none"), "orders_not_visible"),
            (lambda shopify: _change(shopify, scopes=["read_products"]), "orders_not_visible"),
            (lambda shopify: shopify.fault("graphql", times=None, status=502), "shop_silent"),
            (lambda shopify: shopify.fault("graphql", "reset", times=None), "shop_silent"),
            (lambda shopify: shopify.fault("graphql", "huge", times=None), "shop_silent"),
            (
                lambda shopify: shopify.subscription(
                    "lyon.myshopify.com",
                    topic="ORDERS_PAID",
                    uri="http://testserver/webhooks/shopify/",
                ),
                "a second time",
            ),
        ],
        ids=["uninstalled", "customers", "scopes", "502", "reset", "huge", "left over"],
    )
    def test_what_hurts_is_named_with_its_fix(
        self,
        lyon: Store,
        shopify: ShopifyAdmin,
        settings: Any,
        spoil: Callable[[ShopifyAdmin], Any],
        named: str,
    ) -> None:
        settings.APP_URL = "http://testserver"
        spoil(shopify)

        told = [each for each in findings(lyon) if _says(each, named)]
        assert told
        assert all(each.fix for each in told)

    def test_dead_tokens_are_named(self, lyon: Store) -> None:
        tokens.blame(lyon, now=datetime.now(UTC), reason="refresh_refused")

        assert any("tokens are dead" in each.what for each in findings(lyon))


def _change(shopify: ShopifyAdmin, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(shopify.world.shops["lyon.myshopify.com"], name, value)
