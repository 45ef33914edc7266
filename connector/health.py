"""Liveness, readiness and metrics, for the host's own watchers."""

from __future__ import annotations

import shutil
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    generate_latest,
)

from connector.celery import app
from dashboard.imbalance import find_imbalance, imbalance
from stores.broker import eviction

FULL = 90  # per cent of the disk

OLDEST = """
SELECT (SELECT COALESCE(EXTRACT(epoch FROM now() - MIN(GREATEST(received_at, processed_at))), 0)
        FROM shop_webhooks_webhookdelivery WHERE state = 'received'),
       (SELECT COALESCE(EXTRACT(epoch FROM now() - MIN(received_at)), 0)
        FROM conversions_conversionevent WHERE state IN ('pending', 'in_doubt'))
"""
EVENTS = """
SELECT state, sum(events) FROM conversions_ledgertotal GROUP BY state HAVING sum(events) > 0
"""
# A crash of the database must not take back what a shop was told is kept.
DURABLE = "SELECT current_setting('fsync'), current_setting('synchronous_commit')"


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """200 if webhooks can be kept; what is worth knowing besides. A dead broker delays, no more."""
    report: dict[str, object] = {"broker": _broker(), "disk": _disk()}
    try:
        report |= _database()
    except Error as error:
        report["database"] = type(error).__name__
    ready = report.get("database") == report.get("migrations") == "ok"
    return JsonResponse(
        {"status": "ready" if ready else "not ready"} | report,
        status=200 if ready else 503,
    )


@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, counted in the database: the same whichever process answers."""
    registry = CollectorRegistry()
    with connection.cursor() as cursor:
        cursor.execute(OLDEST)
        oldest_delivery, oldest_event = cursor.fetchone()
        cursor.execute(EVENTS)
        events = Gauge("connector_events", "Orders x pixels by state", ["state"], registry=registry)
        for state, count in cursor.fetchall():
            events.labels(state).set(count)
        cursor.execute("SELECT count(*) FROM stores_pixel WHERE broken_reason <> ''")
        (broken,) = cursor.fetchone()
    for name, text, value in (
        (
            "connector_oldest_unread_delivery_seconds",
            "Age of the oldest unread delivery",
            oldest_delivery,
        ),
        (
            "connector_oldest_unsent_event_seconds",
            "Age of the oldest unsent event",
            oldest_event,
        ),
        ("connector_broken_pixels", "Pixels that Meta refuses", broken),
        (
            "connector_ledger_imbalance",
            "What must never be in the ledger, among the events of the last hour: 0",
            imbalance(find_imbalance(span=timedelta(hours=1))),
        ),
    ):
        Gauge(name, text, registry=registry).set(float(value))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _database() -> dict[str, object]:
    with connection.cursor() as cursor:
        cursor.execute(DURABLE)
        fsync, synchronous_commit = cursor.fetchone()
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            return {"database": "ok", "migrations": f"{len(missing)} not applied"}
        cursor.execute(OLDEST)
        oldest_delivery, oldest_event = cursor.fetchone()
    durable = fsync == "on" and synchronous_commit != "off"
    return {
        "database": "ok" if durable else "loses commits: fsync or synchronous_commit is off",
        "migrations": "ok",
        "oldest_unread_delivery_seconds": round(float(oldest_delivery), 1),
        "oldest_unsent_event_seconds": round(float(oldest_event), 1),
    }


def _broker() -> str:
    try:
        with app.connection_for_write(connect_timeout=1, transport_options=SHORT) as connection_:
            connection_.ensure_connection(max_retries=1, timeout=1)
            policy = eviction(connection_)
    except Exception as error:  # noqa: BLE001  a door: each transport has errors of its own
        return f"silent ({type(error).__name__}): orders go on by the sweep"
    return f"drops messages when it is full ({policy}): set noeviction" if policy else "ok"


def _disk() -> str:
    disk = shutil.disk_usage(settings.BASE_DIR)
    used = 100 * disk.used // (disk.used + disk.free)
    return "ok" if used < FULL else f"{used} % full: a database that lies here stops taking orders"


SHORT = {
    key: value
    for key, value in settings.CELERY_BROKER_TRANSPORT_OPTIONS.items()
    if "timeout" not in key
} | (
    {"socket_timeout": 1, "socket_connect_timeout": 1}
    if settings.CELERY_BROKER_TRANSPORT_OPTIONS
    else {}
)
