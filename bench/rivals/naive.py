"""Sending as most would write it: one task an event, the ORM, Meta's SDK's shape, one POST each."""

import os
from datetime import UTC, datetime

import environ
import requests
from celery import Celery
from django.conf import settings

if not settings.configured:
    settings.configure(
        DATABASES={"default": environ.Env().db_url("DATABASE_URL")},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
import django

django.setup()
from django.db import models

from bench.rivals import sdk

app = Celery("naive", broker=os.environ["CELERY_BROKER_URL"])
app.conf.task_default_queue = "naive"


class NaiveEvent(models.Model):
    """One an order."""

    body = models.BinaryField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "bench"
        db_table = "bench_naive"


@app.task
def send(pk: int) -> None:
    """Load, build, post, save."""
    event = NaiveEvent.objects.get(pk=pk)
    answer = requests.post(
        os.environ["META_GRAPH_URL"] + "/v26.0/1/events",
        data=b'{"data":[' + sdk.event(bytes(event.body)) + b"]}",
        timeout=10,
    )
    answer.raise_for_status()
    event.sent_at = datetime.now(UTC)
    event.save()
