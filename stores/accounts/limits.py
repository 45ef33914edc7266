"""How often somebody may do what costs others, and the names of its counts, which name nobody."""

from __future__ import annotations

import hmac

from allauth.core.ratelimit import consume
from django.conf import settings
from django.http import HttpRequest


def cache_key(key: str, prefix: str, version: int) -> str:
    """A name that only we can make: allauth's holds the plain hash of an e-mail address."""
    said = f"{prefix}:{version}:{key}".encode()
    return hmac.digest(settings.SECRET_KEY.encode(), said, "sha256").hex()


def may_still(request: HttpRequest, action: str) -> bool:
    """Whether the user may do `action` of ACCOUNT_RATE_LIMITS once more; counts it."""
    return bool(consume(request, action=action, user=request.user))
