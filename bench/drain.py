"""From what is owed to what Meta has: the product's worker against the least loop and the usual one."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import requests
from celery import Celery
from django.db import connection, transaction

from bench.report import Report
from bench.rivals import raw_drain
from bench.stack import Running, postgres_cpu, running, wait_for
from bench.transform import paid_bodies
from conversions import outbox
from conversions.models import ConversionEvent
from conversions.sightings import Sighting
from conversions.tasks import send_due
from launch.stack import free_port
from purchases.order import Order
from purchases.shops import shopify
from stores.models import Pixel, PixelMapping, Store, Workspace

EVENTS = 10_000
NAIVE_EVENTS = 200
WORKER = ("celery", "--app", "connector", "worker", "--pool", "threads", "--concurrency", "16")
NAIVE = ("celery", "--app", "bench.rivals.naive", "worker", "--concurrency", "1")
QUIET = ("--loglevel", "error", "--without-gossip", "--without-mingle")


def measure(report: Report) -> None:
    """T13 to T15."""
    store = _store()
    bodies = paid_bodies(400)
    for delay, target in ((0.0, 100), (0.08, 300)):
        with sink(delay) as url:
            naive = _naive(bodies, url)
            product, worker_cpu, pg_cpu = _product(store, bodies, url)
            ratio = product / naive
            report.at_least(
                "T14", f"drain against a task an event, {delay * 1000:.0f} ms", ratio, target
            )
            if delay:
                continue
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as raw:
                raw_drain.prepare(raw, bodies * (EVENTS // len(bodies)))
                limit = raw_drain.drain(raw, url)
            report.note(
                "events a second, one worker", f"{product:.0f}/s (the least loop: {limit:.0f}/s)"
            )
            report.at_least("T13", "drain against the least loop", product / limit, 0.7)
            report.at_most("T15", "CPU an event, worker", worker_cpu / EVENTS * 1e6, 80, "µs")
            report.at_most("T15", "CPU an event, PostgreSQL", pg_cpu / EVENTS * 1e6, 45, "µs")


@contextmanager
def sink(delay: float) -> Iterator[str]:
    """Meta, as fast as can be or `delay` seconds away."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running("bench.sink", "--port", str(port), "--delay", str(delay), port=port):
        wait_for(url)
        yield url


def _product(store: Store, bodies: list[bytes], url: str) -> tuple[float, float, float]:
    """Events a second, and the CPU seconds of worker and PostgreSQL."""
    owe(store, bodies, EVENTS)
    with running(*WORKER, *QUIET, env={"META_GRAPH_URL": url}) as worker:
        _until_idle(worker)
        cpu, pg = worker.cpu(), postgres_cpu()
        begun = time.perf_counter()
        send_due.ring_now()
        while ConversionEvent.objects.exclude(state="accepted").filter(store=store).exists():
            time.sleep(0.02)
        seconds = time.perf_counter() - begun
        return EVENTS / seconds, worker.cpu() - cpu, postgres_cpu() - pg


def owe(store: Store, bodies: list[bytes], count: int) -> None:
    """So many orders in the ledger, each owed to the store's pixel."""
    orders = [shopify.parse_order(body, topic="orders/paid", zone=UTC) for body in bodies]
    made = 0
    while made < count:
        sightings = []
        for order in orders[: count - made]:
            assert isinstance(order, Order)
            made += 1
            order_id = f"{time.time_ns()}{made}"
            fields = {name: getattr(order, name) for name in order.__struct_fields__}
            copy = Order(**(fields | {"shop_order_id": order_id}))
            now = datetime.now(UTC)
            sightings.append(Sighting(store=store, order=copy, received_at=now))
        with transaction.atomic():
            outbox.record_purchases(sightings)


def _naive(bodies: list[bytes], url: str) -> float:
    """Events a second."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_naive")
        cursor.execute(
            "CREATE TABLE bench_naive (id bigserial PRIMARY KEY, body bytea, sent_at timestamptz)"
        )
        cursor.executemany(
            "INSERT INTO bench_naive (body) VALUES (%s)",
            [(body,) for body in bodies[:NAIVE_EVENTS]],
        )
    with running(*NAIVE, *QUIET, env={"META_GRAPH_URL": url}) as worker:
        _until_idle(worker)
        client = Celery(broker=os.environ["CELERY_BROKER_URL"], set_as_current=False)
        begun = time.perf_counter()
        for number in range(1, NAIVE_EVENTS + 1):
            client.send_task("bench.rivals.naive.send", (number,), queue="naive")
        while requests.get(url, timeout=5).json()["events"] < NAIVE_EVENTS:
            time.sleep(0.05)
        seconds = time.perf_counter() - begun
    requests.get(f"{url}/forget", timeout=5)
    return NAIVE_EVENTS / seconds


def _until_idle(worker: Running) -> None:
    """A started worker uses no CPU."""
    before = -1.0
    while (now := worker.cpu()) != before or now < 0.5:
        before = now
        time.sleep(0.5)


def _store() -> Store:
    workspace, _ = Workspace.objects.get_or_create(slug="bench-drain", defaults={"name": "Bench"})
    store = Store.objects.create(
        workspace=workspace,
        key="drain",
        platform="shopify",
        domain="drain.myshopify.com",
        url="https://drain.example",
    )
    pixel = Pixel.objects.create(workspace=workspace, pixel_id="1", access_token="EAAbench")
    PixelMapping.objects.create(store=store, pixel=pixel, position=1)
    return store
