"""What is wrong between us and a shop is named, with its fix."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from sandbox.shopify_admin import ShopifyAdmin
from stores.models import ShopifyInstallation, Store
from stores.shopify.audit import shop_troubles
from tests.factories import a_store, a_workspace

LYON = "lyon.myshopify.com"
HERE = "https://connector.example/webhooks/shopify/"


@pytest.fixture(autouse=True)
def here(settings: Any) -> None:
    settings.APP_URL = "https://connector.example"


def troubles(store: Store) -> list[tuple[str, str]]:
    return [(each.level, each.what) for each in shop_troubles(store, now=timezone.now())]


def test_a_shop_that_is_well_has_none(shopify: ShopifyAdmin, lyon: Store) -> None:
    shopify.subscription(LYON, topic="ORDERS_PAID", uri="https://another.example/hooks")

    assert troubles(lyon) == []


def test_a_store_without_the_app_is_asked_nothing(shopify: ShopifyAdmin, db: None) -> None:
    assert troubles(a_store(a_workspace())) == []
    assert shopify.calls("graphql") == []


def test_left_over_subscriptions_are_named(shopify: ShopifyAdmin, lyon: Store) -> None:
    for topic in ("ORDERS_PAID", "ORDERS_CREATE"):
        shopify.subscription(LYON, topic=topic, uri=HERE)

    assert troubles(lyon) == [
        (
            "warning",
            "2 left-over subscriptions deliver ORDERS_CREATE, ORDERS_PAID a second time",
        )
    ]


def test_scopes_that_are_missing_are_named(
    shopify: ShopifyAdmin, lyon: Store, settings: Any
) -> None:
    settings.SHOPIFY_SCOPES = "read_orders,read_all_orders"

    assert troubles(lyon) == [("warning", "the shop has not granted read_all_orders")]


def test_dead_tokens_are_a_failure(shopify: ShopifyAdmin, lyon: Store) -> None:
    ShopifyInstallation.objects.update(state="needs_merchant", reason="token_refused")

    assert troubles(lyon) == [
        ("failure", "its shop's tokens are dead (token_refused): orders cannot be read back")
    ]


def test_a_shop_that_is_silent_is_a_warning(shopify: ShopifyAdmin, lyon: Store) -> None:
    shopify.fault("graphql", status=503)

    assert troubles(lyon) == [("warning", "its shop does not say what it delivers (http_503)")]


def test_the_command_lists_and_cleans_what_leads_here(shopify: ShopifyAdmin, lyon: Store) -> None:
    shopify.subscription(LYON, topic="ORDERS_PAID", uri=HERE)
    shopify.subscription(LYON, topic="ORDERS_PAID", uri="https://another.example/hooks")
    out = io.StringIO()

    call_command("subscriptions", "--store", "lyon", "--clean", stdout=out, stderr=io.StringIO())
    call_command("subscriptions", "--store", "lyon", "--json", stdout=(rest := io.StringIO()))

    assert out.getvalue() == f"ORDERS_PAID  {HERE}  deleted\n"
    assert [each["uri"] for each in json.loads(rest.getvalue())] == [
        "https://another.example/hooks"
    ]


def test_the_command_fails_in_words(shopify: ShopifyAdmin, lyon: Store) -> None:
    shopify.fault("graphql", status=503)

    with pytest.raises(CommandError, match=r"no answer to use: http_503\."):
        call_command("subscriptions", "--store", "lyon", stdout=io.StringIO())
