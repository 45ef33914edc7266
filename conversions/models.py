"""What we owe Meta and what became of it: the outbox and the ledger."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from stores.models import Pixel, PixelMapping, Store
from stores.tenants import TenantQuerySet


class State(models.TextChoices):
    """The states of an order × pixel × event (drawn in docs/architecture.md)."""

    WAITING = "waiting"  # for the reason: payment, consent, hold
    PENDING = "pending"
    IN_DOUBT = "in_doubt"  # posted, answer unknown
    ACCEPTED = "accepted"
    SKIPPED = "skipped"
    REJECTED = "rejected"  # by Meta, with its code
    EXPIRED = "expired"  # too old to be sent


class Lane(models.IntegerChoices):
    """What goes first: what has just happened, then the shop's old news (a back-fill)."""

    LIVE = 0
    BACKFILL = 1


class ConversionEvent(models.Model):
    """One order × pixel × event name, from first sight to its end. Narrow: it is written often."""

    store = models.ForeignKey(Store, on_delete=models.PROTECT, db_index=False)  # event_of_store is
    pixel = models.ForeignKey(Pixel, on_delete=models.PROTECT)
    # May outlive its mapping: to look for millions of rows when one is deleted would take minutes.
    mapping = models.ForeignKey(
        PixelMapping,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
    )
    order_id = models.CharField(max_length=64)
    order_name = models.CharField(max_length=100)
    order_mark = models.IntegerField(null=True)  # Order.mark
    event_name = models.CharField(max_length=100)
    event_id = models.CharField(max_length=200)  # "" until the event is owed
    state = models.CharField(max_length=8, choices=State.choices)
    reason = models.CharField(max_length=64, db_default="")
    lane = models.PositiveSmallIntegerField(choices=Lane.choices, db_default=Lane.LIVE)
    config_version = models.CharField(max_length=12, db_default="")  # of the rules it was made by
    value = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=3)
    # Which kinds of identifiers are told of the buyer, as bits (purchases.meta.match_quality).
    identifiers = models.IntegerField(null=True)
    event_time = models.DateTimeField()
    order_updated_at = models.DateTimeField()  # which version of the order this row is about
    received_at = models.DateTimeField(db_default=Now())
    not_before = models.DateTimeField(db_default=Now())  # the next attempt
    cut_off = models.DateTimeField()  # no attempt starts after it
    attempts = models.PositiveSmallIntegerField(db_default=0)
    last_attempt = models.BigIntegerField(null=True)  # the one that moved it last
    crashes = models.PositiveSmallIntegerField(db_default=0)  # senders that died with it
    held = models.BooleanField(default=False, db_default=False)  # in doubt until a person decides
    first_unknown_at = models.DateTimeField(null=True)  # since when it may have been counted
    accepted_at = models.DateTimeField(null=True)
    fbtrace_id = models.CharField(max_length=64, db_default="")

    class Tenants(TenantQuerySet):
        to_workspace = "store__workspace"

    objects = Tenants.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "order_id", "pixel", "event_name"],
                name="event_once_per_order",
            ),
            # Meta's own key of deduplication.
            models.UniqueConstraint(
                fields=["pixel", "event_name", "event_id"],
                condition=~Q(event_id=""),
                name="event_once_at_meta",
            ),
        ]
        indexes = [
            # The outbox: what a pixel is owed, lane by lane, oldest first (sending.claim).
            models.Index(
                fields=["pixel", "lane", "id"],
                condition=Q(state__in=["pending", "in_doubt"], held=False),
                name="event_owed_by_lane",
            ),
            # Orders that wait, by when they can no longer be sent (ledger.expire).
            models.Index(
                fields=["cut_off"],
                condition=Q(state__in=["waiting", "pending", "in_doubt"]),
                name="event_unsettled",
            ),
            # What is held back, by when it may go (ledger.let_go).
            models.Index(
                fields=["not_before"],
                condition=Q(state="waiting", reason="hold"),
                name="event_held_back",
            ),
            # What is in doubt, the most urgent first (doubt.in_doubt).
            models.Index(
                fields=["cut_off", "id"], condition=Q(state="in_doubt"), name="event_in_doubt"
            ),
            # What came lately (dashboard.imbalance); rows lie in the order in which they came.
            BrinIndex(fields=["received_at"], name="event_received"),
            # A store's ledger, newest first (dashboard).
            models.Index(fields=["store", "-id"], name="event_of_store"),
            # A day of a store's orders, or its last weeks (dashboard).
            models.Index(fields=["store", "event_time"], name="event_of_store_by_time"),
            # What is not at Meta: few, where all is well (dashboard.queries).
            models.Index(
                fields=["store", "state", "-id"],
                condition=~Q(state="accepted"),
                name="event_of_store_by_state",
            ),
        ]


class LedgerTotal(models.Model):
    """So many events of a day of the store's, in a state, and their money: summed over a key's rows.

    Triggers add to it in the statement that moves events, so that it never lags; it is never changed,
    so that nobody waits for another. `totals.merge` makes one row of a key's many.
    """

    store = models.ForeignKey(
        Store, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    pixel = models.ForeignKey(
        Pixel, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    day = models.DateField()  # on which the order was placed
    event_name = models.CharField(max_length=100)
    state = models.CharField(max_length=8)
    currency = models.CharField(max_length=3)
    events = models.BigIntegerField()
    # Those among them by which their order came into the ledger; they stay where they came in, so that
    # only the sum over all states says something.
    orders = models.BigIntegerField()
    value = models.DecimalField(max_digits=24, decimal_places=4)
    merged = models.BooleanField(db_default=False)

    class Tenants(TenantQuerySet):
        to_workspace = "store__workspace"

    objects = Tenants.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "day", "pixel", "event_name", "state", "currency"],
                condition=Q(merged=True),
                name="total_once_merged",
            ),
        ]
        indexes = [
            models.Index(fields=["store", "day"], name="total_of_store"),
            models.Index(fields=["id"], condition=Q(merged=False), name="total_to_merge"),
        ]


class ConfigVersion(models.Model):
    """The rules that a `config_version` stands for: an order's page tells what held *then*."""

    version = models.CharField(primary_key=True, max_length=12)
    rules = models.JSONField()
    first_used_at = models.DateTimeField(db_default=Now())


class EventTransition(models.Model):
    """One step of an event's way through the states. Appended by a trigger (migration 0003) in the
    statement that moved the event, so that no move can go unrecorded; never changed."""

    event = models.ForeignKey(
        ConversionEvent, on_delete=models.CASCADE, db_constraint=False, related_name="transitions"
    )
    at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices)
    reason = models.CharField(max_length=64)
    attempt_id = models.BigIntegerField(null=True)  # the attempt whose answer moved it
    config_version = models.CharField(max_length=12)
    actor = models.CharField(max_length=40)  # "user 5"; "" where the product moved it by itself


class EventPayload(models.Model):
    """The event's JSON, sealed with the store's key; apart, because the ledger outlives it."""

    event = models.OneToOneField(ConversionEvent, primary_key=True, on_delete=models.CASCADE)
    body = models.BinaryField()
    written_at = models.DateTimeField(db_default=Now())


class BrowserVisit(models.Model):
    """Where an order and what its buyer's browser tells of its checkout meet, whichever comes first.

    The buyer's word on consent stays; what the browser knows of them is forgotten with the payloads.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, db_index=False)
    checkout = models.BinaryField(max_length=16)  # of its token, which is a key to the checkout
    order_id = models.CharField(max_length=64, db_default="")  # by the order, not the browser
    body = models.BinaryField(null=True)  # sealed; None until the browser tells, and once forgotten
    marketing = models.CharField(max_length=9, db_default="")
    sale_of_data = models.CharField(max_length=9, db_default="")
    said_at = models.DateTimeField(null=True)  # by the browser's clock
    told_at = models.DateTimeField(null=True)  # by ours
    met_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "checkout"], name="visit_once_per_checkout")
        ]
        indexes = [
            # When a store's browsers last told (dashboard).
            models.Index(
                fields=["store", "-told_at"],
                condition=Q(body__isnull=False),
                name="visit_of_store",
            ),
            # Forgetting what was told (visits.forget).
            models.Index(
                fields=["told_at"], condition=Q(body__isnull=False), name="visit_with_body"
            ),
            # Those that no order ever came to, which anybody can make (visits.forget).
            models.Index(fields=["met_at"], condition=Q(order_id=""), name="visit_without_order"),
        ]


class ConsentEvidence(models.Model):
    """What an order said of its buyer's consent (evidence.py). Its words may change: a row for each."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, db_index=False)
    order_id = models.CharField(max_length=64)
    said = models.CharField(max_length=500)
    first_seen_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "order_id", "said"], name="evidence_once_per_word"
            )
        ]

    @property
    def was_seen_again(self) -> bool:
        """Whether a later version of the order said the same, and not only the next webhook."""
        return self.last_seen_at - self.first_seen_at > timedelta(minutes=1)


class OrderConsent(models.Model):
    """What an order's buyer had answered when its store's policy was last laid on it (evidence.py)."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, db_index=False)
    order_id = models.CharField(max_length=64)
    country = models.CharField(max_length=2)  # "" where the order names none
    answer = models.CharField(max_length=10)  # purchases.consent.Answer
    waited = models.BooleanField()  # for an answer, at some time
    placed_at = models.DateTimeField()
    order_updated_at = models.DateTimeField()  # which version of the order has said so

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "order_id"], name="consent_once_per_order")
        ]
        indexes = [models.Index(fields=["store", "placed_at"], name="consent_of_store")]


class PixelQueue(models.Model):
    """A pixel's turn: one request at a time, least recently served first. The lease is here."""

    pixel = models.OneToOneField(Pixel, primary_key=True, on_delete=models.CASCADE)
    served_at = models.DateTimeField(db_default=Now())
    backfill_served_at = models.DateTimeField(db_default=Now())  # each lane has its own order
    lease_token = models.UUIDField(null=True)
    not_before = models.DateTimeField(db_default=Now())  # leased, or a pause after a failure
    probe_at = models.DateTimeField(db_default=Now())  # while the pixel is broken: the next trial
    failures = models.PositiveSmallIntegerField(db_default=0)  # requests in a row without success
    batch_limit = models.PositiveSmallIntegerField(default=1_000, db_default=1_000)
    refusals = models.PositiveSmallIntegerField(db_default=0)  # refused ones since Meta took any


class SendAttempt(models.Model):
    """One request to Meta, written down before its first byte leaves."""

    class Outcome(models.TextChoices):
        UNKNOWN = "unknown"  # also: not answered yet
        ACCEPTED = "accepted"
        TRY_LATER = "try_later"
        PIXEL_BROKEN = "pixel_broken"
        REJECTED = "rejected"

    pixel = models.ForeignKey(Pixel, on_delete=models.PROTECT)
    lease_token = models.UUIDField(db_index=True)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    event_count = models.PositiveSmallIntegerField()
    test_event_code = models.CharField(max_length=40, db_default="")
    outcome = models.CharField(max_length=12, choices=Outcome.choices, db_default=Outcome.UNKNOWN)
    reason = models.CharField(max_length=64, db_default="")
    http_status = models.PositiveSmallIntegerField(null=True)
    fbtrace_id = models.CharField(max_length=64, db_default="")
    message = models.CharField(max_length=500, db_default="")  # Meta's words, redacted
    events: models.ManyToManyField[ConversionEvent, AttemptedEvent] = models.ManyToManyField(
        ConversionEvent, through="AttemptedEvent"
    )

    class Meta:
        indexes = [
            # Attempts whose worker died (sending.claim).
            models.Index(
                fields=["pixel"],
                condition=Q(finished_at__isnull=True),
                name="attempt_unfinished",
            ),
        ]


class AttemptedEvent(models.Model):
    """An event that was in an attempt's request."""

    attempt = models.ForeignKey(SendAttempt, on_delete=models.CASCADE)
    event = models.ForeignKey(ConversionEvent, on_delete=models.CASCADE)
