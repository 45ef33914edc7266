"""What else runs in a shop: plug-ins that tell Meta by themselves, and plug-ins that ask for consent."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from stores.shops import ShopError
from stores.woocommerce.client import Rest


class Plugin(Struct, frozen=True, kw_only=True):
    """A plug-in that matters to us. `sends` is whether it tells Meta from the server by itself."""

    name: str
    version: str
    sends: bool
    # A key of stores/shop_words.py: what it does, and what we recommend.
    advice: str


class ShopFacts(Struct, frozen=True, kw_only=True):
    """What `system_status` tells of a shop."""

    version: str
    runs_cron: bool
    plugins: tuple[Plugin, ...]


# By the folder that a plug-in has under wp-content/plugins.
KNOWN = {
    "facebook-for-woocommerce": ("Meta for WooCommerce", True, "meta_for_woocommerce"),
    "pixelyoursite": ("PixelYourSite", True, "pixelyoursite"),
    "pixelyoursite-pro": ("PixelYourSite Pro", True, "pixelyoursite"),
    "official-facebook-pixel": ("Meta pixel for WordPress", True, "sends_itself"),
    "woocommerce-google-adwords-conversion-tracking-tag": ("Pixel Manager", True, "pixel_manager"),
    "gtm-server-side": ("Stape GTM Server Side", True, "sends_itself"),
    "enhanced-e-commerce-for-woocommerce-store": ("Conversios", True, "sends_itself"),
    "duracelltomi-google-tag-manager": ("GTM4WP", False, "tag_manager"),
    "complianz-gdpr": ("Complianz", False, "consent_plugin"),
    "cookie-law-info": ("CookieYes", False, "consent_plugin"),
    "wp-consent-api": ("WP Consent API", False, "consent_plugin"),
}


def read_facts(rest: Rest) -> ShopFacts:
    """Ask the shop what it runs. Raises ShopError."""
    found = rest.get("/wc/v3/system_status", _fields="environment,active_plugins")
    if not isinstance(found, dict):
        raise ShopError("unreadable_answer_of_shop")
    environment, plugins = found.get("environment"), found.get("active_plugins")
    environment = environment if isinstance(environment, dict) else {}
    listed = plugins if isinstance(plugins, list) else []
    return ShopFacts(
        version=str(environment.get("version", ""))[:20],
        runs_cron=environment.get("wp_cron") is not False,
        plugins=tuple([known for plugin in listed if (known := _known(plugin))]),
    )


def _known(plugin: Any) -> Plugin | None:
    if not isinstance(plugin, dict):
        return None
    folder = str(plugin.get("plugin", "")).partition("/")[0]
    if folder not in KNOWN:
        return None
    name, sends, advice = KNOWN[folder]
    version = str(plugin.get("version", ""))[:20]
    return Plugin(name=name, version=version, sends=sends, advice=advice)
