"""The heartbeat: our webhooks are in the shop and active, or made again, and the gap is swept.

A WooCommerce shop switches a webhook off after seven failures in a row, and tells nobody.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import structlog
from django.db.models.functions import Now

from shop_webhooks.models import Heartbeat, WebhookDelivery
from shop_webhooks.readers import readable_stores
from shop_webhooks.sweep import FORGET_WAY, sweep_soon
from shop_webhooks.turns import end_badly, end_well, still_ours, take_turn
from stores.models import Store
from stores.shops import ShopError
from stores.woocommerce.plugins import read_facts
from stores.woocommerce.probe import forget_way, reason_of, rest_of
from stores.woocommerce.webhooks import mend_webhooks, new_secret

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=10)
LEASE = timedelta(minutes=10)
PING_TAKES = timedelta(minutes=1)
FACTS_LAST = timedelta(days=1)


def check_next(*, now: datetime) -> bool:
    """See after the WooCommerce store whose turn it is; False where none is due."""
    turn = take_turn(Heartbeat, stores=readable_stores("woocommerce"), lease=LEASE)
    if turn is None:
        return False
    store = Store.objects.get(pk=turn.store_id)
    try:
        _check(store, turn, now=now)
    except ShopError as error:
        reason = reason_of(error, url=store.url)
        if reason in FORGET_WAY:
            forget_way(store)
        end_badly(turn, reason=reason, longest=EVERY, retry_after=error.retry_after)
        log.warning("heartbeat.failed", store=store.key, reason=reason)
    return True


def _check(store: Store, turn: Heartbeat, *, now: datetime) -> None:
    """Mend what is to be mended, and write down what was found. Raises ShopError."""
    rest = rest_of(store)
    if not store.webhook_secret:
        store.webhook_secret = new_secret()
        store.save(update_fields=["webhook_secret"])
    mended = mend_webhooks(store, rest=rest, renew=_brings_errors(store, since=turn.done_at))
    if mended.made:
        # What happened while nobody told us, the shop still knows.
        sweep_soon(store)
        still_ours(turn, mended_at=Now(), mended=", ".join(mended.made)[:200])
        log.warning("heartbeat.mended", store=store.key, topics=mended.made)
    if turn.facts_at is None or now - turn.facts_at > FACTS_LAST:
        facts = msgspec.to_builtins(read_facts(rest))
        still_ours(turn, facts=facts, facts_at=Now())
    reached = store.pinged_at is not None or _has_told(store)
    if mended.paused:
        end_well(turn, again_in=EVERY, reason="webhook_paused")
    elif reached:
        end_well(turn, again_in=EVERY)
    elif mended.made:  # just now: the shop may not have come to it
        end_well(turn, again_in=PING_TAKES)
    else:
        end_well(turn, again_in=EVERY, reason="webhook_unheard")


def _has_told(store: Store) -> bool:
    """Whether a webhook of the shop's has ever reached us."""
    return WebhookDelivery.objects.filter(
        store=store, source=WebhookDelivery.Source.WEBHOOK
    ).exists()


def _brings_errors(store: Store, *, since: datetime | None) -> bool:
    """Whether the shop signs errors in place of orders: the user who made the webhook lost the right.

    New ones belong to the user of our key.
    """
    errors = WebhookDelivery.objects.filter(store=store, reason="shop_error")
    return since is not None and errors.filter(received_at__gt=since).exists()
