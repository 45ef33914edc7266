"""From a shop's webhook to Meta's door, through everything: web, broker, worker, at a steady rate."""

import random
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from django.db import connection

from bench import ingest
from bench.drain import QUIET, WORKER, _until_idle, sink
from bench.load import exchange
from bench.report import Report
from bench.stack import postgres_cpu, running, web
from sandbox.orders import bodies
from shop_webhooks.models import WebhookDelivery
from stores.models import Pixel, PixelMapping, Store, Workspace

WARMING_UP = 2  # seconds, for connections, caches, threads: their orders are not counted


@dataclass(frozen=True)
class Journey:
    """What became of the orders of one run; times in seconds, amounts for one order."""

    late: Sequence[float]  # from the planned moment to Meta, in order
    acks: Sequence[float]  # from the planned moment to the shop's answer, in order
    lost: int
    twice: int
    rate: float  # orders a second that came through
    batch: float  # events in one request to Meta
    cpu: tuple[float, ...]  # seconds of web, worker, PostgreSQL
    wal: float  # bytes


def measure(report: Report) -> None:
    """T11, T16 and T17: an open loop, Poisson arrivals."""
    prepare()
    calm = travel(rate=200, seconds=12, delay=0.0)
    report.at_most("", "orders lost at 200/s", calm.lost, 0, "")
    each = (seconds * 1e6 for seconds in calm.cpu)
    report.note("CPU an order", "web {:.0f}, worker {:.0f}, PostgreSQL {:.0f} µs".format(*each))
    report.at_most("T11", "webhook answered at 200/s, p99", at(calm.acks, 0.99) * 1e3, 20, "ms")
    report.note("webhook to Meta at 200/s, p50", f"{at(calm.late, 0.5) * 1e3:.0f} ms")
    report.at_most("T16", "webhook to Meta at 200/s, p99", at(calm.late, 0.99) * 1e3, 50, "ms")
    busy = travel(rate=500, seconds=12, delay=0.08)
    report.at_most("", "orders lost at 500/s", busy.lost, 0, "")
    report.at_most("T11", "webhook answered at 500/s, p99", at(busy.acks, 0.99) * 1e3, 60, "ms")
    report.at_most(
        "T17", "webhook to Meta 80 ms away at 500/s, p99", at(busy.late, 0.99) * 1e3, 400, "ms"
    )
    report.at_least("T17", "events a request at 500/s", busy.batch, 40, "")


def prepare(domain: str = ingest.DOMAIN) -> Store:
    """An empty inbox, and a store whose orders go to a pixel of its own."""
    WebhookDelivery.objects.filter(state="received").delete()  # what the ingest has left unread
    workspace, _ = Workspace.objects.get_or_create(slug="bench-journey", defaults={"name": "Bench"})
    store, _ = Store.objects.update_or_create(
        domain=domain,
        platform="shopify",
        defaults={"workspace": workspace, "key": domain, "url": f"https://{domain}"},
    )
    if not store.mappings.exists():
        pixel = Pixel.objects.create(
            workspace=workspace, pixel_id=str(time.time_ns()), access_token="EAAbench"
        )
        PixelMapping.objects.create(store=store, pixel=pixel, position=1)
    return store


def travel(
    *, rate: int, seconds: int, delay: float, web_processes: int = 1, connections: int = 32
) -> Journey:
    """Have `rate` orders a second sent for `seconds`, to Meta `delay` seconds away."""
    made = bodies(
        platform="shopify", count=rate * seconds, now=datetime.now(UTC), seed=time.time_ns()
    )
    with ExitStack() as stack:
        url = stack.enter_context(sink(delay))
        worker = stack.enter_context(running(*WORKER, *QUIET, env={"META_GRAPH_URL": url}))
        server = stack.enter_context(web("connector.wsgi:application", processes=web_processes))
        _until_idle(worker)
        before = server.cpu(), worker.cpu(), postgres_cpu()
        wal = _wal()
        plan = _plan(made, rate)
        acks = _send(server.port, plan, connections)
        seen = _arrivals(url, len(made))
        after = server.cpu(), worker.cpu(), postgres_cpu()
        wal = _wal() - wal
    arrivals, counted = seen["arrivals"], plan[WARMING_UP * rate :]
    late = [arrivals[order_id] - moment for moment, order_id, _ in counted if order_id in arrivals]
    return Journey(
        late=sorted(late),
        acks=sorted(acks[WARMING_UP * rate :]),
        lost=len(made) - len(arrivals),
        twice=seen["events"] - len(arrivals),
        rate=len(arrivals) / (max(arrivals.values()) - plan[0][0]),
        batch=seen["events"] / seen["requests"],
        cpu=tuple((b - a) / len(made) for a, b in zip(before, after, strict=True)),
        wal=wal / len(made),
    )


def at(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _plan(made: Sequence[bytes], rate: int) -> list[tuple[float, str, bytes]]:
    """The moment, the order's id and the request of each."""
    luck, moment = random.Random(1), time.time() + 0.5
    plan = []
    for body in made:
        moment += luck.expovariate(rate)
        order_id = body.split(b":", 1)[1].split(b",", 1)[0].strip().decode()
        plan.append((moment, order_id, ingest.request(body, webhook_id=uuid.uuid4())))
    return plan


def _send(port: int, plan: Sequence[tuple[float, str, bytes]], connections: int) -> list[float]:
    """Send each when its moment has come, however the others fare; when each was answered."""
    todo, lock = iter(plan), threading.Lock()
    acks: list[float] = []
    threads = [
        threading.Thread(target=_sender, args=(port, todo, lock, acks)) for _ in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return acks


def _sender(
    port: int,
    todo: Iterator[tuple[float, str, bytes]],
    lock: threading.Lock,
    acks: list[float],
) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        while True:
            with lock:
                entry = next(todo, None)
            if entry is None:
                return
            moment, _, request = entry
            time.sleep(max(0.0, moment - time.time()))
            answer = exchange(sock, request)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"answered {answer[:40]!r}")
            acks.append(time.time() - moment)


def _arrivals(url: str, count: int) -> dict[str, Any]:
    """What the sink has seen, once all has come or nothing has for some seconds."""
    seen: dict[str, Any] = {"arrivals": {}}
    moved_at, before = time.monotonic(), -1
    while len(seen["arrivals"]) < count and time.monotonic() - moved_at < 10:
        time.sleep(0.2)
        seen = requests.get(url, timeout=10).json()
        if len(seen["arrivals"]) != before:
            moved_at, before = time.monotonic(), len(seen["arrivals"])
    return seen


def _wal() -> int:
    """Bytes that PostgreSQL has written ahead so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])
