"""From an address to a connected store: a key that the shop hands over, or one that somebody pastes.

The hand-over is WooCommerce's own: https://woocommerce.github.io/woocommerce-rest-api-docs/#rest-api-keys
What it posts is unsigned and does not name the shop. So the state we give it leads to one address, may
be used once, and the key has to work at that address before anything is believed.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from stores.models import Invitation, KeyHandover, Store, User, Workspace
from stores.names import free_name
from stores.secrets import digest
from stores.shops import ShopError
from stores.woocommerce.client import Rest
from stores.woocommerce.probe import find_way, read_index
from stores.woocommerce.webhooks import mend_webhooks, new_secret

APP_NAME = "Connector"
LASTS = timedelta(minutes=30)
KEPT_FOR = timedelta(days=1)
LONGEST_KEY = 60


def begin_handover(
    *,
    workspace: Workspace,
    user: User,
    url: str,
    session_key: str,
    invitation: Invitation | None = None,
) -> str:
    """The address in the shop at which its manager approves. Raises ShopError where no shop is."""
    read_index(url)
    state = secrets.token_urlsafe(32)
    handover = KeyHandover.objects.create(
        workspace=workspace,
        user=user,
        invitation=invitation,
        url=url,
        state_digest=digest(state),
        session_digest=digest(session_key),
    )
    query = {
        "app_name": APP_NAME,
        "scope": "read_write",  # orders are read, webhooks are written
        "user_id": state,
        "return_url": f"{settings.APP_URL}/woocommerce/connect/{handover.pk}/",
        "callback_url": f"{settings.APP_URL}/woocommerce/connect/callback/",
    }
    return f"{url}/wc-auth/v1/authorize/?{urlencode(query, quote_via=quote)}"


def receive_key(*, state: str, consumer_key: str, consumer_secret: str, now: datetime) -> bool:
    """Keep the key that a shop hands over; False for a state that is not ours, used, or too old."""
    waiting = KeyHandover.objects.filter(
        state_digest=digest(state), received_at=None, created_at__gt=now - LASTS
    )
    return bool(
        waiting.update(consumer_key=consumer_key, consumer_secret=consumer_secret, received_at=now)
    )


def forget_handovers(*, now: datetime) -> None:
    """Erase those that are a day old, with the keys that nobody came back for."""
    KeyHandover.objects.filter(created_at__lt=now - KEPT_FOR).delete()


def finish_handover(handover: KeyHandover) -> Store:
    """The store, once the key works at the address it was asked for. Raises ShopError."""
    try:
        store = connect_store(
            workspace=handover.workspace,
            url=handover.url,
            consumer_key=handover.consumer_key,
            consumer_secret=handover.consumer_secret,
        )
    except ShopError as error:
        KeyHandover.objects.filter(pk=handover.pk).update(reason=error.reason)
        raise
    KeyHandover.objects.filter(pk=handover.pk).update(
        store=store, consumer_key="", consumer_secret="", reason=""
    )
    return store


def connect_store(
    *, workspace: Workspace, url: str, consumer_key: str, consumer_secret: str
) -> Store:
    """The store of the shop at `url`, with a key that works and webhooks that are there.

    A store that the workspace has already keeps its place, its ledger and its webhook address. Raises
    ShopError; a store that is new then leaves nothing behind.
    """
    index = read_index(url)
    way = find_way(url=url, consumer_key=consumer_key, consumer_secret=consumer_secret)
    with transaction.atomic():
        Workspace.objects.select_for_update().get(pk=workspace.pk)  # two tabs make one store
        store = workspace.stores.filter(url=url, platform=Store.Platform.WOOCOMMERCE).first()
        is_new = store is None
        store = store or _new_store(workspace, url, index.name, index.time_zone)
        store.consumer_key, store.consumer_secret = consumer_key, consumer_secret
        store.secret_names = {}
        store.rest_auth, store.connected = way, True
        store.webhook_secret = store.webhook_secret or new_secret()
        store.save()
    try:
        rest = Rest(url=url, consumer_key=consumer_key, consumer_secret=consumer_secret, way=way)
        mend_webhooks(store, rest=rest)
    except ShopError:
        if is_new:
            store.delete()
        raise
    return store


def _new_store(workspace: Workspace, url: str, name: str, time_zone: str) -> Store:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return Store(
        workspace=workspace,
        key=_free_key(workspace, slugify((host + parts.path).replace(".", "-"))[:50] or "shop"),
        name=name or host,
        platform=Store.Platform.WOOCOMMERCE,
        domain=host,
        url=url,
        time_zone=time_zone,
        by_hand=True,
    )


def _free_key(workspace: Workspace, wanted: str) -> str:
    taken = set(workspace.stores.filter(key__startswith=wanted).values_list("key", flat=True))
    return free_name(wanted, taken)
