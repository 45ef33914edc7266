"""What a fleet file says, as values. The same values describe what the database holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from stores.secrets import Secret

# The secrets that a store of each platform may have; those of WooCommerce sign and read orders.
STORE_SECRETS = {
    "shopify": ("access_token",),
    "woocommerce": ("webhook_secret", "consumer_key", "consumer_secret"),
}


class SecretEntry(Struct, frozen=True, kw_only=True):
    """A secret and the environment variable it came from; `name` is "" for a literal one."""

    value: Secret
    name: str = ""


class PixelEntry(Struct, frozen=True, kw_only=True):
    """A dataset (Pixel). `broken_reason` is what the database says; a file never gives one."""

    id: str
    name: str = ""
    access_token: SecretEntry
    test_event_code: str = ""
    ambiguous_sends: str = "resend"
    broken_reason: str = ""


class MappingEntry(Struct, frozen=True, kw_only=True):
    """A mapping: `settings` holds what it says itself, as `purchases.mapping.read_rules` takes it."""

    pixel: str
    template: str = ""
    enabled: bool = True
    settings: Mapping[str, Any]


class StoreEntry(Struct, frozen=True, kw_only=True):
    """A store. `address` is a Shopify domain or a WooCommerce URL; `line` is 0 outside a file."""

    key: str
    name: str
    platform: str
    address: str
    secrets: Mapping[str, SecretEntry]
    consent: Mapping[str, Any] = {}  # as purchases.consent.read_consent takes it
    browser: Mapping[str, Any] = {}  # as purchases.browser.read_browser_half takes it
    mappings: tuple[MappingEntry, ...] = ()
    connected: bool = True
    by_hand: bool = False  # connected on screen, and in no file yet
    line: int = 0


class Fleet(Struct, frozen=True, kw_only=True):
    """A workspace with everything in it, by id, name and key."""

    slug: str
    name: str
    pixels: Mapping[str, PixelEntry]
    templates: Mapping[str, Mapping[str, Any]]
    stores: Mapping[str, StoreEntry]
