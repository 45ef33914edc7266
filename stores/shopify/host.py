"""The parameter `host`: where in Shopify's admin the app was opened, as base64."""

from __future__ import annotations

import base64
import binascii
import re

_SHOPIFY = r"(?:myshopify\.com|shopify\.com|myshopify\.io|spin\.dev|shop\.dev)"
_LABEL = r"[a-z0-9][a-z0-9-]{0,62}"
_PLACE = re.compile(rf"(?:{_LABEL}\.)+{_SHOPIFY}/(?:admin|store/{_LABEL})", re.IGNORECASE)


def read_host(said: str) -> str | None:
    """The place in the admin, such as `admin.shopify.com/store/boutique`, or None.

    Its padding is often missing. It is not signed unless the query is: a place to lead back to, and
    no proof of anything.
    """
    if not re.fullmatch(r"[A-Za-z0-9+/]{1,400}={0,2}", said):
        return None
    bare = said.rstrip("=")
    try:
        place = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return place if _PLACE.fullmatch(place) else None
