"""A token that was pasted by hand, of an app that the merchant has made for the own shop.

It does not expire and serves only to read orders back; webhooks are signed by the app of this
installation (docs/fleet-file.md).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from stores.models import ShopifyInstallation, Store, Workspace
from stores.secrets import Secret
from stores.shopify.admin_api import AdminApi, failures_shared
from stores.shopify.documents import ORDERS_COUNT, SHOP_FACTS
from stores.shopify.installing import ONE_AT_A_TIME, Elsewhere, connected_store, is_zone, new_store
from stores.shopify.tokens import NoToken
from stores.shops import ShopError
from stores.sql import rows


def connect_by_token(
    *, workspace: Workspace, shop: str, access_token: Secret, now: Callable[[], datetime]
) -> Store:
    """The store of the shop, with a token by which its orders can be read.

    A store that the workspace has already keeps its place and its ledger. Raises ShopError, and
    Elsewhere where the shop is connected in another workspace; nothing has changed then.
    """
    facts = _facts(shop, access_token, now=now)
    with transaction.atomic():
        rows(ONE_AT_A_TIME, (f"shopify.install {shop}",))
        store = connected_store(shop) or _left_behind(workspace, shop) or new_store(workspace, shop)
        if store.workspace_id != workspace.pk:
            raise Elsewhere
        if ShopifyInstallation.objects.filter(store=store).exclude(state="uninstalled").exists():
            raise ShopError("app_has_its_own_token")
        store.access_token, store.secret_names, store.connected = access_token, {}, True
        store.name = str(facts.get("name") or store.name)[:200]
        if is_zone(zone := str(facts.get("ianaTimezone"))):
            store.time_zone = zone
        store.save()
    return store


def _facts(shop: str, access_token: Secret, *, now: Callable[[], datetime]) -> dict[str, Any]:
    """What the shop says of itself, once it has shown that the token sees its orders."""
    with failures_shared(), AdminApi(Store(domain=shop), now=now, token=access_token) as admin:
        try:
            facts: dict[str, Any] = admin.ask(SHOP_FACTS).data.get("shop") or {}
            admin.ask(ORDERS_COUNT, {"q": ""})
        except NoToken:
            raise ShopError("token_refused") from None
    return facts


def _left_behind(workspace: Workspace, shop: str) -> Store | None:
    left = workspace.stores.filter(platform=Store.Platform.SHOPIFY, domain=shop)
    found: Store | None = left.order_by("-pk").first()
    return found
