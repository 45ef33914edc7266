"""What changes in days and is only to be seen against the weeks before: a silence, a fall."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from dashboard.alerts.causes import Alarm, Cause, Level
from dashboard.alerts.checks import SILENT_FOR, Check
from dashboard.alerts.flow import SPANS, WEEKS, has_stopped
from purchases.meta.match_quality import estimate
from stores.sql import rows

STILL_COMING = timedelta(minutes=10)
FEWEST = 50  # orders from which on a mean says something
FELL_BY = 0.7  # of ten

# Stores whose shop cannot be read: only their past says whether silence means something.
UNREAD = """
SELECT store.workspace_id, store.id FROM stores_store AS store
LEFT JOIN shop_webhooks_sweep AS sweep ON sweep.store_id = store.id
WHERE store.connected
  AND (sweep.done_at IS NULL OR sweep.done_at < %(now)s - %(silent)s::interval)
  AND EXISTS (SELECT 1 FROM stores_pixelmapping AS mapping
              WHERE mapping.store_id = store.id AND mapping.enabled)
"""
# By span, and in it from this week to four weeks ago.
ORDERS_IN = """
SELECT (SELECT count(DISTINCT order_id) FROM conversions_conversionevent
        WHERE store_id = %(store)s AND event_time > %(end)s - week * interval '7 days' - span
          AND event_time <= %(end)s - week * interval '7 days')
FROM unnest(%(spans)s::interval[]) WITH ORDINALITY AS spans (span, place)
CROSS JOIN generate_series(0, %(weeks)s) AS week ORDER BY place, week
"""
IDENTIFIERS = """
SELECT store.workspace_id, event.store_id, event.pixel_id,
       array_agg(event.identifiers) FILTER (WHERE event.event_time > %(now)s - interval '7 days'),
       array_agg(event.identifiers) FILTER (WHERE event.event_time <= %(now)s - interval '7 days')
FROM stores_pixelmapping AS mapping JOIN stores_store AS store ON store.id = mapping.store_id
CROSS JOIN LATERAL (
    (SELECT store_id, pixel_id, identifiers, event_time FROM conversions_conversionevent
     WHERE store_id = mapping.store_id AND pixel_id = mapping.pixel_id AND identifiers IS NOT NULL
       AND event_time > %(now)s - interval '7 days' ORDER BY event_time DESC LIMIT 500)
    UNION ALL
    (SELECT store_id, pixel_id, identifiers, event_time FROM conversions_conversionevent
     WHERE store_id = mapping.store_id AND pixel_id = mapping.pixel_id AND identifiers IS NOT NULL
       AND event_time <= %(now)s - interval '7 days' AND event_time > %(now)s - interval '28 days'
     ORDER BY event_time DESC LIMIT 500)) AS event
WHERE mapping.enabled AND store.connected GROUP BY 1, 2, 3
"""
BROWSERS = """
SELECT store.workspace_id, store.id FROM stores_store AS store
WHERE store.connected AND store.browser <> '{}'::jsonb
  AND EXISTS (SELECT 1 FROM conversions_browservisit AS visit
              WHERE visit.store_id = store.id AND visit.told_at > %(now)s - interval '8 days')
  AND NOT EXISTS (SELECT 1 FROM conversions_browservisit AS visit
                  WHERE visit.store_id = store.id AND visit.told_at > %(now)s - interval '1 day')
  AND (SELECT count(*) FROM conversions_browservisit AS visit
       WHERE visit.store_id = store.id AND visit.order_id <> ''
         AND visit.met_at > %(now)s - interval '1 day') >= 10
"""


def stopped_flows(now: datetime) -> Iterator[Alarm]:
    """Shops that nobody can read, and that are silent where they never were."""
    for workspace, store in rows(UNREAD, {"now": now, "silent": SILENT_FOR}):
        if _has_stopped(store, now=now):
            yield Alarm(workspace=workspace, cause=Cause.FLOW_STOPPED, level=Level.BAD, store=store)


def fallen_quality(now: datetime) -> Iterator[Alarm]:
    """Stores of whose buyers Meta is told less than in the weeks before."""
    for workspace, store, pixel, lately, before in rows(IDENTIFIERS, {"now": now}):
        if has_fallen(lately or (), before=before or ()):
            yield Alarm(
                workspace=workspace,
                cause=Cause.QUALITY_FELL,
                level=Level.CARE,
                store=store,
                pixel=pixel,
            )


def has_fallen(lately: Sequence[int], *, before: Sequence[int]) -> bool:
    """Whether the estimate of the orders with these identifiers is clearly less than `before`."""
    enough = len(lately) >= FEWEST and len(before) >= FEWEST
    return enough and _mean(before) - _mean(lately) >= FELL_BY


def silent_browsers(now: datetime) -> Iterator[Alarm]:
    """Stores whose browsers told us last week, and have stopped while orders came."""
    for workspace, store in rows(BROWSERS, {"now": now}):
        yield Alarm(workspace=workspace, cause=Cause.BROWSER_SILENT, level=Level.CARE, store=store)


# Looked at every quarter of an hour: they read more, and nothing in them changes in a minute.
SLOW: Mapping[Cause, Check] = {
    Cause.FLOW_STOPPED: stopped_flows,
    Cause.QUALITY_FELL: fallen_quality,
    Cause.BROWSER_SILENT: silent_browsers,
}


def _has_stopped(store: int, *, now: datetime) -> bool:
    asked = {"store": store, "end": now - STILL_COMING, "spans": list(SPANS), "weeks": WEEKS}
    counts = [count for (count,) in rows(ORDERS_IN, asked)]
    each = WEEKS + 1
    return any(
        has_stopped(counts[first], before=counts[first + 1 : first + each])
        for first in range(0, len(counts), each)
    )


def _mean(masks: Sequence[int]) -> float:
    """Of many orders, which know only a few kinds of identifiers."""
    return sum(estimate(mask) * orders for mask, orders in Counter(masks).items()) / len(masks)
