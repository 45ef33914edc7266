"""Whether we are in touch with a store's shop: its key, our webhooks there, and what was read back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now
from msgspec import Struct

from dashboard.reasons import in_words
from shop_webhooks.models import Heartbeat, Sweep
from stores.models import Membership, Store, User
from stores.shop_words import ADVICE, FIXES


class Beside(Struct, frozen=True, kw_only=True):
    """A plug-in of the shop that matters to us, and what we recommend."""

    name: str
    version: str
    sends: bool
    advice: str


class Connection(Struct, frozen=True, kw_only=True):
    """What the page tells. `problem` and `fix` are of whatever failed last, "" if nothing did."""

    has_key: bool
    way: str
    may_change: bool
    problem: str
    fix: str
    checked_at: datetime | None
    pinged_at: datetime | None
    mended_at: datetime | None
    mended: str
    swept_at: datetime | None
    read_up_to: datetime | None
    found: int
    found_at: datetime | None
    version: str
    runs_cron: bool
    plugins: list[Beside]


def read_connection(*, store: Store, user: User) -> Connection:
    """Three queries. A store that was not looked at yet has neither heartbeat nor sweep."""
    beat = Heartbeat.objects.filter(store=store).first() or Heartbeat(reason="", mended="")
    sweep = Sweep.objects.filter(store=store).first() or Sweep(reason="", found=0)
    has_key = bool(store.consumer_key)
    reason = (beat.reason or sweep.reason) if has_key else "no_key"
    facts: dict[str, Any] = beat.facts
    return Connection(
        has_key=has_key,
        way=store.get_rest_auth_display() if store.rest_auth else "",
        may_change=changeable_stores(user=user).filter(pk=store.pk).exists(),
        problem=in_words(reason),
        fix=str(FIXES.get(reason, "")),
        checked_at=beat.done_at,
        pinged_at=store.pinged_at,
        mended_at=beat.mended_at,
        mended=beat.mended,
        swept_at=sweep.done_at,
        read_up_to=sweep.read_up_to,
        found=sweep.found,
        found_at=sweep.found_at,
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
