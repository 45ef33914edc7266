"""What the product's tables say: the ledger, what is still under way, and where they contradict."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chaos.history import Entry, Key
from chaos.installation import Installation

LEDGER = """
SELECT store.key, event.order_id, pixel.pixel_id, event.event_id, event.state, event.reason,
       extract(epoch FROM event.cut_off)::float
FROM conversions_conversionevent AS event
JOIN stores_store AS store ON store.id = event.store_id
JOIN stores_pixel AS pixel ON pixel.id = event.pixel_id
"""

# What there is to do, and in how many seconds the next of it may be done.
UNDER_WAY = """
WITH unread AS (
    SELECT count(*) AS number, min(not_before) AS due
    FROM shop_webhooks_webhookdelivery WHERE state = 'received'
), owed AS (
    SELECT count(*) AS number,
           min(greatest(event.not_before, queue.not_before,
                        CASE WHEN pixel.broken_reason <> '' THEN queue.probe_at END)) AS due
    FROM conversions_conversionevent AS event
    JOIN stores_pixel AS pixel ON pixel.id = event.pixel_id
    LEFT JOIN conversions_pixelqueue AS queue ON queue.pixel_id = event.pixel_id
    WHERE event.state IN ('pending', 'in_doubt') AND NOT event.held
)
SELECT unread.number, owed.number,
       (SELECT count(*) FROM conversions_sendattempt WHERE finished_at IS NULL),
       (SELECT count(*) FROM conversions_sendattempt),
       extract(epoch FROM least(unread.due, owed.due) - clock_timestamp())::float
FROM unread, owed
"""

# Each is a sentence for every row that should not be there.
CONTRADICTIONS = (
    """
SELECT format('delivery %s of %s is recorded, and order %s has no row for %s',
              delivery.id, store.key, delivery.order_id, pixel.pixel_id)
FROM shop_webhooks_webhookdelivery AS delivery
JOIN stores_store AS store ON store.id = delivery.store_id
JOIN stores_pixelmapping AS mapping ON mapping.store_id = store.id AND mapping.enabled
JOIN stores_pixel AS pixel ON pixel.id = mapping.pixel_id
WHERE delivery.state = 'recorded' AND NOT EXISTS (
    SELECT 1 FROM conversions_conversionevent AS event
    WHERE event.store_id = store.id AND event.order_id = delivery.order_id
      AND event.pixel_id = pixel.id)
""",
    """
SELECT format('event %s is accepted, and no accepted attempt carried it', event.id)
FROM conversions_conversionevent AS event
WHERE event.state = 'accepted' AND NOT EXISTS (
    SELECT 1 FROM conversions_attemptedevent AS attempted
    JOIN conversions_sendattempt AS attempt ON attempt.id = attempted.attempt_id
    WHERE attempted.event_id = event.id AND attempt.outcome = 'accepted')
""",
    """
SELECT format('event %s is %s, and an accepted attempt carried it', event.id, event.state)
FROM conversions_conversionevent AS event
WHERE event.state NOT IN ('accepted') AND EXISTS (
    SELECT 1 FROM conversions_attemptedevent AS attempted
    JOIN conversions_sendattempt AS attempt ON attempt.id = attempted.attempt_id
    WHERE attempted.event_id = event.id AND attempt.outcome = 'accepted')
""",
    """
SELECT format('attempt %s is open, and nobody is at work', id)
FROM conversions_sendattempt WHERE finished_at IS NULL
""",
    """
SELECT format('delivery %s is still %s after %s claims', id, state, claims)
FROM shop_webhooks_webhookdelivery WHERE state = 'received'
""",
    """
SELECT format('event %s is still %s (%s)', id, state, reason)
FROM conversions_conversionevent WHERE state IN ('pending', 'in_doubt') AND NOT held
""",
    """
SELECT format('event %s of store %s is for pixel %s of another workspace', event.id, store.key,
              pixel.pixel_id)
FROM conversions_conversionevent AS event
JOIN stores_store AS store ON store.id = event.store_id
JOIN stores_pixel AS pixel ON pixel.id = event.pixel_id
WHERE store.workspace_id <> pixel.workspace_id
""",
)


@dataclass(frozen=True, kw_only=True)
class UnderWay:
    """What is still to be done, and when the next of it is due."""

    unread: int
    owed: int
    open_attempts: int
    attempts: int
    due_in: float | None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.unread or self.owed or self.open_attempts)

    @property
    def progress(self) -> tuple[int, ...]:
        """What changes while somebody is at work."""
        return self.unread, self.owed, self.open_attempts, self.attempts


def under_way(installation: Installation) -> UnderWay:
    """How it stands now. Raises psycopg.Error while the database cannot say."""
    ((unread, owed, open_attempts, attempts, due_in),) = installation.sql(UNDER_WAY)
    return UnderWay(
        unread=unread, owed=owed, open_attempts=open_attempts, attempts=attempts, due_in=due_in
    )


def entries(installation: Installation) -> list[Entry]:
    """The whole ledger; its cut-offs on Meta's clock, which is ahead of the machine's."""
    return [
        Entry(
            store=store,
            order_id=order_id,
            pixel=pixel,
            event_id=event_id,
            state=state,
            reason=reason,
            cut_off=cut_off + installation.skipped,
        )
        for store, order_id, pixel, event_id, state, reason, cut_off in installation.sql(LEDGER)
    ]


def contradictions(installation: Installation) -> list[str]:
    """Where the tables say one thing and its contrary."""
    return [text for query in CONTRADICTIONS for (text,) in installation.sql(query)]


def own_count(installation: Installation) -> list[str]:
    """What the product itself finds, by `manage.py imbalance`."""
    done = installation.run("imbalance", "--since", "30d", "--json")
    if not done.stdout:
        return [f"manage.py imbalance ends with {done.returncode}: {done.stderr.strip()}"]
    return [
        f"manage.py imbalance: {check['count']} × {check['what']} (ids {check['ids']})"
        for check in json.loads(done.stdout)["checks"]
        if check["count"]
    ]


def story_of(installation: Installation, key: Key) -> list[str]:
    """All that the tables know of one order at one pixel, as lines."""
    store, order_id, pixel = key
    values = {"store": store, "order": order_id, "pixel": pixel}
    lines: list[str] = []
    for title, query in STORY:
        for row in installation.sql(query, values):
            lines.append(f"{title}: {' · '.join(map(_word, row))}")
    return lines


_word: Callable[[Any], str] = str
STORY = (
    (
        "delivery",
        """
SELECT delivery.id, topic, state, reason, 'repeats ' || repeats, 'claims ' || claims,
       'received ' || delivery.received_at, 'read ' || processed_at
FROM shop_webhooks_webhookdelivery AS delivery
JOIN stores_store AS store ON store.id = delivery.store_id
WHERE store.key = %(store)s AND order_id = %(order)s ORDER BY delivery.id
""",
    ),
    (
        "given up in this shop",
        """
SELECT delivery.id, topic, state, reason, 'claims ' || claims,
       'received ' || delivery.received_at, 'given up ' || processed_at
FROM shop_webhooks_webhookdelivery AS delivery
JOIN stores_store AS store ON store.id = delivery.store_id
WHERE store.key = %(store)s AND state IN ('unreadable', 'forgotten') ORDER BY delivery.id
""",
    ),
    (
        "event",
        """
SELECT event.id, event_id, state, reason, 'attempts ' || attempts, 'placed ' || event_time,
       'not before ' || event.not_before, 'cut-off ' || cut_off,
       'first unknown ' || first_unknown_at, 'accepted ' || accepted_at
FROM conversions_conversionevent AS event
JOIN stores_store AS store ON store.id = event.store_id
JOIN stores_pixel AS pixel ON pixel.id = event.pixel_id
WHERE store.key = %(store)s AND order_id = %(order)s AND pixel.pixel_id = %(pixel)s
""",
    ),
    (
        "step",
        """
SELECT at, step.state, step.reason, 'attempt ' || attempt_id
FROM conversions_eventtransition AS step
JOIN conversions_conversionevent AS event ON event.id = step.event_id
JOIN stores_store AS store ON store.id = event.store_id
JOIN stores_pixel AS pixel ON pixel.id = event.pixel_id
WHERE store.key = %(store)s AND order_id = %(order)s AND pixel.pixel_id = %(pixel)s
ORDER BY step.id
""",
    ),
    (
        "attempt",
        """
SELECT attempt.id, 'begun ' || started_at, 'ended ' || finished_at, outcome, attempt.reason,
       http_status, event_count || ' events', attempt.fbtrace_id
FROM conversions_sendattempt AS attempt
JOIN conversions_attemptedevent AS attempted ON attempted.attempt_id = attempt.id
JOIN conversions_conversionevent AS event ON event.id = attempted.event_id
JOIN stores_store AS store ON store.id = event.store_id
JOIN stores_pixel AS pixel ON pixel.id = event.pixel_id
WHERE store.key = %(store)s AND order_id = %(order)s AND pixel.pixel_id = %(pixel)s
ORDER BY attempt.id
""",
    ),
)
