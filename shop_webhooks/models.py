"""`WebhookDelivery`: what we were told, kept as received."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import JSONField, Q, Value
from django.db.models.functions import Now

from stores.models import Store
from stores.tenants import TenantQuerySet


class WebhookDelivery(models.Model):
    """One delivery from a shop; `source` says whether it came by webhook or was read by a sweep."""

    class State(models.TextChoices):
        RECEIVED = "received"
        RECORDED = "recorded"  # its order stands in the ledger
        SKIPPED = "skipped"
        UNREADABLE = "unreadable"  # the body is kept and can be read again after a fix
        FORGOTTEN = "forgotten"  # erased before it was read

    class Source(models.TextChoices):
        WEBHOOK = "webhook"
        SWEEP = "sweep"

    # None: authentic, but it named no shop.
    store = models.ForeignKey(Store, null=True, on_delete=models.CASCADE, db_index=False)
    delivery_key = models.BinaryField(max_length=16)  # what makes it the same delivery (inbox.py)
    source = models.CharField(max_length=7, choices=Source.choices, db_default=Source.WEBHOOK)
    topic = models.CharField(max_length=100, db_default="")  # an unsigned hint
    delivery_id = models.CharField(max_length=100, db_default="")  # the shop's own, for support
    received_at = models.DateTimeField(db_default=Now())
    repeats = models.PositiveIntegerField(db_default=0)  # how often it came again
    body = models.BinaryField(null=True)  # compressed, sealed; None once it is forgotten

    state = models.CharField(max_length=10, choices=State.choices, db_default=State.RECEIVED)
    reason = models.CharField(max_length=40, db_default="")
    detail = models.CharField(max_length=200, db_default="")  # which field, never a value
    order_id = models.CharField(max_length=64, db_default="")
    not_before = models.DateTimeField(db_default=Now())  # pushed forward by a claim
    claims = models.PositiveSmallIntegerField(db_default=0)  # reads begun and not finished
    processed_at = models.DateTimeField(null=True)  # closed, or opened again

    class Tenants(TenantQuerySet):
        to_workspace = "store__workspace"

    objects = Tenants.as_manager()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["store", "delivery_key"],
                nulls_distinct=False,
                name="delivery_once",
            )
        ]
        indexes = [
            # The inbox: what is to be read next (inbox.claim).
            models.Index(
                fields=["id"],
                condition=Q(state="received"),
                name="delivery_to_read",
            ),
            # What came lately (dashboard.imbalance); rows lie in the order in which they came.
            BrinIndex(fields=["received_at"], name="delivery_received"),
            # A store's deliveries, newest first (dashboard).
            models.Index(fields=["store", "-id"], name="delivery_of_store"),
            # Those that could not be read, which are few: counted on every page of stores.
            models.Index(
                fields=["store", "-id"],
                condition=Q(state="unreadable"),
                name="delivery_unreadable",
            ),
            # An order's journey (dashboard).
            models.Index(fields=["store", "order_id"], name="delivery_of_order"),
            # Forgetting bodies by age (inbox.forget_bodies).
            models.Index(
                fields=["received_at"],
                condition=Q(body__isnull=False),
                name="delivery_with_body",
            ),
        ]


class Turn(models.Model):
    """One store's turn at what is done again and again, by one worker at a time (turns.py)."""

    store = models.OneToOneField(Store, primary_key=True, on_delete=models.CASCADE)
    due_at = models.DateTimeField(db_default=Now())  # pushed forward by a claim
    lease = models.UUIDField(null=True)
    done_at = models.DateTimeField(null=True)  # when it last went well
    reason = models.CharField(max_length=40, db_default="")  # why it did not, the last time
    failures = models.PositiveSmallIntegerField(db_default=0)  # in a row

    class Meta:
        abstract = True


class Sweep(Turn):
    """Reading a store's orders back (sweep.py)."""

    # By the shop's clock: all that changed before was read.
    read_up_to = models.DateTimeField(null=True)
    unfinished = models.BooleanField(db_default=False)  # it was read from, and not to the end
    found = models.PositiveIntegerField(db_default=0)  # deliveries that no webhook had brought
    found_at = models.DateTimeField(null=True)

    objects: models.Manager[Sweep] = models.Manager()


class Heartbeat(Turn):
    """Seeing that a store's webhooks are there and active (heartbeat.py)."""

    mended_at = models.DateTimeField(null=True)
    mended = models.CharField(max_length=200, db_default="")  # the topics that were made again
    facts = models.JSONField(default=dict)  # what else runs there (stores/woocommerce/plugins.py)
    facts_at = models.DateTimeField(null=True)

    objects: models.Manager[Heartbeat] = models.Manager()


class ShopNotice(models.Model):
    """What Shopify tells of a shop, not of an order: uninstalled, changed, or what privacy law asks for.

    Kept as proof of what was asked, by when it had to be done, and what was done.
    """

    shop = models.CharField(max_length=255)
    topic = models.CharField(max_length=100)
    notice_key = models.BinaryField(max_length=16, unique=True)  # what makes it the same notice
    triggered_at = models.DateTimeField(null=True)  # by the shop's clock
    received_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(null=True)
    body = models.BinaryField(null=True)  # sealed with the master key; None once it is done
    done_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=64, db_default="")
    # Of which orders something was erased: their numbers, or "*" for all.
    orders = models.JSONField(default=list, db_default=Value([], JSONField()))
    # Where the merchant has asked, and not Shopify.
    store = models.ForeignKey(Store, null=True, on_delete=models.SET_NULL, db_index=False)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="notice_undone", condition=Q(done_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.topic} of {self.shop}"


class Tombstone(models.Model):
    """An order whose customer asked to be forgotten (tombstones.py)."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, db_index=False)
    order_id = models.CharField(max_length=64)
    buried_at = models.DateTimeField(db_default=Now())

    objects: models.Manager[Tombstone] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "order_id"], name="tombstone_once_per_order")
        ]
