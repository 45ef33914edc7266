"""One shop's old orders beside everybody's new ones: what a live order waits for a back-fill."""

import os

from django.db import transaction

from bench import ingest, journey
from bench.report import Report
from bench.sink import OLD
from conversions.models import ConversionEvent, Lane
from conversions.outbox import payload_purpose
from stores.models import Store
from stores.secrets import store_ring
from stores.sql import rows, run

BACKFILL = 1_000_000 if os.environ.get("FULL") else 200_000
CHUNK = 10_000
PAYLOAD = (
    b'{"event_name":"Purchase","event_time":1764000000,"event_id":"%s","action_source":"website",'
    b'"user_data":{"em":["%s"],"ph":["%s"],"client_user_agent":"Mozilla/5.0"},'
    b'"custom_data":{"value":49.9,"currency":"EUR"}}'
)
OWE = f"""
INSERT INTO conversions_conversionevent
    (store_id, pixel_id, order_id, order_name, event_name, event_id, state, currency, event_time,
     order_updated_at, cut_off, lane)
SELECT %(store)s, %(pixel)s, '{OLD}' || n, '#' || n, 'Purchase', '{OLD}' || n, 'pending', 'EUR',
       now(), now(), now() + interval '6 days', {Lane.BACKFILL.value}
FROM generate_series(%(first)s::int, %(last)s::int) AS n RETURNING id, order_id
"""


def measure(report: Report) -> None:
    """T22, with Meta 80 ms away."""
    shop = journey.prepare("catching-up.myshopify.com")
    for done in range(0, BACKFILL, CHUNK):
        _owe(shop, first=done + 1, last=min(done + CHUNK, BACKFILL))
    journey.prepare(ingest.DOMAIN)
    live = journey.travel(rate=50, seconds=15, delay=0.08)
    old = ConversionEvent.objects.filter(store=shop)
    sent, left = (old.filter(state=state).count() for state in ("accepted", "pending"))
    report.note("the back-fill, meanwhile", f"{sent:,} of {BACKFILL:,} sent, {left:,} owed")
    report.at_most("", "live orders lost", live.lost, 0, "")
    report.at_most(
        "T22", "a live order beside a back-fill, p99", journey.at(live.late, 0.99) * 1e3, 300, "ms"
    )


@transaction.atomic
def _owe(store: Store, *, first: int, last: int) -> None:
    """Old orders, owed to the store's pixel."""
    pixel = store.mappings.get().pixel_id
    made = rows(OWE, {"store": store.pk, "pixel": pixel, "first": first, "last": last})
    ring = store_ring(bytes(store.sealed_key))
    sealed = [
        ring.seal(
            PAYLOAD % (order_id.encode(), b"a" * 64, b"b" * 64),
            purpose=payload_purpose(store_id=store.pk, order_id=order_id, pixel_id=pixel),
        )
        for _, order_id in made
    ]
    run(
        "INSERT INTO conversions_eventpayload (event_id, body)"
        " SELECT * FROM unnest(%s::bigint[], %s::bytea[])",
        [[key for key, _ in made], sealed],
    )
    run("INSERT INTO conversions_pixelqueue (pixel_id) VALUES (%s) ON CONFLICT DO NOTHING", [pixel])
