"""From a shop's webhook to Meta's door, through everything: web, broker, worker, at a steady rate."""

import random
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import requests

from bench import ingest
from bench.drain import QUIET, WORKER, _until_idle, sink
from bench.load import exchange
from bench.report import Report
from bench.stack import postgres_cpu, running, web
from sandbox.orders import bodies
from shop_webhooks.models import WebhookDelivery
from stores.models import Pixel, PixelMapping, Store, Workspace

RATE, SECONDS, CONNECTIONS = 200, 12, 16
WARMING_UP = 2 * RATE  # connections, caches, threads: these orders are not counted


def measure(report: Report) -> None:
    """T11 and T16: an open loop, Poisson arrivals, Meta answering at once."""
    _prepare()
    made = bodies(platform="shopify", count=RATE * SECONDS, now=datetime.now(UTC), seed=77)
    with ExitStack() as stack:
        url = stack.enter_context(sink(0.0))
        worker = stack.enter_context(running(*WORKER, *QUIET, env={"META_GRAPH_URL": url}))
        server = stack.enter_context(web("connector.wsgi:application"))
        _until_idle(worker)
        before = server.cpu(), worker.cpu(), postgres_cpu()
        planned, acks = _send(server.port, made)
        arrivals = _arrivals(url, len(made))
        after = server.cpu(), worker.cpu(), postgres_cpu()
    late = sorted(arrivals[key] - planned[key] for key in planned if key in arrivals)
    acks.sort()
    lost = len(planned) - len(late)
    report.at_most("", "orders that did not arrive", lost, 0, "")
    each = [(b - a) / len(made) * 1e6 for a, b in zip(before, after, strict=True)]
    report.note("CPU an order", "web {:.0f}, worker {:.0f}, PostgreSQL {:.0f} µs".format(*each))
    report.at_most("T11", f"webhook answered at {RATE}/s, p99", _at(acks, 0.99) * 1e3, 20, "ms")
    report.note("webhook to Meta, p50", f"{_at(late, 0.5) * 1e3:.0f} ms")
    report.at_most("T16", f"webhook to Meta at {RATE}/s, p99", _at(late, 0.99) * 1e3, 50, "ms")


def _send(port: int, made: list[bytes]) -> tuple[dict[str, float], list[float]]:
    """Send each when its moment has come, however the others fare."""
    luck, moment = random.Random(1), time.time() + 0.5
    plan = []
    for body in made:
        moment += luck.expovariate(RATE)
        order_id = body.split(b":", 1)[1].split(b",", 1)[0].decode()
        plan.append((moment, order_id, ingest.request(body, webhook_id=uuid.uuid4())))
    todo, lock = iter(plan), threading.Lock()
    acks: list[float] = []
    threads = [
        threading.Thread(target=_sender, args=(port, todo, lock, acks)) for _ in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = plan[WARMING_UP:]
    return {order_id: moment for moment, order_id, _ in counted}, acks[WARMING_UP:]


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


def _arrivals(url: str, count: int) -> dict[str, float]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        arrivals: dict[str, float] = requests.get(url, timeout=5).json()["arrivals"]
        if len(arrivals) >= count:
            break
        time.sleep(0.2)
    return arrivals


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _prepare() -> None:
    WebhookDelivery.objects.all().delete()  # what the ingest has left unread
    workspace, _ = Workspace.objects.get_or_create(slug="bench-journey", defaults={"name": "Bench"})
    store, _ = Store.objects.update_or_create(
        domain=ingest.DOMAIN,
        platform="shopify",
        defaults={"workspace": workspace, "key": "journey", "url": f"https://{ingest.DOMAIN}"},
    )
    pixel = Pixel.objects.create(workspace=workspace, pixel_id="2", access_token="EAAbench")
    PixelMapping.objects.create(store=store, pixel=pixel, position=1)
