"""The webhooks by which a shop tells us of its orders: made by us, and made again when they are gone.

A shop switches a webhook off after seven failures in a row, says so to nobody, and keeps the count when
it is switched on again: a new one counts from zero.
https://developer.woocommerce.com/docs/apis/rest-api/v3/webhooks/
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from msgspec import Struct

from stores.models import Store
from stores.shops import ShopError
from stores.woocommerce.client import Rest, decode

# There is no order.paid, and either of the first two alone loses orders.
TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored")
PER_PAGE = 100
MOST_PAGES = 20


class Mended(Struct, frozen=True, kw_only=True):
    """Topics whose webhook was made, because it was missing or off, and those that somebody paused."""

    missing: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    paused: tuple[str, ...] = ()

    @property
    def made(self) -> tuple[str, ...]:
        """The topics that have a new webhook."""
        return self.missing + self.disabled


def new_secret() -> str:
    """Of A-Z, a-z, 0-9, - and _ only: a shop decodes the HTML entities of a secret before signing."""
    return secrets.token_urlsafe(32)


def delivery_url(store: Store) -> str:
    """Where the shop is to deliver; ours are known among all webhooks by it."""
    return f"{settings.APP_URL}{store.webhook_path}"


def mend_webhooks(store: Store, *, rest: Rest, renew: bool = False) -> Mended:
    """Have one active webhook per topic; with `renew`, new ones for all. Raises ShopError.

    A new one is made before the old one goes, so that no order falls between them. One that somebody
    has paused stays: that was meant.
    """
    ours: dict[str, list[dict[str, Any]]] = {}
    for hook in _all(rest):
        if str(hook.get("delivery_url", "")).rstrip("/") == delivery_url(store).rstrip("/"):
            ours.setdefault(str(hook.get("topic", "")), []).append(hook)
    old = ours.pop("", [])  # dead ones, of a topic that the shop did not know
    missing: list[str] = []
    disabled: list[str] = []
    paused: list[str] = []
    for topic in TOPICS:
        hooks = ours.get(topic, [])
        active = [hook for hook in hooks if hook.get("status") == "active"]
        if not renew and not active and any(hook.get("status") == "paused" for hook in hooks):
            paused.append(topic)
        elif renew or not active:
            _make(store, rest, topic)
            (disabled if hooks else missing).append(topic)
            old += hooks
        else:
            old += [hook for hook in hooks if hook is not active[0]]
    for hook in old:
        rest.ask("DELETE", f"/wc/v3/webhooks/{int(hook['id'])}", {"force": "true"})
    return Mended(missing=tuple(missing), disabled=tuple(disabled), paused=tuple(paused))


def _all(rest: Rest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in range(1, MOST_PAGES + 1):
        hooks = rest.get("/wc/v3/webhooks", status="all", per_page=str(PER_PAGE), page=str(page))
        if not isinstance(hooks, list) or not all(isinstance(hook, dict) for hook in hooks):
            raise ShopError("unreadable_answer_of_shop")
        found += hooks
        if len(hooks) < PER_PAGE:
            break
    return found


def _make(store: Store, rest: Rest, topic: str) -> None:
    document = {
        "name": f"Connector: {topic}",
        "topic": topic,
        "delivery_url": delivery_url(store),
        "secret": str(store.webhook_secret),
    }
    made = decode(rest.ask("POST", "/wc/v3/webhooks", {}, document))
    if not isinstance(made, dict) or made.get("topic") != topic or made.get("status") != "active":
        raise ShopError("webhook_not_made")
