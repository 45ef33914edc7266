"""Installing: from the pair of tokens that a shop grants to a store in a workspace.

The workspace and the store come into being by themselves. A shop is installed by one at a time: the
second of two would kill the pair of the first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils.text import slugify
from msgspec import Struct

from stores.models import Membership, ShopifyInstallation, Store, User, Workspace
from stores.names import free_name
from stores.shopify import tokens, web_pixel
from stores.shopify.admin_api import AccessDenied, AdminApi, Refused, TooExpensive
from stores.shopify.documents import SHOP_FACTS
from stores.shopify.grants import Granted, Outcome, scopes_of
from stores.shopify.session_token import SessionToken
from stores.shopify.tokens import NoToken
from stores.shopify.wire import ShopSilent
from stores.shops import ShopError
from stores.sql import rows

log = structlog.get_logger(__name__)

State = ShopifyInstallation.State

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
OPENING_NOTED_EVERY = timedelta(minutes=1)


class NotInstalled(Exception):
    """The shop grants no pair; `outcome` says what follows from its answer."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


class Elsewhere(Exception):
    """The shop is a store of another workspace already."""


class Taker(Struct, frozen=True):
    """For whom a shop is installed from outside its admin: a person who owns workspaces, or one
    workspace that has invited the merchant."""

    owner: User | None = None
    workspace: Workspace | None = None

    def homes(self) -> QuerySet[Workspace]:
        """The workspaces that the store may stand in, the first for a new one."""
        if self.workspace:
            return Workspace.objects.filter(pk=self.workspace.pk)
        mine = Membership.objects.filter(user=self.owner, role=Membership.Role.OWNER)
        return Workspace.objects.filter(pk__in=mine.values("workspace")).order_by("pk")


def enter(token: SessionToken, *, now: datetime) -> User:
    """The member of staff who has the app open; installs it first, if need be. Raises NotInstalled."""
    store = connected_store(token.shop)
    installation = ShopifyInstallation.objects.filter(store=store).first() if store else None
    if store is None or installation is None or installation.state != State.ACTIVE:
        store = install(token.shop, ask=lambda: tokens.exchange(token, now=now), now=now)
        learn_facts(store, now=lambda: now)
        _place_pixel(store, now=now)
    elif installation.opened_at is None or now - installation.opened_at > OPENING_NOTED_EVERY:
        ShopifyInstallation.objects.filter(pk=installation.pk).update(opened_at=now)
    return _staff(store, token.staff_id)


def install(
    shop: str, *, ask: Callable[[], Outcome], now: datetime, taker: Taker | None = None
) -> Store:
    """The store of the shop, with the pair that `ask` gets; in a home of `taker`'s, if given.

    Raises NotInstalled and Elsewhere.
    """
    with transaction.atomic():
        rows(ONE_AT_A_TIME, (f"shopify.install {shop}",))
        store = connected_store(shop)
        if store and taker and store.workspace not in taker.homes():
            raise Elsewhere
        found = ShopifyInstallation.objects.select_for_update().filter(store=store).first()
        if store and found and found.state == State.ACTIVE and taker is None:
            return store  # somebody was faster
        outcome = ask()
        if not isinstance(outcome, Granted):
            raise NotInstalled(outcome)
        return _adopt(shop, outcome, taker=taker, now=now)


def uninstall(shop: str, *, triggered_at: datetime | None, now: datetime) -> str:
    """The shop has removed the app; returns what was done. The tokens are dead already.

    News of an earlier install may come a day late. If the app was opened since, it is installed again
    and only its tokens are dead: the next opening replaces them.
    """
    with transaction.atomic():
        rows(ONE_AT_A_TIME, (f"shopify.install {shop}",))
        store = connected_store(shop)
        row = ShopifyInstallation.objects.select_for_update().filter(store=store).first()
        if store is None or row is None or row.state == State.UNINSTALLED:
            return "not_installed"
        if triggered_at and triggered_at <= max(
            row.installed_at, row.opened_at or row.installed_at
        ):
            if triggered_at > row.installed_at and row.state == State.ACTIVE:
                tokens.move(row, State.NEEDS_MERCHANT, now=now, reason="installed_again")
                row.save()
            return "installed_again"
        tokens.drop(row)
        tokens.move(row, State.UNINSTALLED, now=now)
        row.save()
        Store.objects.filter(pk=store.pk).update(connected=False)
    return "uninstalled"


def rescope(shop: str, scopes: object, *, triggered_at: datetime | None) -> str:
    """The shop has granted other scopes; returns what was done."""
    found = ShopifyInstallation.objects.filter(
        store__domain=shop, store__connected=True, state=State.ACTIVE
    )
    if triggered_at:
        found = found.filter(installed_at__lte=triggered_at)
    if not isinstance(scopes, list):
        return "unreadable"
    return "noted" if found.update(scopes=scopes_of(scopes)) else "not_installed"


def connected_store(shop: str) -> Store | None:
    """The store of the shop, if there is one that is connected: a constraint lets no second one be."""
    found: Store | None = (
        Store.objects.filter(platform=Store.Platform.SHOPIFY, connected=True, domain=shop)
        .select_related("workspace")
        .first()
    )
    return found


def learn_facts(store: Store, *, now: Callable[[], datetime]) -> bool:
    """Ask the shop for its name, time zone, address and our scopes; False if it would not say."""
    try:
        with AdminApi(store, now=now) as shop:
            said = shop.ask(SHOP_FACTS).data
        facts, scopes = said["shop"], said["currentAppInstallation"]["accessScopes"]
        handles = [scope["handle"] for scope in scopes]
    except (NoToken, ShopSilent, AccessDenied, Refused, TooExpensive, KeyError, TypeError) as error:
        log.warning("shopify.no_facts", store=store.pk, error=type(error).__name__)
        return False
    ShopifyInstallation.objects.filter(store=store).update(scopes=scopes_of(handles))
    set_facts(
        store,
        name=facts.get("name"),
        time_zone=facts.get("ianaTimezone"),
        host=(facts.get("primaryDomain") or {}).get("host"),
    )
    return True


def _place_pixel(store: Store, *, now: datetime) -> None:
    """An uninstall has taken it away. Where it cannot be, the page Browser says so."""
    if store.browser:
        try:
            web_pixel.place(store, now=lambda: now)
        except ShopError as error:
            log.warning("shopify.no_pixel", store=store.pk, reason=error.reason)


def set_facts(store: Store, *, name: object, time_zone: object, host: object) -> None:
    """Take over what the shop says of itself, where the store was not described by a fleet file."""
    installation = ShopifyInstallation.objects.filter(store=store, made_workspace=True).exists()
    changed = {}
    if installation and isinstance(name, str) and name.strip():
        changed["name"] = name.strip()[:200]
    if installation and isinstance(host, str) and host and len(host) < 250:
        changed["url"] = f"https://{host}"
    if isinstance(time_zone, str) and is_zone(time_zone):
        changed["time_zone"] = time_zone
    if changed:
        Store.objects.filter(pk=store.pk).update(**changed)


def _adopt(shop: str, pair: Granted, *, taker: Taker | None, now: datetime) -> Store:
    store = connected_store(shop) or _earlier_store(shop, taker) or _new_store(shop, taker)
    if not store.connected:
        store.connected = True
        store.save(update_fields=["connected"])
    row = ShopifyInstallation.objects.select_for_update().filter(store=store).first()
    if row is None:
        made = store.workspace.stores.count() == 1 and taker is None
        row = ShopifyInstallation(store=store, installed_at=now, made_workspace=made)
    elif row.state == State.UNINSTALLED:
        row.generation += 1
        row.pixel_placed_at = None
        row.installed_at = now
    tokens.keep(row, pair)
    tokens.move(row, State.ACTIVE, now=now)
    row.state_since, row.opened_at = row.state_since or now, now
    row.save()
    log.info("shopify.installed", store=store.pk, generation=row.generation)
    return store


def _earlier_store(shop: str, taker: Taker | None) -> Store | None:
    """The store that an earlier install of the app has left, its ledger and its mappings with it."""
    left = Store.objects.filter(
        platform=Store.Platform.SHOPIFY, domain=shop, shopify__isnull=False
    ).select_related("workspace")
    if taker:
        left = left.filter(workspace__in=taker.homes())
    found: Store | None = left.order_by("-pk").first()
    return found


def _new_store(shop: str, taker: Taker | None) -> Store:
    handle = shop.partition(".")[0]
    workspace = taker.homes().first() if taker else None
    if workspace is None:
        workspace = Workspace.objects.create(slug=_free_slug(handle), name=handle)
        if taker and taker.owner:
            role = Membership.Role.OWNER
            Membership.objects.create(workspace=workspace, user=taker.owner, role=role)
    return new_store(workspace, shop)


def new_store(workspace: Workspace, shop: str) -> Store:
    """A store for the shop, under a name that is free; in the caller's transaction."""
    handle = shop.partition(".")[0]
    return Store.objects.create(
        workspace=workspace,
        key=_free_key(workspace, handle),
        name=handle,
        platform=Store.Platform.SHOPIFY,
        by_hand=True,
        domain=shop,
        url=f"https://{shop}",
    )


def _free_slug(handle: str) -> str:
    slug = slugify(handle)[:40] or "shop"
    taken = set(Workspace.objects.filter(slug__startswith=slug).values_list("slug", flat=True))
    return free_name(slug, taken)


def _free_key(workspace: Workspace, handle: str) -> str:
    key = slugify(handle)[:40] or "shop"
    return free_name(key, set(workspace.stores.values_list("key", flat=True)))


def _staff(store: Store, staff_id: str) -> User:
    """A user without a password, who sees this store alone.

    Where the workspace is an agency's, they read; where it came with the install, it is theirs.
    """
    email = f"{staff_id}@{store.domain}"
    user = User.objects.filter(email=email, only_store=store).first()
    if user is None:
        own = ShopifyInstallation.objects.filter(store=store, made_workspace=True).exists()
        role = Membership.Role.OWNER if own else Membership.Role.CLIENT
        with transaction.atomic():
            user, _ = User.objects.update_or_create(
                email=email, defaults={"only_store": store, "password": "!"}
            )
            Membership.objects.filter(user=user).exclude(workspace=store.workspace).delete()
            Membership.objects.get_or_create(
                workspace=store.workspace, user=user, defaults={"role": role}
            )
    return user


def is_zone(name: str) -> bool:
    """Whether a time zone of this name is known here."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, or no name at all
        return False
    return True
