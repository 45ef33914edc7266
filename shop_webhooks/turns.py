"""Whose turn it is: each store in its time, one worker at a time, and nothing open meanwhile.

A lease like that of a pixel (docs/decisions/0006): a worker that dies holds a store up for the length
of it, and one that wakes up too late writes nothing.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from shop_webhooks.models import Turn
from stores.models import Store

AnyTurn = TypeVar("AnyTurn", bound=Turn)

FIRST_PAUSE = timedelta(minutes=1)


def take_turn(turns: type[AnyTurn], *, stores: QuerySet[Store], lease: timedelta) -> AnyTurn | None:
    """The turn of the store, of `stores`, that has waited longest; None where none is due."""
    new = stores.filter(**{f"{turns._meta.model_name}__isnull": True}).values_list("pk", flat=True)
    rows = turns._default_manager
    rows.bulk_create([turns(store_id=store_id) for store_id in new], ignore_conflicts=True)
    with transaction.atomic():
        due = rows.filter(store__in=stores.values("pk"), due_at__lte=Now()).order_by("due_at")
        turn = due.select_for_update(skip_locked=True).first()
        if turn is None:
            return None
        turn.lease = uuid.uuid4()
        rows.filter(pk=turn.pk).update(lease=turn.lease, due_at=Now() + lease)
    return turn


def still_ours(turn: Turn, **changes: Any) -> bool:
    """Write `changes` down, if the lease still is ours."""
    rows = type(turn)._default_manager
    return bool(rows.filter(pk=turn.pk, lease=turn.lease).update(**changes))


def end_well(turn: Turn, *, again_in: timedelta, **changes: Any) -> None:
    """The turn is over, and the next one comes."""
    still_ours(
        turn,
        lease=None,
        due_at=Now() + again_in,
        done_at=Now(),
        failures=0,
        **({"reason": ""} | changes),
    )


def end_badly(turn: Turn, *, reason: str, longest: timedelta, retry_after: float) -> None:
    """The shop gave no answer to use: again after a pause that doubles up to `longest`."""
    pause = min(FIRST_PAUSE * 2 ** min(turn.failures, 10), longest)
    still_ours(
        turn,
        lease=None,
        due_at=Now() + max(pause, timedelta(seconds=retry_after)),
        reason=reason,
        failures=F("failures") + 1 if turn.failures < 1000 else F("failures"),
    )
