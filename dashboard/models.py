"""`BalanceRun`: what a store's balance last was, and when it is drawn up again."""

from __future__ import annotations

from django.db import models

from shop_webhooks.models import Turn


class BalanceRun(Turn):
    """A store's last balance that is known to be whole; `reason` is why a later one is not."""

    result = models.JSONField(default=dict)  # a Balance (balance.py), without
    listed = models.JSONField(default=list)  # its `listed`, which is long

    objects: models.Manager[BalanceRun] = models.Manager()
