"""What is wrong between us and a Shopify shop: tokens, scopes, and subscriptions that should not be.

The subscriptions of `shopify.app.toml` hold for every shop and are listed nowhere. One that a shop lists
was made by an earlier version or another installation: it delivers everything twice, or to nobody.
https://shopify.dev/docs/apps/build/webhooks/subscribe
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from msgspec import Struct

from stores.models import ShopifyInstallation, Store
from stores.shopify.admin_api import AccessDenied, AdminApi, Refused, TooExpensive
from stores.shopify.documents import SUBSCRIPTIONS, UNSUBSCRIBE
from stores.shopify.grants import missing_scopes
from stores.shopify.tokens import NoToken
from stores.shopify.wire import ShopSilent

UNASKED = (NoToken, ShopSilent, AccessDenied, Refused, TooExpensive)


class Trouble(Struct, frozen=True, kw_only=True):
    """Something that is wrong; `level` is `warning` or `failure`."""

    level: str
    what: str
    fix: str


class Subscription(Struct, frozen=True, kw_only=True):
    """A subscription of the shop's own."""

    id: str
    topic: str
    uri: str

    @property
    def ours(self) -> bool:
        """Whether it leads to this installation."""
        here = urlsplit(settings.APP_URL).netloc
        return urlsplit(self.uri).netloc == here and "/webhooks/shopify" in self.uri


def shop_troubles(store: Store, *, now: datetime) -> Iterator[Trouble]:
    """What is wrong with a store that has our app in its shop; nothing for any other."""
    row = ShopifyInstallation.objects.filter(store=store).first()
    if row is None:
        return
    if row.state != ShopifyInstallation.State.ACTIVE:
        yield Trouble(
            level="failure",
            what=f"its shop's tokens are dead ({row.reason or row.state}): orders cannot be read back",
            fix="open the app once in the shop's admin",
        )
        return
    if missing := missing_scopes(granted=row.scopes, wanted=settings.SHOPIFY_SCOPES):
        yield Trouble(
            level="warning",
            what=f"the shop has not granted {', '.join(missing)}",
            fix="deploy shopify.app.toml with them, and open the app in the shop's admin",
        )
    try:
        found = subscriptions(store, now=now)
    except UNASKED as error:
        yield Trouble(
            level="warning",
            what=f"its shop does not say what it delivers ({error or type(error).__name__})",
            fix="try again; if it lasts, open the app in the shop's admin",
        )
        return
    if leftovers := [each for each in found if each.ours]:
        topics = ", ".join(sorted({each.topic for each in leftovers}))
        yield Trouble(
            level="warning",
            what=f"{len(leftovers)} left-over subscriptions deliver {topics} a second time",
            fix=f"python manage.py subscriptions --store {store.key} --clean",
        )


def subscriptions(store: Store, *, now: datetime) -> list[Subscription]:
    """The shop's own subscriptions. Raises what `AdminApi.ask` raises."""
    found: list[Subscription] = []
    asked: dict[str, Any] = {"after": None}
    with AdminApi(store, now=lambda: now) as shop:
        while True:
            said = shop.ask(SUBSCRIPTIONS, asked).data["webhookSubscriptions"]
            found += [
                Subscription(id=node["id"], topic=node["topic"], uri=node["uri"])
                for node in said["nodes"]
            ]
            if not said["pageInfo"]["hasNextPage"]:
                return found
            asked["after"] = said["pageInfo"]["endCursor"]


def clean(store: Store, *, now: datetime) -> list[Subscription]:
    """Delete the subscriptions that lead here; returns them. Raises what `AdminApi.ask` raises."""
    leftovers = [each for each in subscriptions(store, now=now) if each.ours]
    with AdminApi(store, now=lambda: now) as shop:
        for each in leftovers:
            shop.ask(UNSUBSCRIBE, {"id": each.id})
    return leftovers
