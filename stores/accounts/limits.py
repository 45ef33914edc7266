"""The names of the counts by which tries are limited: nobody is found out from them."""

from __future__ import annotations

import hmac

from django.conf import settings


def cache_key(key: str, prefix: str, version: int) -> str:
    """A name that only we can make: allauth's holds the plain hash of an e-mail address."""
    said = f"{prefix}:{version}:{key}".encode()
    return hmac.digest(settings.SECRET_KEY.encode(), said, "sha256").hex()
