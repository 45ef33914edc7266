"""Orders whose customer asked to be forgotten: what brings one back, a late webhook or the sweep, is
erased as soon as it is read.

A row names the order and nobody. Whoever buries an order waits for those who are recording orders at
this moment, and they see the stone from then on: nothing is written between the erasing and the stone.
"""

from __future__ import annotations

from collections.abc import Iterable

from shop_webhooks.models import Tombstone
from stores.models import Store
from stores.sql import rows, run

ALONE = "SELECT pg_advisory_xact_lock(%s)"
LOCK = 6_019_224  # any number that nothing else locks

# Waits for who buries, together with others, and then looks (migration 0008).
AMONG = "SELECT * FROM shop_webhooks_buried(%s, %s::bigint[], %s::text[])"
ERASE = "UPDATE shop_webhooks_webhookdelivery SET body = NULL WHERE id = ANY(%s)"

Orders = set[tuple[int, str]]  # store and order


def bury(stores: Iterable[Store], order_ids: Iterable[str]) -> None:
    """From now on these orders are forgotten again whenever they come back.

    Must run inside the transaction that erases them, before it does.
    """
    rows(ALONE, [LOCK])
    ids = sorted(set(filter(None, order_ids)))
    Tombstone.objects.bulk_create(
        [Tombstone(store=store, order_id=order_id) for store in stores for order_id in ids],
        ignore_conflicts=True,
    )


def among(orders: Orders) -> Orders:
    """Those of the orders that are buried. Must run inside the transaction that records the others."""
    if not orders:
        return set()
    columns = [list(column) for column in zip(*sorted(orders), strict=True)]
    return set(rows(AMONG, [LOCK, *columns]))


def erase(delivery_ids: list[int]) -> None:
    """What these deliveries said is gone."""
    if delivery_ids:
        run(ERASE, [delivery_ids])
