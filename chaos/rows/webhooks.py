"""Rows 38 to 41: what shops, and others, send."""

import contextlib
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from chaos import shops
from chaos.fleet import SHOPS
from chaos.shops import post, sign
from chaos.trial import IDLE, Row, Trial

COPIES = 50
FORGERS = 4


def _out_of_order(trial: Trial) -> None:
    trial.wait_until_sold()


def _fifty_at_once(trial: Trial) -> None:
    urls = trial.installation.webhook_urls()
    with ThreadPoolExecutor(COPIES) as threads:
        for shop in SHOPS:
            for order in trial.orders[shop.key]:
                order.deliveries = sign(order, urls[shop.key])
                for delivery in order.deliveries:
                    list(threads.map(post, [delivery] * COPIES))
                    trial.keeper.tend()
                order.acknowledged_at = time.time()
    found = trial.installation.sql("SELECT count(*) FROM shop_webhooks_webhookdelivery")
    sent = sum(len(order.deliveries) for of in trial.orders.values() for order in of)
    trial.insist(found == [(sent,)], f"{sent} deliveries have become {found[0][0]} rows")
    trial.remark(f"{sent} deliveries, {COPIES} times each")


def _replayed(trial: Trial) -> None:
    """Everything once more, bytes and headers, when it is all over."""
    trial.wait_until_sold()
    trial.mend()
    trial.settle()
    deliveries = [delivery for order in trial.market.orders for delivery in order.deliveries]
    posts = len(trial.meta.posts())
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(post, deliveries))
    trial.settle()
    trial.keeper.wait(3.0)
    more = len(trial.meta.posts()) - posts
    trial.insist(more == 0, f"{more} calls to Meta for what had been told before")
    trial.remark(f"{len(deliveries)} deliveries replayed, {more} calls to Meta")


def _forged(trial: Trial) -> None:
    """As fast as this machine can forge, beside the load."""
    answers: Counter[str] = Counter()
    over = threading.Event()
    body = trial.orders[SHOPS[0].key][0].story.steps[0].body
    forgers = [
        threading.Thread(target=_forge, args=(trial, body, answers, over), daemon=True)
        for _ in range(FORGERS)
    ]
    before = _commits(trial)
    for forger in forgers:
        forger.start()
    trial.sell_on()
    over.set()
    for forger in forgers:
        forger.join()
    seconds = time.monotonic() - trial.begun
    trial.insist(set(answers) <= {"401"}, f"forgeries were answered {dict(answers)}")
    trial.remark(f"{answers['401'] / seconds:.0f} forgeries/s, all 401")
    trial.remark(f"{_commits(trial) - before} transactions meanwhile")


def _forge(trial: Trial, body: bytes, answers: Counter[str], over: threading.Event) -> None:
    """Raw bytes on a kept connection: little of the machine is spent on forging."""
    request = FORGERY % (SHOPS[0].domain.encode(), len(body)) + body
    while not over.is_set():
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", trial.installation.port), 30) as connection,
        ):
            connection.settimeout(30)
            while not over.is_set():
                connection.sendall(request)
                answer = connection.recv(4096)
                while not answer.endswith(b"}}"):  # of the error that its body is
                    if not (more := connection.recv(4096)):
                        raise ConnectionResetError
                    answer += more
                answers[answer[9:12].decode()] += 1


FORGERY = (
    b"POST /webhooks/shopify/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"X-Shopify-Topic: orders/paid\r\nX-Shopify-Shop-Domain: %b\r\n"
    b"X-Shopify-Hmac-Sha256: bm90IHRoZSBzaWduYXR1cmUgb2YgYW55Ym9keQ==\r\nContent-Length: %d\r\n\r\n"
)


def _commits(trial: Trial) -> int:
    ((number,),) = trial.installation.sql(
        "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    )
    return int(number)


ROWS = (
    Row(number="38", fault="webhooks a day late and shuffled", harm=_out_of_order,
        telling=shops.shuffled, ago=timedelta(hours=24), ci=True),
    Row(number="39", fault="every webhook 50 times at once", harm=_fifty_at_once, load=IDLE,
        telling=shops.nothing, ci=True),
    Row(number="40", fault="everything is replayed", harm=_replayed),
    Row(number="41", fault="a flood of forged signatures", harm=_forged),
)  # fmt: skip
