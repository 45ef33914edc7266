"""Doorbells of the outbox. The rows say what there is to do."""

import threading
from datetime import timedelta
from functools import cache, partial

from celery import shared_task
from django.conf import settings

from conversions import ledger, outbox, retention, sending, totals, visits
from conversions.graph import GraphClient
from conversions.models import Lane
from conversions.stopping import may_go_on

# Threads that may wait for Meta at once: the worker's others stay free to read deliveries.
slots = threading.BoundedSemaphore(settings.SEND_SLOTS)
# Of these, so many may serve a back-fill, and do so every other turn: neither lane starves the other.
backfill_slots = threading.BoundedSemaphore(max(1, settings.SEND_SLOTS // 4))


@shared_task(name="conversions.send_due")
def send_due(**_later: object) -> None:
    """Send what pixels are owed, and call a colleague as long as there is more."""
    if not slots.acquire(blocking=False):
        return  # those that hold the slots go on until nothing is due
    try:
        _send_until_nothing_is_due()
    finally:
        slots.release()


@shared_task(name="conversions.expire")
def expire(**_later: object) -> None:
    """Let go what was held back long enough, and give up what may no longer be sent."""
    if ledger.let_go():
        send_due.ring_now()
    ledger.expire()


@shared_task(name="conversions.forget_payloads")
def forget_payloads(**_later: object) -> None:
    """Erase the payloads that no resend can need, what browsers told long ago, and the ledger's end."""
    outbox.forget_payloads()
    visits.forget()
    retention.forget_ledger(timedelta(days=settings.LEDGER_DAYS))


@shared_task(name="conversions.merge_totals")
def merge_totals(**_later: object) -> None:
    """Keep the totals few, so that pages read them fast."""
    totals.merge()


@cache
def graph_client() -> GraphClient:
    """The process's client, with its connections."""
    return GraphClient(
        url=settings.META_GRAPH_URL,
        version=settings.META_GRAPH_VERSION,
        app_secret=settings.META_APP_SECRET,
    )


def _send_until_nothing_is_due() -> None:
    send = partial(
        sending.send_next,
        graph=graph_client(),
        call_colleague=send_due.ring_now,
        may_go_on=may_go_on,
    )
    is_anything_due = True
    while is_anything_due and may_go_on():
        is_anything_due = send(lane=Lane.LIVE)
        if may_go_on() and backfill_slots.acquire(blocking=False):
            try:
                is_anything_due |= send(lane=Lane.BACKFILL)
            finally:
                backfill_slots.release()
