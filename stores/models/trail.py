"""What was set when, and by whom: written by triggers (migration 0016), never changed."""

from __future__ import annotations

from django.db import models

from stores.models.people import Workspace
from stores.tenants import TenantQuerySet


class ConfigChange(models.Model):
    """One change of a row that says what is to be done: a store, a pixel, a mapping, a role, a channel.

    `before` and `after` hold the columns that differ. Of a secret they hold a fingerprint of its sealed
    form, which tells that it was written anew, and nothing else.
    """

    # It outlives the workspace.
    workspace = models.ForeignKey(
        Workspace, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    at = models.DateTimeField()
    actor = models.CharField(max_length=60)  # "" where the product did it by itself
    kind = models.CharField(max_length=40)  # the table's
    row = models.BigIntegerField()
    store_id = models.BigIntegerField(null=True)  # whose it is, where it is one store's
    before = models.JSONField(null=True)  # None: it was made
    after = models.JSONField(null=True)  # None: it was removed

    class OfChanges(TenantQuerySet):
        to_store = ""

    objects = OfChanges.as_manager()

    class Meta:
        indexes = [models.Index(fields=["workspace", "-id"], name="change_of_workspace")]
