"""How long a login lasts, and what a browser keeps of it: half an hour in which nothing is done ends it,
and so do twelve hours; no page of somebody's is kept (OWASP ASVS 5.0, 7.3.1, 7.3.2 and 14.3.2).

Inside Shopify's admin there is no login of ours: nothing of this holds there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest
from django.utils.translation import gettext as _

IDLE_SECONDS = 30 * 60
NOTED_EVERY_SECONDS = 60  # so that a page costs no write
BEGAN, SEEN = "login_began", "login_seen"


class PresenceMiddleware:
    """Ends a login whose time is over. Stands behind the frame's own middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Answer one request."""
        if hasattr(request, "shopify") or not _is_in(request):
            return self._get_response(request)
        if _is_over(request):
            logout(request)
            messages.warning(request, _("You have been logged out. Please log in again."))
            return self._get_response(request)
        response = self._get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        if not _is_in(request):
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response


def begin(request: HttpRequest, **told: object) -> None:
    """A login: it begins now."""
    request.session[BEGAN] = request.session[SEEN] = int(time.time())


def _is_in(request: HttpRequest) -> bool:
    return request.user.is_authenticated


def _is_over(request: HttpRequest) -> bool:
    session, now = request.session, int(time.time())
    if BEGAN not in session:  # of before there was this
        begin(request)
    if now - session[SEEN] > IDLE_SECONDS or now - session[BEGAN] > settings.SESSION_COOKIE_AGE:
        return True
    if now - session[SEEN] >= NOTED_EVERY_SECONDS and _is_somebodys_doing(request):
        session[SEEN] = now
    return False


def _is_somebodys_doing(request: HttpRequest) -> bool:
    """A page that looks for news by itself (live.js) keeps nobody logged in."""
    return request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
