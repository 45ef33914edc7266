"""How many events and how much money, by day and state, without counting the ledger.

Triggers write the differences (migrations/0008); the sum over a key's rows is the truth at any moment,
merged or not.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet, Sum

from conversions.models import LedgerTotal
from stores.sql import rows, run

KEY = "store_id, day, pixel_id, event_name, state, currency"
AT_ONCE = 50_000

# One at a time: so that nobody adds to what a change of zone has just made anew.
LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('conversions_ledgertotal'))"

MERGE = f"""
WITH differences AS (
    DELETE FROM conversions_ledgertotal
    WHERE id IN (SELECT id FROM conversions_ledgertotal WHERE NOT merged ORDER BY id LIMIT %s)
    RETURNING *
)
INSERT INTO conversions_ledgertotal AS total ({KEY}, events, orders, value, merged)
SELECT {KEY}, sum(events), sum(orders), sum(value), TRUE FROM differences GROUP BY {KEY}
ON CONFLICT ({KEY}) WHERE merged DO UPDATE
SET events = total.events + EXCLUDED.events, orders = total.orders + EXCLUDED.orders,
    value = total.value + EXCLUDED.value
"""


def merge() -> None:
    """Make one row of each key's many, unless somebody is at it."""
    with transaction.atomic():
        ((ours,),) = rows(LOCK)
        if ours:
            run(MERGE, [AT_ONCE])


def summed(totals: QuerySet[LedgerTotal], *key: str) -> list[tuple[Any, ...]]:
    """(key…, events, orders, value) of these totals; one query."""
    found = totals.order_by().values_list(*key)
    return list(found.annotate(Sum("events"), Sum("orders"), Sum("value")))
