"""A signed webhook to a durable row: the product against the least that could do it."""

import base64
import hmac
import itertools
import uuid
from collections.abc import Sequence

from django.db import connection
from django.db.utils import NotSupportedError

from bench.load import Load, closed_loop
from bench.report import Report
from bench.rivals.bare import MAKE
from bench.stack import SHOPIFY_SECRET, Running, postgres_cpu, web
from bench.transform import paid_bodies
from stores.models import Store, Workspace

REQUESTS = 3_000
ROUNDS = 3
DOMAIN = "bench.myshopify.com"
RIVALS = {
    "product": "connector.wsgi",
    "bare": "bench.rivals.bare",
    "minimal": "bench.rivals.minimal",
    "ordinary": "bench.rivals.ordinary",
}


def measure(report: Report) -> None:
    """T6 to T10, in alternating rounds under one kind of server."""
    _prepare()
    bodies = paid_bodies(400)
    rates: dict[str, list[float]] = {name: [] for name in RIVALS}
    cpu: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        for name, module in RIVALS.items():
            with web(f"{module}:application") as server:
                closed_loop(server.port, signed(bodies, 200))  # connections, caches
                count = REQUESTS if name != "ordinary" else REQUESTS // 6
                load, seconds = _measured(server, signed(bodies, count))
                if load.statuses != {200: count}:
                    raise RuntimeError(f"{name} answered {load.statuses}")
                rates[name].append(load.rate)
                if name == "product":
                    cpu.append((seconds[0] / count * 1e6, seconds[1] / count * 1e6))
                    last = load
    best = {name: sorted(figures)[ROUNDS // 2] for name, figures in rates.items()}
    report.note("webhooks a second, product", f"{best['product']:.0f}/s")
    report.note(
        "answered in",
        f"p50 {last.percentile(0.5) * 1e3:.1f}, p99 {last.percentile(0.99) * 1e3:.1f} ms",
    )
    product = best["product"]
    report.at_least("T6", "ingest against the leanest Django", product / best["minimal"], 0.8)
    report.at_least("T7", "ingest against bare WSGI", product / best["bare"], 0.6)
    report.at_least("T8", "ingest against an ordinary Django", product / best["ordinary"], 12)
    web_cpu, pg_cpu = sorted(cpu)[ROUNDS // 2]
    report.at_most("T9", "CPU a webhook, web", web_cpu, 500, "µs")
    report.at_most("T9", "CPU a webhook, PostgreSQL", pg_cpu, 300, "µs")
    # Outside transactions each statement commits by itself, so that one count tells both. The door
    # looks at its store every two seconds, which is the rest.
    report.at_most("T10", "statements and commits a webhook", _commits_each(bodies), 1.05, "")


def signed(bodies: Sequence[bytes], count: int) -> list[bytes]:
    """Whole requests with webhook ids of their own."""
    some = itertools.islice(itertools.cycle(bodies), count)
    return [request(body, webhook_id=uuid.uuid4()) for body in some]


def request(body: bytes, *, webhook_id: uuid.UUID) -> bytes:
    """One request, head and body."""
    digest = hmac.digest(SHOPIFY_SECRET.encode(), body, "sha256")
    head = (
        "POST /webhooks/shopify/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-Shopify-Topic: orders/paid\r\n"
        f"X-Shopify-Shop-Domain: {DOMAIN}\r\nX-Shopify-Webhook-Id: {webhook_id}\r\n"
        f"X-Shopify-Hmac-Sha256: {base64.b64encode(digest).decode()}\r\n\r\n"
    )
    return head.encode() + body


def _measured(server: Running, requests: list[bytes]) -> tuple[Load, tuple[float, float]]:
    web_before, pg_before = server.cpu(), postgres_cpu()
    load = closed_loop(server.port, requests)
    return load, (server.cpu() - web_before, postgres_cpu() - pg_before)


def _commits_each(bodies: Sequence[bytes]) -> float:
    """By PostgreSQL's own count."""
    with web("connector.wsgi:application") as server:
        closed_loop(server.port, signed(bodies, 50))
        before = _commits()
        closed_loop(server.port, signed(bodies, 2_000))
    return (_commits() - before) / 2_000


def _commits() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def _prepare() -> None:
    workspace = Workspace.objects.create(slug="bench", name="Bench")
    Store.objects.create(
        workspace=workspace, key="bench", platform="shopify", domain=DOMAIN, url=f"https://{DOMAIN}"
    )
    with connection.cursor() as cursor:
        try:
            cursor.execute(MAKE)
        except NotSupportedError:  # a PostgreSQL built without lz4
            cursor.execute(MAKE.replace("COMPRESSION lz4 ", ""))
        cursor.execute(
            "CREATE TABLE bench_shop (id bigserial PRIMARY KEY, domain text UNIQUE);"
            "CREATE TABLE bench_delivery (id bigserial PRIMARY KEY, shop_id bigint,"
            " delivery_id text UNIQUE, topic text, body jsonb)"
        )
        cursor.execute("INSERT INTO bench_shop (domain) VALUES (%s)", [DOMAIN])
