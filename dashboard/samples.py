"""Some of each day's events of a dataset: enough for a median, and no more to read for a larger shop."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dashboard.queries import first_day, midnight
from stores.models import Pixel, Store
from stores.sql import rows

OF_A_DAY = 200

SAMPLE = """
SELECT days.day, event.* FROM unnest(%(days)s::date[], %(from)s::timestamptz[], %(to)s::timestamptz[])
    AS days (day, begins, ends)
CROSS JOIN LATERAL (
    SELECT {columns} FROM conversions_conversionevent
    WHERE store_id = %(store)s AND pixel_id = %(pixel)s AND event_name = 'Purchase'
      AND event_time >= days.begins AND event_time < days.ends AND {condition}
    ORDER BY event_time DESC LIMIT %(most)s
) AS event
"""


def sample(
    *, store: Store, pixel: Pixel, days: int, now: datetime, columns: str, condition: str
) -> list[tuple[Any, ...]]:
    """(day of the store's, columns…) of up to 200 purchases of each of the last `days`; one query."""
    first = first_day(store.time_zone, days=days, now=now)
    all_days = [first + timedelta(days=later) for later in range(days + 1)]
    midnights = [midnight(day, store.time_zone) for day in all_days]
    return rows(
        SAMPLE.format(columns=columns, condition=condition),
        {
            "days": all_days[:-1],
            "from": midnights[:-1],
            "to": midnights[1:],
            "store": store.pk,
            "pixel": pixel.pk,
            "most": OF_A_DAY,
        },
    )
