"""What goes where: datasets at Meta, and which orders each of them is told."""

from __future__ import annotations

from django.db import models

from purchases.mapping import Rules, RulesError, read_rules
from stores.models.people import Workspace
from stores.models.shops import Store
from stores.secrets import SecretField
from stores.tenants import TenantQuerySet


class Pixel(models.Model):
    """A dataset (Pixel) at Meta, and the token to write to it."""

    class AmbiguousSends(models.TextChoices):
        RESEND = "resend"  # never lose: it goes again with the same event id, while Meta matches it
        HOLD = "hold"  # never double: it waits until a person decides

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="pixels")
    pixel_id = models.CharField(max_length=20)
    name = models.CharField(max_length=200, blank=True)
    access_token = SecretField()
    # As Meta told it; None for never, and where Meta did not say.
    token_expires_at = models.DateTimeField(null=True, blank=True)
    secret_names = models.JSONField(default=dict, blank=True)
    # What becomes of a send whose answer never came.
    ambiguous_sends = models.CharField(
        max_length=6,
        choices=AmbiguousSends.choices,
        default=AmbiguousSends.RESEND,
        db_default=AmbiguousSends.RESEND,
    )
    test_event_code = models.CharField(max_length=40, blank=True)
    test_event_code_until = models.DateTimeField(null=True, blank=True)
    # Set while Meta refuses the token or the dataset: events wait, nothing is sent.
    broken_reason = models.CharField(max_length=64, blank=True)
    broken_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)  # when Meta was last asked for it
    created_at = models.DateTimeField(auto_now_add=True)

    class Tenants(TenantQuerySet):
        to_store = "mappings__store"

    objects = Tenants.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "pixel_id"], name="pixel_in_workspace")
        ]

    def __str__(self) -> str:
        return self.pixel_id


class ProductCost(models.Model):
    """What one piece of a product costs the merchant."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="costs")
    kind = models.CharField(max_length=12)  # what the code is: purchases.costs.KINDS
    code = models.CharField(max_length=200)
    amount = models.DecimalField(max_digits=20, decimal_places=6)
    currency = models.CharField(max_length=3, blank=True)  # "" for the shop's own

    class Tenants(TenantQuerySet):
        to_workspace = "store__workspace"

    objects = Tenants.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "kind", "code", "currency"], name="cost_of_product_in_store"
            )
        ]

    def __str__(self) -> str:
        return self.code


class MappingTemplate(models.Model):
    """Settings that mappings share by name."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="templates")
    name = models.SlugField(max_length=60)
    settings = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="template_in_workspace")
        ]

    def __str__(self) -> str:
        return self.name


class PixelMapping(models.Model):
    """Which orders of a store go to which pixel, and how. The first that matches a pixel counts."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="mappings")
    pixel = models.ForeignKey(Pixel, on_delete=models.CASCADE, related_name="mappings")
    position = models.PositiveSmallIntegerField()
    enabled = models.BooleanField(default=True)
    template = models.ForeignKey(MappingTemplate, null=True, blank=True, on_delete=models.PROTECT)
    settings = models.JSONField(default=dict, blank=True)  # only what was said here
    # Switched off for a while, with others: to be switched on again with them.
    paused_at = models.DateTimeField(null=True, blank=True)

    class TenantQuerySet(TenantQuerySet):
        to_workspace = "store__workspace"

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "position"], name="mapping_position_in_store")
        ]

    @property
    def event_name(self) -> str:
        """The event at Meta that it is about, also where its rules are not valid."""
        shared = self.template.settings if self.template else {}
        return str((shared | self.settings).get("event") or "Purchase")[:100]

    @property
    def needs_costs(self) -> bool:
        """Whether what the goods cost has to be looked up for its rules."""
        try:
            return self.rules().needs_costs
        except RulesError:
            return False

    def rules(self) -> Rules:
        """The rules in force: the template's, overruled by the mapping's own. Raises RulesError."""
        return read_rules((self.template.settings if self.template else {}) | self.settings)
