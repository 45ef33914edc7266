"""What the screens keep: a store's last balance, and the filters that people save."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from shop_webhooks.models import Turn
from stores.models import Store


class BalanceRun(Turn):
    """A store's last balance that is known to be whole; `reason` is why a later one is not."""

    result = models.JSONField(default=dict)  # a Balance (balance.py), without
    listed = models.JSONField(default=list)  # its `listed`, which is long

    objects: models.Manager[BalanceRun] = models.Manager()


class SavedFilter(models.Model):
    """A choice of a store's orders that a person comes back to. It is theirs alone."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, db_index=False)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1_500)  # of the ledger's address (filters.as_query)

    objects: models.Manager[SavedFilter] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "user", "name"], name="filter_once_per_name")
        ]
