"""Shopify's stand-in, and Boutique Lyon, whose shop has our app."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from sandbox.shopify_admin import ShopifyAdmin
from stores.models import ShopifyInstallation, Store
from tests.factories import a_store, a_workspace

KEY, SECRET = "our-client-id", "shpss_" + "a" * 32


@pytest.fixture
def shopify(settings: Any) -> Iterator[ShopifyAdmin]:
    """The stand-in, with the shop of Boutique Lyon; the settings lead to it."""
    with ShopifyAdmin(
        client_id=KEY, client_secret=SECRET, app_url="http://testserver/shopify"
    ) as shopify:
        settings.SHOPIFY_API_KEY, settings.SHOPIFY_API_SECRET = KEY, SECRET
        settings.SHOPIFY_API_SECRET_PREVIOUS = ""
        settings.SHOPIFY_ADMIN_URL = shopify.template
        settings.SHOPIFY_APP_BRIDGE_URL = shopify.app_bridge
        shopify.shop("lyon.myshopify.com", name="Boutique Lyon")
        yield shopify


@pytest.fixture
def lyon(transactional_db: None, shopify: ShopifyAdmin) -> Store:
    """The store, with a pair of tokens that the stand-in has just given out."""
    store = a_store(a_workspace(), key="lyon")
    install(shopify, store)
    return store


def install(shopify: ShopifyAdmin, store: Store, **changes: Any) -> ShopifyInstallation:
    from stores.shopify import tokens
    from stores.shopify.grants import Granted
    from stores.shopify.session_token import SessionToken

    now = timezone.now()
    token = SessionToken(
        shop=store.domain, staff_id="42", session_id="s", raw=shopify.session_token(store.domain)
    )
    pair = tokens.exchange(token, now=now)
    assert isinstance(pair, Granted)
    given = {"store": store, "installed_at": now, "state_since": now} | changes
    installation = ShopifyInstallation(**given)
    tokens.keep(installation, pair)
    installation.save()
    return installation
