"""The shops: a store for each, and how we came to it."""

from __future__ import annotations

import secrets as random_tokens

from django.conf import settings
from django.db import models
from django.utils import timezone

from stores.models.people import Workspace
from stores.secrets import SecretField, new_store_key
from stores.tenants import TenantQuerySet


class Store(models.Model):
    """A connected shop."""

    class Platform(models.TextChoices):
        SHOPIFY = "shopify", "Shopify"
        WOOCOMMERCE = "woocommerce", "WooCommerce"

    class RestAuth(models.TextChoices):
        NONE = "", "Not found out"
        BASIC = "basic", "Basic"
        QUERY = "query", "In the query string"
        OAUTH = "oauth", "OAuth 1.0a"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="stores")
    key = models.SlugField(max_length=60)
    name = models.CharField(max_length=200)
    platform = models.CharField(max_length=12, choices=Platform.choices)
    domain = models.CharField(max_length=255)  # Shopify: the myshopify.com name; else the host
    url = models.URLField(max_length=500)
    time_zone = models.CharField(max_length=64, default="UTC")
    connected = models.BooleanField(default=True)
    # Connected by a person: a fleet file that does not know it leaves it alone.
    by_hand = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    sealed_key = models.BinaryField(default=new_store_key, editable=False)
    webhook_token = models.CharField(
        max_length=43, unique=True, default=random_tokens.token_urlsafe, editable=False
    )
    webhook_secret = SecretField()
    webhook_secret_previous = SecretField()
    access_token = SecretField()
    consumer_key = SecretField()
    consumer_secret = SecretField()
    # What purchases.consent.read_consent takes; nothing for a store that asks for no consent.
    consent = models.JSONField(default=dict, db_default={}, blank=True)
    # What purchases.browser.read_browser_half takes; nothing where no script of ours runs in the shop.
    browser = models.JSONField(default=dict, db_default={}, blank=True)
    # Where the script tells it: public, since every shopper's browser has it. None, not "": of stores
    # that never had one there are many, and a key is one store's.
    collect_key = models.CharField(max_length=22, unique=True, null=True, editable=False)  # noqa: DJ001
    # When a WooCommerce shop last told us, unsigned, that it has a webhook for us.
    pinged_at = models.DateTimeField(null=True, blank=True, editable=False)
    # In which way a WooCommerce shop takes the key (stores/woocommerce/probe.py).
    rest_auth = models.CharField(
        max_length=5, choices=RestAuth.choices, default="", db_default="", blank=True
    )
    # Where each secret came from: {"access_token": "LYON_ADMIN_TOKEN"}; exported instead of it.
    secret_names = models.JSONField(default=dict, blank=True)

    class Tenants(TenantQuerySet):
        to_store = "pk"

    objects = Tenants.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key"], name="store_key_in_workspace"),
            # Shopify names the shop in a header: it must lead to one store.
            models.UniqueConstraint(
                fields=["domain"],
                condition=models.Q(platform="shopify", connected=True),
                name="one_store_per_shopify_shop",
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def webhook_path(self) -> str:
        """Where the shop delivers its orders."""
        if self.platform == self.Platform.SHOPIFY:
            return "/webhooks/shopify/"
        return f"/webhooks/woocommerce/{self.webhook_token}/"


class Invitation(models.Model):
    """A link by which the merchant of a shop lets a workspace have the shop: for one shop, once."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invitations")
    whom = models.CharField(max_length=200)
    token_digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    joined_at = models.DateTimeField(null=True)
    store = models.ForeignKey(Store, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = TenantQuerySet.as_manager()

    def __str__(self) -> str:
        return self.whom


class KeyHandover(models.Model):
    """A WooCommerce shop that is asked for a key: from the typed address until the key works."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # Of a merchant without an account here; `user` is then who invited them.
    invitation = models.ForeignKey(
        Invitation, null=True, on_delete=models.CASCADE, related_name="+"
    )
    url = models.URLField(max_length=500)
    # Of the single-use state that the shop gives back, and of the session that may finish.
    state_digest = models.CharField(max_length=64, unique=True)
    session_digest = models.CharField(max_length=64)
    consumer_key = SecretField()  # until the store has it
    consumer_secret = SecretField()
    received_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=40, blank=True)
    store = models.ForeignKey(Store, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)


class ShopifyInstallation(models.Model):
    """Our app in a Shopify shop: the pair of tokens that it was given, and whether they still serve.

    Both tokens and both ends are written in one statement: half a pair locks us out of the shop.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        NEEDS_MERCHANT = "needs_merchant"  # the tokens are dead: somebody must open the app
        UNINSTALLED = "uninstalled"

    store = models.OneToOneField(Store, on_delete=models.CASCADE, related_name="shopify")
    state = models.CharField(max_length=14, choices=State.choices, default=State.ACTIVE)
    reason = models.CharField(max_length=64, blank=True)
    state_since = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)  # when its owners were told by mail
    # Counts installs: news of an earlier one must not touch a later one. `opened_at` is when somebody
    # in the shop's admin last had the app open, which proves it installed.
    generation = models.PositiveIntegerField(default=1)
    installed_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)
    # Whether the workspace came into being with it; in another one, staff of the shop only read.
    made_workspace = models.BooleanField(default=False)
    scopes = models.TextField(blank=True)
    pixel_placed_at = models.DateTimeField(null=True, blank=True)  # our app's, while it is there
    access_token = SecretField()
    access_token_until = models.DateTimeField(null=True, blank=True)
    refresh_token = SecretField()
    refresh_token_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(access_token_until=None, refresh_token_until=None)
                | models.Q(access_token_until__isnull=False, refresh_token_until__isnull=False),
                name="shopify_tokens_are_a_pair",
            )
        ]

    def __str__(self) -> str:
        return f"{self.store_id} ({self.state})"
