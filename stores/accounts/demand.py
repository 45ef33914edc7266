"""Where an installation demands it (`SECOND_FACTOR_REQUIRED`): who may change anything has a second
factor, and until then sees nothing but the pages on which to set one up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from stores.members import changeable_workspaces
from stores.models import User

# Of allauth's addresses: logging out, proving who one is, setting a factor up.
OPEN = ("account_", "mfa_")


class DemandMiddleware:
    """Leads to the second factor whoever has to have one."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Answer one request."""
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *told: Any) -> HttpResponse | None:
        """None where the page may be shown."""
        user, match = request.user, request.resolver_match
        if not settings.SECOND_FACTOR_REQUIRED or not isinstance(user, User):
            return None
        if hasattr(request, "shopify") or (match and (match.url_name or "").startswith(OPEN)):
            return None
        if is_mfa_enabled(user) or not _has_to(user):
            return None
        messages.warning(request, _("Please set up a second factor first: an authenticator app."))
        return redirect("mfa_activate_totp")


def _has_to(user: User) -> bool:
    return user.is_staff or changeable_workspaces(user).exists()
