"""What browsers have told of checkouts: kept until the order comes, and joined to it.

The order and the browser may come in either order and at the same time: both write the checkout's row
first, so that the second sees what the first has brought.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
import structlog
from django.db.models import QuerySet
from msgspec.structs import replace

from conversions.models import BrowserVisit
from conversions.sightings import Sighting
from purchases.browser import Told, read_told, with_told
from stores.models import Store
from stores.secrets import CannotOpen, Ring, store_ring
from stores.sql import rows, run, run_in_parts

log = structlog.get_logger(__name__)

# The later word of one browser counts, in whichever order the two arrive.
KEEP = """
INSERT INTO conversions_browservisit AS visit
    (store_id, checkout, body, marketing, sale_of_data, said_at, told_at)
VALUES (%s, %s, %s, %s, %s, %s, now())
ON CONFLICT (store_id, checkout) DO UPDATE
SET body = EXCLUDED.body, marketing = EXCLUDED.marketing, sale_of_data = EXCLUDED.sale_of_data,
    said_at = EXCLUDED.said_at, told_at = EXCLUDED.told_at
WHERE visit.said_at IS NULL OR visit.said_at <= EXCLUDED.said_at
RETURNING order_id
"""

MEET = """
INSERT INTO conversions_browservisit AS visit (store_id, checkout, order_id)
SELECT * FROM unnest(%s::bigint[], %s::bytea[], %s::text[])
ON CONFLICT (store_id, checkout) DO UPDATE SET order_id = EXCLUDED.order_id
WHERE visit.order_id <> EXCLUDED.order_id
"""

FIND = """
SELECT store_id, checkout, body FROM conversions_browservisit
JOIN unnest(%s::bigint[], %s::bytea[]) AS wanted (store_id, checkout) USING (store_id, checkout)
WHERE body IS NOT NULL
"""

FORGET = """
UPDATE conversions_browservisit SET body = NULL WHERE id IN (
    SELECT id FROM conversions_browservisit
    WHERE body IS NOT NULL AND told_at < now() - interval '8 days' LIMIT %s FOR UPDATE SKIP LOCKED)
"""
ABANDON = """
DELETE FROM conversions_browservisit WHERE id IN (
    SELECT id FROM conversions_browservisit
    WHERE order_id = '' AND met_at < now() - interval '8 days' LIMIT %s FOR UPDATE SKIP LOCKED)
"""
AT_ONCE = 5_000


def keep(told: Told, *, store_id: int, ring: Ring) -> str:
    """Keep what a browser has told; returns the order's number if the order has come before, or "".

    Must run inside a transaction: what follows from it must be seen by whoever sees it.
    """
    key = checkout_key(store_id, told.checkout)
    sealed = ring.seal(msgspec.json.encode(told), purpose=_purpose(key))
    values = (store_id, key, sealed, told.marketing, told.sale_of_data, told.said_at)
    return next((order_id for (order_id,) in rows(KEEP, values)), "")


def meet(sightings: Sequence[Sighting]) -> None:
    """Write down to which order each checkout belongs, where a browser may tell of it.

    Must run inside the transaction that records the orders.
    """
    known = {(store, key): order for store, key, order in map(_place, _awaiting(sightings))}
    if known:
        places = sorted((store, key, order) for (store, key), order in known.items())
        run(MEET, [list(column) for column in zip(*places, strict=True)])


def with_visits(sightings: Sequence[Sighting]) -> Sequence[Sighting]:
    """The sightings, each with what a browser has told of its checkout; at most one query."""
    if not (awaiting := _awaiting(sightings)):
        return sightings
    wanted = zip(*[_place(sighting)[:2] for sighting in awaiting], strict=True)
    told = {
        (store_id, bytes(key)): bytes(body)
        for store_id, key, body in rows(FIND, [list(column) for column in wanted])
    }
    return [_joined(sighting, told) for sighting in sightings] if told else sightings


def forget() -> int:
    """Erase what browsers told eight days ago, and checkouts that no order came of. Returns how many."""
    return run_in_parts(FORGET, [], most=AT_ONCE) + run_in_parts(ABANDON, [], most=AT_ONCE)


def erase(found: QuerySet[BrowserVisit]) -> int:
    """Erase what browsers told, where it is kept; returns of how many checkouts."""
    return found.filter(body__isnull=False).update(body=None)


def opened(found: QuerySet[BrowserVisit]) -> list[Told]:
    """What browsers told, where it is kept. Raises CannotOpen."""
    kept = found.filter(body__isnull=False).select_related("store")
    return [_opened(bytes(visit.body or b""), bytes(visit.checkout), visit.store) for visit in kept]


def checkout_key(store_id: int, token: str) -> bytes:
    """What a checkout is known by here, instead of its token."""
    return hashlib.sha256(f"{store_id} {token}".encode()).digest()[:16]


def _awaiting(sightings: Sequence[Sighting]) -> list[Sighting]:
    return [
        sighting
        for sighting in sightings
        if sighting.store.browser and sighting.order.checkout_token
    ]


def _place(sighting: Sighting) -> tuple[int, bytes, str]:
    store_id, order = sighting.store.pk, sighting.order
    return store_id, checkout_key(store_id, order.checkout_token), order.shop_order_id


def _joined(sighting: Sighting, told: dict[tuple[int, bytes], bytes]) -> Sighting:
    store_id, key, _order_id = _place(sighting)
    if (body := told.get((store_id, key))) is None:
        return sighting
    try:
        visit = _opened(body, key, sighting.store)
    except CannotOpen:  # one row must not stop the batch
        log.exception("visit.cannot_open", store=store_id)
        return sighting
    return replace(sighting, order=with_told(sighting.order, visit))


def _opened(body: bytes, key: bytes, store: Store) -> Told:
    return read_told(store_ring(bytes(store.sealed_key)).open(body, purpose=_purpose(key)))


def _purpose(key: bytes) -> str:
    return f"visit.{key.hex()}"
