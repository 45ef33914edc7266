"""What is wrong at this moment, of all workspaces: a few statements, whatever their number.

Each check is one cause. What a check no longer finds is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from dashboard.alerts.causes import Alarm, Cause, Level, stage_of
from stores.sql import rows

Check = Callable[[datetime], Iterator[Alarm]]

SOON = timedelta(hours=36)  # as the home page says it (dashboard/needs.py)
REJECTS = 3  # in a day
LATE_BY = timedelta(minutes=15)
SILENT_FOR = timedelta(minutes=30)
ANSWERED_IN = timedelta(hours=12)

OWED = """
SELECT pixel_id, currency, events, value FROM (
    SELECT pixel_id, currency, sum(events) AS events, sum(value) AS value
    FROM conversions_ledgertotal WHERE state IN ('pending', 'in_doubt')
    GROUP BY pixel_id, currency) AS owed
WHERE events > 0 ORDER BY events DESC
"""
BROKEN = """
SELECT pixel.id, pixel.workspace_id, pixel.broken_reason,
       (SELECT min(cut_off) FROM conversions_conversionevent AS event
        WHERE event.pixel_id = pixel.id AND event.state IN ('pending', 'in_doubt') AND NOT event.held)
FROM stores_pixel AS pixel
WHERE pixel.broken_reason <> '' AND EXISTS (
    SELECT 1 FROM stores_pixelmapping AS mapping
    JOIN stores_store AS store ON store.id = mapping.store_id
    WHERE mapping.pixel_id = pixel.id AND mapping.enabled AND store.connected)
"""
# The first in line says how long the line has stood: since it became due.
STUCK = """
SELECT pixel.id, pixel.workspace_id, head.cut_off FROM stores_pixel AS pixel
CROSS JOIN LATERAL (
    SELECT id, cut_off, received_at FROM conversions_conversionevent AS event
    WHERE event.pixel_id = pixel.id AND event.state IN ('pending', 'in_doubt') AND NOT event.held
    ORDER BY event.lane, event.id LIMIT 1) AS head
WHERE pixel.broken_reason = '' AND GREATEST(head.received_at, (
    SELECT max(at) FROM conversions_eventtransition AS step
    WHERE step.event_id = head.id AND step.state = 'pending')) < %(now)s - %(late)s::interval
"""
# What is not at Meta, by store; few rows, by an index of their own.
OPEN = """
SELECT store.workspace_id, event.store_id, event.currency, count(DISTINCT event.order_id),
       COALESCE(sum(event.value), 0), min(event.cut_off)
FROM conversions_conversionevent AS event JOIN stores_store AS store ON store.id = event.store_id
WHERE {condition} GROUP BY 1, 2, 3 ORDER BY 1, 2, 4 DESC
"""
EXPIRING = OPEN.format(
    condition="""event.state IN ('waiting', 'pending') AND event.cut_off > %(now)s
        AND event.cut_off <= %(now)s + %(soon)s::interval"""
)
TO_SETTLE = OPEN.format(condition="event.state = 'in_doubt' AND event.held")
REJECTED = OPEN.format(
    condition="event.state = 'rejected' AND event.received_at > %(now)s - interval '1 day'"
)
UNREADABLE = """
SELECT DISTINCT store.workspace_id, delivery.store_id
FROM shop_webhooks_webhookdelivery AS delivery JOIN stores_store AS store ON store.id = delivery.store_id
WHERE delivery.state = 'unreadable' AND delivery.received_at > %(now)s - interval '1 day'
"""
REFUSING = """
SELECT store.workspace_id, store.id, COALESCE(NULLIF(sweep.reason, ''), heartbeat.reason)
FROM stores_store AS store
LEFT JOIN shop_webhooks_sweep AS sweep ON sweep.store_id = store.id
LEFT JOIN shop_webhooks_heartbeat AS heartbeat ON heartbeat.store_id = store.id
WHERE store.connected AND (
    sweep.reason <> '' AND sweep.failures >= 3
    AND COALESCE(sweep.done_at, '-infinity') < %(now)s - %(silent)s::interval
    OR heartbeat.reason = 'webhook_paused'
    OR heartbeat.reason <> '' AND heartbeat.failures >= 3)
"""
# The shop's own books are the control: what it sold came by being read back, and not by a webhook.
SILENT = """
SELECT store.workspace_id, store.id, count(*)
FROM shop_webhooks_sweep AS sweep JOIN stores_store AS store ON store.id = sweep.store_id
JOIN shop_webhooks_webhookdelivery AS swept ON swept.store_id = store.id
WHERE store.connected AND sweep.found_at > %(now)s - interval '2 hours'
  AND swept.source = 'sweep' AND swept.state = 'recorded'
  AND swept.received_at > %(now)s - interval '2 hours'
  AND NOT EXISTS (
    SELECT 1 FROM shop_webhooks_webhookdelivery AS told
    WHERE told.store_id = store.id AND told.source = 'webhook'
      AND told.received_at > %(now)s - interval '2 hours')
GROUP BY 1, 2 HAVING count(*) >= 3
"""
# Shopify's requests name the shop; who has it connected answers.
REQUESTS = """
SELECT store.workspace_id, store.id, min(notice.due_at), min(notice.received_at)
FROM shop_webhooks_shopnotice AS notice
JOIN stores_store AS store
  ON store.domain = notice.shop AND store.platform = 'shopify' AND store.connected
WHERE notice.done_at IS NULL AND notice.topic = 'customers/data_request'
  AND notice.received_at < %(now)s - %(soon)s::interval
GROUP BY 1, 2
"""
TOKENS = """
SELECT id, workspace_id, token_expires_at FROM stores_pixel
WHERE token_expires_at IS NOT NULL AND broken_reason = '' AND access_token <> ''
  AND token_expires_at <= %(now)s + interval '30 days'
"""
TEST_CODES = """
SELECT id, workspace_id, test_event_code_until FROM stores_pixel
WHERE test_event_code <> '' AND test_event_code_until > %(now)s
  AND test_event_code_until < %(now)s + interval '22 hours'
"""


def look(checks: Mapping[Cause, Check], *, now: datetime) -> list[Alarm]:
    """Everything that the checks find."""
    return [alarm for check in checks.values() for alarm in check(now)]


def broken_pixels(now: datetime) -> Iterator[Alarm]:
    """Datasets that Meta refuses, with what waits for each."""
    found = rows(BROKEN)
    owed = _owed() if found else {}
    for pixel, workspace, reason, until in found:
        orders, money = owed.get(pixel, (0, ()))
        yield Alarm(
            workspace=workspace,
            cause=Cause.PIXEL_BROKEN,
            level=Level.BAD,
            pixel=pixel,
            orders=orders,
            money=money,
            until=until,
            reason=reason,
        )


def stuck_queues(now: datetime) -> Iterator[Alarm]:
    """Datasets whose orders are due and do not leave, though Meta has not refused them."""
    found = rows(STUCK, {"now": now, "late": LATE_BY})
    owed = _owed() if found else {}
    for pixel, workspace, until in found:
        orders, money = owed.get(pixel, (0, ()))
        yield Alarm(
            workspace=workspace,
            cause=Cause.QUEUE_STUCK,
            level=Level.BAD,
            pixel=pixel,
            orders=orders,
            money=money,
            until=until,
        )


def _of_orders(
    cause: Cause, level: Level, statement: str, *, least: int = 1, ends: bool = True
) -> Check:
    def check(now: datetime) -> Iterator[Alarm]:
        found: dict[tuple[int, int], list[tuple[Any, ...]]] = {}
        for workspace, store, *rest in rows(statement, {"now": now, "soon": SOON}):
            found.setdefault((workspace, store), []).append(tuple(rest))
        for (workspace, store), parts in found.items():
            orders = sum(orders for _currency, orders, _value, _until in parts)
            if orders >= least:
                yield Alarm(
                    workspace=workspace,
                    cause=cause,
                    level=level,
                    store=store,
                    orders=orders,
                    money=tuple(
                        (currency, value) for currency, _n, value, _until in parts if value
                    ),
                    until=min(until for *_rest, until in parts) if ends else None,
                )

    return check


def unreadable(now: datetime) -> Iterator[Alarm]:
    """Stores of which a delivery of the last day could not be read."""
    for workspace, store in rows(UNREADABLE, {"now": now}):
        yield Alarm(workspace=workspace, cause=Cause.UNREADABLE, level=Level.BAD, store=store)


def refusing_shops(now: datetime) -> Iterator[Alarm]:
    """Shops that do not let themselves be read, or whose webhooks somebody has paused."""
    for workspace, store, reason in rows(REFUSING, {"now": now, "silent": SILENT_FOR}):
        yield Alarm(
            workspace=workspace,
            cause=Cause.SHOP_REFUSES,
            level=Level.BAD,
            store=store,
            reason=reason or "",
        )


def silent_webhooks(now: datetime) -> Iterator[Alarm]:
    """Shops that have sold, by their own books, and told us of nothing."""
    for workspace, store, orders in rows(SILENT, {"now": now}):
        yield Alarm(
            workspace=workspace,
            cause=Cause.WEBHOOKS_SILENT,
            level=Level.CARE,  # what they do not tell is read back
            store=store,
            orders=orders,
        )


def waiting_requests(now: datetime) -> Iterator[Alarm]:
    """Customers who have asked what is held of them, and wait: told after half a day, after three days,
    and in the last week, which is grave."""
    for workspace, store, due_at, received_at in rows(REQUESTS, {"now": now, "soon": ANSWERED_IN}):
        last_week = due_at - now < timedelta(days=7)
        yield Alarm(
            workspace=workspace,
            cause=Cause.PRIVACY_WAITS,
            level=Level.BAD if last_week else Level.CARE,
            store=store,
            until=due_at,
            stage=(now - received_at > timedelta(days=3)) + last_week,
        )


def ending_tokens(now: datetime) -> Iterator[Alarm]:
    """Tokens that end within 30 days."""
    for pixel, workspace, until in rows(TOKENS, {"now": now}):
        stage = stage_of(until, now=now)
        yield Alarm(
            workspace=workspace,
            cause=Cause.TOKEN_EXPIRING,
            level=Level.BAD if stage == 3 else Level.CARE,
            pixel=pixel,
            stage=stage,
            until=until,
        )


def left_test_codes(now: datetime) -> Iterator[Alarm]:
    """Test codes that somebody has left for two hours."""
    for pixel, workspace, until in rows(TEST_CODES, {"now": now}):
        yield Alarm(
            workspace=workspace,
            cause=Cause.TEST_CODE_LEFT,
            level=Level.CARE,
            pixel=pixel,
            until=until,
        )


QUICK: Mapping[Cause, Check] = {
    Cause.PIXEL_BROKEN: broken_pixels,
    Cause.QUEUE_STUCK: stuck_queues,
    Cause.REJECTS: _of_orders(Cause.REJECTS, Level.BAD, REJECTED, least=REJECTS, ends=False),
    Cause.SHOP_REFUSES: refusing_shops,
    Cause.WEBHOOKS_SILENT: silent_webhooks,
    Cause.EXPIRING: _of_orders(Cause.EXPIRING, Level.CARE, EXPIRING),
    Cause.TO_SETTLE: _of_orders(Cause.TO_SETTLE, Level.CARE, TO_SETTLE),
    Cause.UNREADABLE: unreadable,
    Cause.PRIVACY_WAITS: waiting_requests,
    Cause.TOKEN_EXPIRING: ending_tokens,
    Cause.TEST_CODE_LEFT: left_test_codes,
}


def _owed() -> dict[int, tuple[int, tuple[tuple[str, Decimal], ...]]]:
    """By dataset: how many events are owed, and their money."""
    found: dict[int, tuple[int, tuple[tuple[str, Decimal], ...]]] = {}
    for pixel, currency, events, value in rows(OWED):
        orders, money = found.get(pixel, (0, ()))
        found[pixel] = orders + int(events), (*money, (currency, value))
    return found
