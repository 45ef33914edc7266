"""Drawing up balances: each store's by night, or when somebody asks; what is missing is taken in."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import structlog
from django.db.models.functions import Now

from dashboard.balance import balance_store
from dashboard.models import BalanceRun
from shop_webhooks.readers import readable_stores
from shop_webhooks.turns import end_badly, end_well, take_turn
from stores.models import Store

log = structlog.get_logger(__name__)

DAYS = 7
AT_NIGHT = 3  # o'clock, by the store's own
LEASE = timedelta(minutes=30)
LONGEST_PAUSE = timedelta(hours=1)
# What was bought a moment ago is on its way: the sweep has this long to find it.
STILL_COMING = timedelta(minutes=30)


def balance_next(*, now: datetime) -> bool:
    """Draw up the balance of the store whose turn it is; False where none is due."""
    turn = take_turn(BalanceRun, stores=readable_stores(), lease=LEASE)
    if turn is None:
        return False
    store = Store.objects.get(pk=turn.store_id)
    since, until = last_days(store, now=now)
    found = balance_store(store=store, since=since, until=until, heal=True)
    if not found.complete:
        end_badly(turn, reason=found.reason, longest=LONGEST_PAUSE, retry_after=0)
        log.warning("balance.unknown", store=store.key, reason=found.reason)
        return True
    result = msgspec.to_builtins(found)
    listed = result.pop("listed")
    end_well(turn, again_in=_until_night(store, now=now), result=result, listed=listed)
    counted = {"orders": found.orders, "differ": len(found.differences)}
    log.info("balance.known", store=store.key, healed=len(found.healed), **counted)
    return True


def balance_soon(store: Store) -> None:
    """Have the store's balance drawn up at once, unless somebody is at it."""
    BalanceRun.objects.bulk_create([BalanceRun(store=store)], ignore_conflicts=True)
    BalanceRun.objects.filter(store=store, lease=None).update(due_at=Now())


def last_days(store: Store, *, now: datetime) -> tuple[datetime, datetime]:
    """From midnight (of the store) a week ago until what no longer can be on its way."""
    today = now.astimezone(ZoneInfo(store.time_zone)).replace(hour=0, minute=0, second=0)
    return (today - timedelta(days=DAYS)).replace(microsecond=0), now - STILL_COMING


def _until_night(store: Store, *, now: datetime) -> timedelta:
    local = now.astimezone(ZoneInfo(store.time_zone))
    night = local.replace(hour=AT_NIGHT, minute=0, second=0, microsecond=0)
    if night <= local:
        night += timedelta(days=1)
    return night.astimezone(now.tzinfo) - now
