"""The script for shoppers' browsers, with a store's settings in it: public ones, no secret is here."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from msgspec import Struct

from purchases.browser import read_browser_half, shared_event_id, why_untold
from purchases.mapping import RulesError
from stores.models import Store

FOLDER = Path(__file__).parent


class ToldPixel(Struct, frozen=True, kw_only=True):
    """A pixel that the script tells of purchases, and how it makes the event id."""

    pixel: str
    event_id: str


class UntoldPixel(Struct, frozen=True, kw_only=True):
    """A pixel that the script cannot tell: `reason` is a slug of purchases.browser.why_untold."""

    pixel: str
    reason: str


def pixels_of(store: Store) -> tuple[list[ToldPixel], list[UntoldPixel]]:
    """Which pixels of the store's mappings in force the script can tell of a purchase; one query.

    Of a pixel with several mappings the browser cannot know which one counts.
    """
    told: dict[str, ToldPixel] = {}
    untold: dict[str, UntoldPixel] = {}
    in_force = store.mappings.filter(enabled=True).select_related("pixel", "template")
    for mapping in in_force.order_by("position"):
        pixel = mapping.pixel.pixel_id
        try:
            rules = mapping.rules()
            reason = "conditions" if pixel in told else why_untold(rules)
            event_id = shared_event_id(rules)
            if store.platform != Store.Platform.SHOPIFY and "{checkout_token}" in event_id:
                reason = reason or "unknown_event_id"
        except RulesError:
            reason = "conditions"
        if reason:
            untold[pixel] = UntoldPixel(pixel=pixel, reason=reason)
        else:
            told[pixel] = ToldPixel(pixel=pixel, event_id=event_id)
    return [told[pixel] for pixel in told if pixel not in untold], list(untold.values())


def settings_of(store: Store) -> dict[str, Any]:
    """What the script has to know."""
    told, _untold = pixels_of(store) if read_browser_half(store.browser).purchase else ([], [])
    return {
        "collect": f"{settings.APP_URL}/collect/{store.collect_key}/",
        "shop": store.key,
        "shop_url": store.url,
        "pixel_url": settings.META_PIXEL_URL,
        "pixels": [{"pixel": each.pixel, "event_id": each.event_id} for each in told],
    }


def custom_pixel(store: Store) -> str:
    """What is pasted into Shopify's admin, below Customer events.

    https://help.shopify.com/en/manual/promoting-marketing/pixels/custom-pixels
    """
    said = json.dumps(settings_of(store), indent=2, sort_keys=True)
    return _source("pixel.js") + "\n" + _source("custom_pixel.js").replace("SETTINGS", said)


@cache
def _source(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
