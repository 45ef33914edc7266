"""A ledger of ten million: what a webhook, a claim and a page cost then. SCALE_ROWS: another size."""

import itertools
import os
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from statistics import median

import psycopg
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from bench import ingest, journey
from bench.big_ledger import fill, make_tenants
from bench.report import Report
from bench.transform import paid_bodies
from conversions import claiming
from conversions.models import Lane
from dashboard import imbalance, ledger_page, queries
from dashboard.alerts import checks, trends
from dashboard.filters import DeliveryFilter, LedgerFilter
from dashboard.heat import read_heat
from dashboard.home import read_home
from dashboard.journey import order_journey
from dashboard.match_quality import read_quality
from dashboard.speed import read_speed
from dashboard.views.store_page import find_store
from purchases.shops.delivery import DeliveryHead
from shop_webhooks import inbox
from shop_webhooks.doors import Door, shopify_door
from stores.models import Store, User
from stores.sql import rows, run
from stores.wall import behind_the_wall

ROWS = int(os.environ.get("SCALE_ROWS", "10_000_000"))
KEPT = 500  # deliveries, one by one
BATCH, BATCHES = 1_000, 20
numbers = itertools.count(1)

OWE = """
WITH event AS (
    INSERT INTO conversions_conversionevent
        (store_id, pixel_id, order_id, order_name, event_name, event_id, state, currency, event_time,
         order_updated_at, cut_off)
    SELECT %(store)s, %(pixel)s, made.id, '#', 'Purchase', made.id, 'pending', 'EUR', now(), now(),
           now() + interval '7 days'
    FROM (SELECT %(drain)s || '-' || n AS id FROM generate_series(1, %(count)s::int) AS n) AS made
    RETURNING id
)
INSERT INTO conversions_eventpayload (event_id, body) SELECT id, %(body)s FROM event
"""
TAKEN = """
UPDATE conversions_conversionevent SET state = 'accepted', accepted_at = now()
WHERE id = ANY(%s)
"""


BY_WORKERS = frozenset(
    (
        "what is wrong anywhere, by the minute",
        "and against the weeks before",
        "an hour's imbalance, for the metrics",
    )
)


def measure(report: Report) -> None:
    """T12, T19, T20 and T21."""
    journey.prepare()
    door = shopify_door(ingest.DOMAIN)
    assert door
    person, stores = make_tenants()
    bodies = paid_bodies(KEPT)
    _keep(door, bodies)  # connections, plans
    small = _keep(door, bodies)
    begun = time.perf_counter()
    fill(ROWS)
    report.note(f"{ROWS:,} orders were made in", f"{time.perf_counter() - begun:.0f} s")
    large = _keep(door, bodies)
    report.note("a delivery kept, p50", f"{small * 1e6:.0f} µs, then {large * 1e6:.0f} µs")
    report.at_most("T20", f"a delivery kept at {ROWS:,} rows against few", large / small, 1.4)
    _claims(report, stores[1])
    for name, query in _pages(person, stores[0]).items():
        page = query if name in BY_WORKERS else partial(_behind_the_wall, person, query)
        page()
        taken = min(_seconds(page) for _ in range(5))  # what others do is not its fault
        report.at_most("T21", name, taken * 1e3, 50, "ms")
    came = journey.travel(rate=100, seconds=20, delay=0.0)
    report.at_most("T12", "WAL an order, from webhook to accepted", came.wal / 1e3, 5, "KB")


def _keep(door: Door, bodies: Sequence[bytes]) -> float:
    """Seconds for one delivery, by the median."""
    taken = []
    for body in bodies:
        head = DeliveryHead(topic="orders/paid", delivery_id=f"scale-{next(numbers)}")
        taken.append(_seconds(partial(inbox.store_delivery, door=door, head=head, body=body)))
    run("DELETE FROM shop_webhooks_webhookdelivery WHERE state = 'received'")
    return median(taken)


def _claims(report: Report, store: Store) -> None:
    """A queue of twenty thousand is drained, undisturbed and then beside an old snapshot."""
    quiet = _drain(store)
    report.note("1,000 found for a claim: first, last", "{:.1f}, {:.1f} ms".format(*quiet))
    report.at_most("T19", f"1,000 found for a claim at {ROWS:,} rows", max(quiet), 5, "ms")
    with psycopg.connect(os.environ["DATABASE_URL"]) as old:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT 1 FROM conversions_conversionevent LIMIT 1")
        held = _drain(store)
    report.note("beside an old snapshot: first, last", "{:.1f}, {:.1f} ms".format(*held))
    report.at_most("T19", "the same beside an old snapshot", max(held), 10, "ms")


def _drain(store: Store) -> tuple[float, float]:
    """Milliseconds to find a thousand, at the queue's beginning and end; Meta takes each at once."""
    pixel = store.mappings.get().pixel_id
    values = {"store": store.pk, "pixel": pixel, "count": BATCH * BATCHES, "body": b"x" * 900}
    run(OWE, values | {"drain": str(next(numbers))})
    run("INSERT INTO conversions_pixelqueue (pixel_id) VALUES (%s) ON CONFLICT DO NOTHING", [pixel])
    wanted = {"pixel": pixel, "lane": Lane.LIVE.value, "lease": claiming.LEASE}
    wanted |= {"most": BATCH, "among": BATCH}
    taken = []
    for _ in range(BATCHES):
        with transaction.atomic():
            run(claiming.READ_IN_ORDER)
            taken.append(_database_ms(claiming.TURN, wanted) + _database_ms(claiming.OWED, wanted))
            owed = [event_id for event_id, *_ in rows(claiming.OWED, wanted)]
            if len(owed) != BATCH:
                raise RuntimeError(f"{len(owed)} events were owed")
            run(TAKEN, [owed])
    return min(taken[:4]), min(taken[-4:])


def _database_ms(statement: str, values: dict[str, object]) -> float:
    """What PostgreSQL says that it took, which a busy machine disturbs least."""
    ((plan,),) = rows(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", values)
    return float(plan[0]["Planning Time"]) + float(plan[0]["Execution Time"])


def _pages(person: User, store: Store) -> dict[str, Callable[[], object]]:
    """Each query of the screens, as the pages ask it."""
    now = timezone.now()
    request = HttpRequest()
    request.user = person
    store = find_store(request, store.pk)  # with what every page knows of it
    deep = rows(
        "SELECT id FROM conversions_conversionevent WHERE store_id = %s ORDER BY id LIMIT 1 OFFSET %s",
        [store.pk, min(200, ROWS // 1_000)],
    )[0][0]
    order_id = rows(
        "SELECT order_id FROM conversions_conversionevent WHERE store_id = %s ORDER BY id DESC LIMIT 1",
        [store.pk],
    )[0][0]
    lately, always = LedgerFilter(), LedgerFilter(days=0)
    return {
        "the stores": partial(queries.store_rows, user=person, now=now),
        "a store's home page": partial(read_home, store=store, user=person, pixel=0, now=now),
        "a store's ledger": partial(ledger_page.ledger, store=store, wanted=lately, now=now),
        "its skipped orders": partial(
            ledger_page.ledger, store=store, wanted=LedgerFilter(state="skipped"), now=now
        ),
        "why they were skipped": partial(
            ledger_page.ledger_reasons, store=store, wanted=LedgerFilter(state="skipped"), now=now
        ),
        "what came of asking for consent": partial(
            ledger_page.held_by_consent, store=store, now=now
        ),
        "its oldest page": partial(
            ledger_page.ledger, store=store, wanted=LedgerFilter(days=0, before=deep), now=now
        ),
        "an order looked for": partial(
            ledger_page.ledger, store=store, wanted=LedgerFilter(days=0, search="#77"), now=now
        ),
        "its counts, 30 days": partial(
            ledger_page.ledger_counts, store=store, wanted=lately, now=now
        ),
        "its counts, all": partial(ledger_page.ledger_counts, store=store, wanted=always, now=now),
        "its delivery speed": partial(
            read_speed, store=store, pixel=store.mappings.get().pixel, now=now
        ),
        "its match quality": partial(
            read_quality, store=store, pixel=store.mappings.get().pixel, now=now
        ),
        "its deliveries": partial(queries.deliveries, store=store, wanted=DeliveryFilter()),
        "its unreadable deliveries": partial(
            queries.deliveries, store=store, wanted=DeliveryFilter(state="unreadable")
        ),
        "its pixels": partial(queries.pixels_of, store=store),
        "an order's journey": partial(order_journey, store=store, order_id=order_id),
        "broken pixels": partial(queries.broken_pixels, user=person),
        "the fleet, 30 days": partial(read_heat, user=person, now=now),
        "what is wrong anywhere, by the minute": partial(checks.look, checks.QUICK, now=now),
        "and against the weeks before": partial(checks.look, trends.SLOW, now=now),
        "what is in doubt": partial(queries.doubtful, user=person),
        "how many are in doubt": partial(queries.doubts, user=person),
        "an hour's imbalance, for the metrics": partial(
            imbalance.find_imbalance, span=timedelta(hours=1)
        ),
    }


def _behind_the_wall(person: User, query: Callable[[], object]) -> object:
    """As a page is read; the wall's own statement is part of it."""
    with behind_the_wall(person):
        return query()


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
