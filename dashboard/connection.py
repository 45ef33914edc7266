"""Whether we are in touch with a store's shop: its key or app, our webhooks, and what was read back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now
from msgspec import Struct

from dashboard.reasons import in_words
from shop_webhooks.models import Heartbeat, Sweep
from stores.models import Membership, ShopifyInstallation, Store, User
from stores.shop_words import ADVICE, FIXES
from stores.shopify.grants import missing_scopes


class Beside(Struct, frozen=True, kw_only=True):
    """A plug-in of the shop that matters to us, and what we recommend."""

    name: str
    version: str
    sends: bool
    advice: str


class Connection(Struct, frozen=True, kw_only=True):
    """What the page tells of every shop. `problem` and `fix` are of whatever failed last, "" if nothing
    did; `swept` is when and how far orders were read back; `plugins` what else tells Meta there."""

    has_key: bool
    may_change: bool
    problem: str
    fix: str
    swept: Sweep
    plugins: list[Beside] = []


class KeyConnection(Connection, frozen=True, kw_only=True):
    """Of a WooCommerce shop: the key, our webhooks there, and what else runs there."""

    way: str
    checked_at: datetime | None
    pinged_at: datetime | None
    mended_at: datetime | None
    mended: str
    version: str
    runs_cron: bool


class AppConnection(Connection, frozen=True, kw_only=True):
    """Of a Shopify shop: our app in it, or the token that was pasted instead."""

    app: ShopifyInstallation | None
    missing: list[str]  # scopes


def read_connection(*, store: Store, user: User) -> Connection:
    """Three queries. A store that was not looked at yet has neither heartbeat nor sweep."""
    swept = Sweep.objects.filter(store=store).first() or Sweep(reason="", found=0)
    may_change = changeable_stores(user=user).filter(pk=store.pk).exists()
    if store.platform == Store.Platform.SHOPIFY:
        return _app_connection(store, swept, may_change=may_change)
    return _key_connection(store, swept, may_change=may_change)


def _key_connection(store: Store, swept: Sweep, *, may_change: bool) -> KeyConnection:
    beat = Heartbeat.objects.filter(store=store).first() or Heartbeat(reason="", mended="")
    has_key = bool(store.consumer_key)
    reason = (beat.reason or swept.reason) if has_key else "no_key"
    facts: dict[str, Any] = beat.facts
    return KeyConnection(
        has_key=has_key,
        may_change=may_change,
        problem=in_words(reason),
        fix=str(FIXES.get(reason, "")),
        swept=swept,
        way=store.get_rest_auth_display() if store.rest_auth else "",
        checked_at=beat.done_at,
        pinged_at=store.pinged_at,
        mended_at=beat.mended_at,
        mended=beat.mended,
        version=facts.get("version", ""),
        runs_cron=facts.get("runs_cron", True),
        plugins=[
            Beside(
                name=plugin["name"],
                version=plugin["version"],
                sends=plugin["sends"],
                advice=str(ADVICE.get(plugin["advice"], "")),
            )
            for plugin in facts.get("plugins", ())
        ],
    )


def _app_connection(store: Store, swept: Sweep, *, may_change: bool) -> AppConnection:
    app = getattr(store, "shopify", None)
    serves = app is not None and app.state == ShopifyInstallation.State.ACTIVE
    has_key = serves or bool(store.access_token)
    reason = swept.reason
    if app and app.state == ShopifyInstallation.State.NEEDS_MERCHANT:
        reason = "app_needs_merchant"
    elif not has_key:
        reason = "no_app"
    wanted = settings.SHOPIFY_SCOPES
    return AppConnection(
        has_key=has_key,
        may_change=may_change,
        problem=in_words(reason),
        fix=str(FIXES.get(reason, "")),
        swept=swept,
        app=app,
        missing=missing_scopes(granted=app.scopes, wanted=wanted) if app and serves else [],
    )


def changeable_stores(*, user: User) -> QuerySet[Store]:
    """The stores that `user` may change: as an owner or operator of their workspace."""
    mine = Membership.objects.filter(user=user, role__in=Membership.MAY_CHANGE)
    visible: QuerySet[Store] = Store.objects.visible_to(user)
    return visible.filter(workspace__in=mine.values("workspace"))


def disconnect(store: Store) -> None:
    """None of the store's later deliveries is kept; what is owed already still goes out."""
    Store.objects.filter(pk=store.pk).update(connected=False)


def look_soon(store: Store) -> None:
    """Have the store's next turn now, unless somebody is at it."""
    for turns in (Heartbeat, Sweep):
        turns._default_manager.filter(store=store, lease=None).update(due_at=Now())
