"""Liveness, readiness and metrics."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from connector import health
from tests.pipeline import a_kept_order, an_order, post_to_shopify_door


@pytest.fixture
def durable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own server skips fsync, which no session can change."""
    monkeypatch.setattr(health, "DURABLE", "SELECT 'on', current_setting('synchronous_commit')")


def ready() -> tuple[int, dict[str, Any]]:
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()


def test_a_process_that_answers_is_alive() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}


def test_with_everything_there_it_is_ready(acme: SimpleNamespace, durable: None) -> None:
    status, report = ready()

    assert (status, report["status"], report["broker"]) == (200, "ready", "ok")


def test_it_tells_how_long_the_oldest_delivery_waits(acme: SimpleNamespace, durable: None) -> None:
    a_kept_order(acme.lyon, an_order())
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE shop_webhooks_webhookdelivery SET received_at = now() - interval '1 hour'"
        )

    _, report = ready()

    assert 3600 <= report["oldest_unread_delivery_seconds"] < 3700


def test_a_database_that_may_forget_commits_is_not_ready(
    acme: SimpleNamespace, durable: None
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")

    status, report = ready()
    connection.close()

    assert (status, report["status"]) == (503, "not ready")
    assert report["database"] == "loses commits: fsync or synchronous_commit is off"


@pytest.mark.case("C13")
def test_a_disk_that_fills_up_is_told_while_webhooks_are_taken(
    acme: SimpleNamespace, durable: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "FULL", 101)
    assert ready()[1]["disk"] == "ok"
    monkeypatch.setattr(health, "FULL", 0)

    status, report = ready()

    assert (status, report["disk"].split()[1:3]) == (200, ["%", "full:"])
    assert post_to_shopify_door(an_order(), store=acme.lyon).status_code == 200


def test_metrics_are_counted_in_the_database(acme: SimpleNamespace) -> None:
    a_kept_order(acme.lyon, an_order())

    answer = Client().get("/metrics")

    assert answer.status_code == 200
    assert b"connector_oldest_unread_delivery_seconds" in answer.content
