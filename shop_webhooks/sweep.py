"""The sweep: orders read back from the shop's own API, into the same inbox. Webhooks are only hints.

A shop that was told 503, that switched our webhook off, or whose queue stands still sends nothing again
(WooCommerce) or gives up (Shopify). So each store is asked every few minutes what changed since the last
time, with an overlap for what was written late. What a webhook brought is there already.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db.models import F
from django.db.models.functions import Now

from shop_webhooks import inbox
from shop_webhooks.models import Sweep
from shop_webhooks.readers import READERS, readable_stores
from shop_webhooks.turns import end_badly, end_well, still_ours, take_turn
from stores.models import Store
from stores.shops import ShopError
from stores.woocommerce.probe import forget_way, reason_of

log = structlog.get_logger(__name__)

# An order is to be found within 15 minutes of being made.
EVERY = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(minutes=5)
OVERLAP = timedelta(minutes=10)
RESOLUTION = timedelta(seconds=1)
# A shop with a year to tell must not keep the others waiting: it goes on in its next turn.
BUDGET_SECONDS = 120.0
BUDGET_ORDERS = 5_000
LEASE = timedelta(minutes=10)
FORGET_WAY = ("key_unknown", "key_refused")


def sweep_next() -> bool:
    """Read back the store whose turn it is; False where none is due."""
    turn = take_turn(Sweep, stores=readable_stores(), lease=LEASE)
    if turn is None:
        return False
    store = Store.objects.get(pk=turn.store_id)
    try:
        complete, new = _read_back(store, turn)
    except ShopError as error:
        reason = reason_of(error, url=store.url)
        if reason in FORGET_WAY:
            forget_way(store)
        end_badly(turn, reason=reason, longest=LONGEST_PAUSE, retry_after=error.retry_after)
        log.warning("sweep.failed", store=store.key, reason=reason)
        return True
    end_well(turn, again_in=EVERY if complete else timedelta())
    if new:
        log.info("sweep.found", store=store.key, deliveries=new, complete=complete)
    return True


def sweep_soon(store: Store) -> None:
    """Have the store read back at the next occasion: it may have missed something."""
    Sweep.objects.filter(store=store, lease=None).update(due_at=Now())


def _read_back(store: Store, turn: Sweep) -> tuple[bool, int]:
    """Whether the end was reached, and how many deliveries were new. Raises ShopError."""
    reader = READERS[store.platform]
    end, orders, found = time.monotonic() + BUDGET_SECONDS, 0, 0
    for page in reader.read_changed(store=store, since=_since(store, turn)):
        new = inbox.store_swept(store=store, topic=reader.topic, bodies=page.bodies)
        found += new
        changes: dict[str, Any] = {"unfinished": not page.complete}
        if page.read_up_to:
            changes |= {"read_up_to": page.read_up_to}
        if new:
            changes |= {"found": F("found") + new, "found_at": Now()}
        if not still_ours(turn, **changes):
            return False, found  # our lease ran out, and another worker reads
        orders += len(page.bodies)
        if page.complete:
            return True, found
        if orders >= BUDGET_ORDERS or time.monotonic() > end:
            return False, found
    return True, found


def _since(store: Store, turn: Sweep) -> datetime:
    """Where to begin. A sweep that goes on has read the overlap already: with it again, a shop that
    changed very many orders at once would never get to the end."""
    if turn.read_up_to is None:
        return store.created_at - OVERLAP
    return turn.read_up_to - (RESOLUTION if turn.unfinished else OVERLAP)
