"""What the door must know of a store, held for a moment so that a webhook costs one statement."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import close_old_connections
from msgspec import Struct

from stores import patience
from stores.models import Store
from stores.secrets import Ring, Secret, store_ring

# A disconnection or a new secret is seen this much later at most.
HELD_SECONDS = 2.0
RELOAD_AT_MOST_EVERY = 0.1  # forged signatures must not become a load on the database
MOST_HELD = 5_000
NEVER = float("-inf")
NEEDED = ("connected", "sealed_key", "webhook_secret", "webhook_secret_previous")


class Door(Struct, frozen=True, kw_only=True):
    """One store, as the door sees it."""

    store_id: int
    connected: bool
    secrets: tuple[Secret, ...]
    ring: Ring


_held: dict[tuple[str, str], tuple[float, Door]] = {}
_reloaded_at: dict[tuple[str, str], float] = {}


def shopify_door(domain: str) -> Door | None:
    """The door of the connected store of a Shopify shop, or None for a shop we do not know."""

    def find() -> Store | None:
        shopify = Store.objects.filter(platform=Store.Platform.SHOPIFY, connected=True)
        return shopify.only(*NEEDED).filter(domain=domain).first()

    return _door("shopify", domain, find, reload=False)


def woocommerce_door(token: str, *, reload: bool = False) -> Door | None:
    """The door of a WooCommerce store, connected or not, or None for a token that is not ours."""

    def find() -> Store | None:
        return Store.objects.only(*NEEDED).filter(webhook_token=token).first()

    return _door("woocommerce", token, find, reload=reload)


def collecting_door(key: str) -> Door | None:
    """The door of a store that listens to its browsers, by the public key, connected or not; or None."""

    def find() -> Store | None:
        listening = Store.objects.only(*NEEDED).exclude(browser={})
        return listening.filter(collect_key=key).first()

    return _door("browser", key, find, reload=False)


def forget_doors() -> None:
    """Look every store up again at its next delivery."""
    _held.clear()
    _reloaded_at.clear()


def _door(
    platform: str, name: str, find: Callable[[], Store | None], *, reload: bool
) -> Door | None:
    key, now = (platform, name), time.monotonic()
    loaded_at, door = _held.get(key, (NEVER, None))
    age = now - (_reloaded_at.get(key, NEVER) if reload else loaded_at)
    if door and age < (RELOAD_AT_MOST_EVERY if reload else HELD_SECONDS):
        return door
    if door and not reload:
        _held[key] = (now, door)  # while one thread looks it up again, the others do not
    close_old_connections()  # a kept one may be dead: after this Django asks it once
    if patience.is_lost():
        raise patience.Silent
    if (store := find()) is None:
        _held.pop(key, None)
        return None
    door = Door(
        store_id=store.pk,
        connected=store.connected,
        secrets=(store.webhook_secret, store.webhook_secret_previous),
        ring=store_ring(bytes(store.sealed_key)),
    )
    if len(_held) >= MOST_HELD:
        forget_doors()
    _held[key] = (now, door)
    if reload:
        _reloaded_at[key] = now
    return door
