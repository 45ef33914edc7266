"""Numbers that a shop gives a second time: it was set up anew at its old address, or came back from a
backup. Its new order 1001 is not the old one, which steps aside in the ledger as `1001-<mark>`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import structlog

from conversions.sightings import Sighting
from stores.sql import run

log = structlog.get_logger(__name__)

# Meta discards a second arrival of an event id for 48 h; the hour is for clocks.
ID_IS_FREE_AFTER = timedelta(hours=49)

# Two signs, since a wrong guess would count an order twice: another order key, and an order that was not
# there yet when we had heard of the row's.
STEP_ASIDE = """
UPDATE conversions_conversionevent AS event
SET order_id = event.order_id || '-' || to_hex(event.order_mark),
    event_id = CASE WHEN event.event_id = '' OR event.state IN ('waiting', 'pending', 'in_doubt')
                      OR GREATEST(event.accepted_at, event.first_unknown_at) > now() - %s
                    THEN event.event_id
                    ELSE left(event.event_id, 190) || '-' || to_hex(event.order_mark) END
FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::timestamptz[])
    AS news (store_id, order_id, order_mark, entered_at)
WHERE (event.store_id, event.order_id) = (news.store_id, news.order_id)
  AND event.order_mark <> news.order_mark AND event.received_at < news.entered_at
"""


def step_aside(sightings: Sequence[Sighting]) -> None:
    """Make place in the ledger for orders that bear the number of another one.

    Must run inside the transaction that records them.
    """
    marked = [
        (sighting.store.pk, order.shop_order_id, order.mark, order.entered_at)
        for sighting in sightings
        if (order := sighting.order).mark is not None
    ]
    if not marked:
        return
    columns = [list(column) for column in zip(*marked, strict=True)]
    if moved := run(STEP_ASIDE, [ID_IS_FREE_AFTER, *columns]):
        log.warning("orders.numbered_anew", events=moved)
