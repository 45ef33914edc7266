"""What the screens keep: a store's last balance, the filters that people save, and the alerts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from shop_webhooks.models import Turn
from stores.models import Pixel, Store, Workspace
from stores.secrets import SecretField
from stores.tenants import TenantQuerySet


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


class Lookout(models.Model):
    """When we last looked whether anything is wrong, and the lock of whoever is looking. One row."""

    looked_at = models.DateTimeField(null=True)
    looked_slowly_at = models.DateTimeField(null=True)  # at what changes in days, not in minutes

    objects: models.Manager[Lookout] = models.Manager()


class Alert(models.Model):
    """Something is wrong (alerts/causes.py), from when it was first seen until it is over."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="alerts")
    cause = models.CharField(max_length=20)
    level = models.CharField(max_length=4)
    store = models.ForeignKey(Store, null=True, on_delete=models.CASCADE, db_index=False)
    pixel = models.ForeignKey(Pixel, null=True, on_delete=models.CASCADE, db_index=False)
    reason = models.CharField(max_length=64, db_default="")
    orders = models.PositiveIntegerField(db_default=0)
    money = models.JSONField(default=list)  # [currency, amount as text], the most first
    until = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField()  # the last time that it was so
    resolved_at = models.DateTimeField(null=True)
    stage = models.PositiveSmallIntegerField(default=0, db_default=0)  # a higher one is told anew
    # When a message about it was written; None again once there is news of it.
    told_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL
    )

    class OfAlerts(TenantQuerySet):
        to_store = "store"

    objects = OfAlerts.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "cause", "store", "pixel"],
                condition=Q(resolved_at=None),
                nulls_distinct=False,
                name="alert_once_while_open",
            )
        ]
        indexes = [models.Index(fields=["workspace", "-opened_at"], name="alert_of_workspace")]


class AlertChannel(models.Model):
    """Where a workspace's alerts go."""

    class Kind(models.TextChoices):
        MEMBERS = "members"  # the mail addresses of those who may put it right
        EMAIL = "email"
        SLACK = "slack"  # or whatever takes {"text": …}
        WEBHOOK = "webhook"  # signed: https://www.standardwebhooks.com

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="channels")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    target = SecretField()  # an address may be the key to what it leads to
    secret = SecretField()
    language = models.CharField(max_length=5, db_default="en")
    enabled = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField(db_default=Now())
    reason = models.CharField(
        max_length=64, db_default=""
    )  # why the last message did not get there
    sent_at = models.DateTimeField(null=True)

    class OfChannels(TenantQuerySet):
        to_store = ""  # a channel tells of all of the workspace

    objects = OfChannels.as_manager()


class AlertMessage(models.Model):
    """A message that is to be sent, and then was: once, or twice where we died in between."""

    class Kind(models.TextChoices):
        OPENED = "opened"
        RESOLVED = "resolved"
        TEST = "test"

    channel = models.ForeignKey(AlertChannel, on_delete=models.CASCADE)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    alerts: models.ManyToManyField[Alert, Any] = models.ManyToManyField(Alert)
    key = models.UUIDField(unique=True)  # the same for each try
    written_at = models.DateTimeField()
    not_before = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(db_default=0)
    done_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=64, db_default="")  # why it was given up, or the last try

    objects: models.Manager[AlertMessage] = models.Manager()

    class Meta:
        indexes = [
            models.Index(fields=["not_before"], condition=Q(done_at=None), name="message_to_send")
        ]


class DailyMail(models.Model):
    """The mail of a day to a person, which is written once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False)
    day = models.DateField()  # that it tells of
    sent_at = models.DateTimeField(null=True)  # also where there was nothing to tell

    objects: models.Manager[DailyMail] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "day"], name="one_mail_for_a_day")]


class FirstOrder(models.Model):
    """A store's first order is at Meta, and its people were told."""

    store = models.OneToOneField(
        Store, primary_key=True, on_delete=models.CASCADE, related_name="first_order"
    )
    told_at = models.DateTimeField()

    objects: models.Manager[FirstOrder] = models.Manager()


class AuditChain(models.Model):
    """A workspace's chain of audit entries, and where it ends."""

    workspace = models.OneToOneField(
        Workspace, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False
    )
    length = models.BigIntegerField(db_default=0)
    head = models.CharField(max_length=64, db_default="")  # the last entry's hash
    signed_at = models.DateTimeField(null=True)

    objects: models.Manager[AuditChain] = models.Manager()


class AuditCursor(models.Model):
    """Up to where the trails were read into the chains, and the lock of whoever reads. One row."""

    changes_up_to = models.BigIntegerField(db_default=0)  # ConfigChange
    steps_up_to = models.BigIntegerField(db_default=0)  # EventTransition

    objects: models.Manager[AuditCursor] = models.Manager()


class AuditEntry(models.Model):
    """One link: what happened, as the text that was hashed with the link before it. Never changed."""

    chain = models.ForeignKey(AuditChain, on_delete=models.CASCADE, db_index=False)
    number = models.BigIntegerField()
    text = models.TextField()
    hash = models.CharField(max_length=64)

    objects: models.Manager[AuditEntry] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "number"], name="entry_once_in_chain")
        ]


class AuditSignature(models.Model):
    """The head of a chain, signed once a day: what stands before it cannot be made up later."""

    chain = models.ForeignKey(AuditChain, on_delete=models.CASCADE)
    number = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    signed_at = models.DateTimeField()
    signature = models.CharField(max_length=128)  # Ed25519, hexadecimal

    objects: models.Manager[AuditSignature] = models.Manager()


class AuditKey(models.Model):
    """What this installation signs with. One row, made when it is first needed."""

    private = SecretField()  # hexadecimal
    public = models.CharField(max_length=64)

    objects: models.Manager[AuditKey] = models.Manager()
