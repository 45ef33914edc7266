"""The login form, and its throttle: five failures per e-mail and address in a quarter of an hour.

Failures are counted in Django's cache. Its default lives in the process, so that each web process
counts for itself and forgets when it restarts: with three of them the limit is fifteen. CACHES can
name one that they share; nothing here changes.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

MOST_FAILURES = 5
COUNTED_FOR_SECONDS = 15 * 60


class ThrottledForm(AuthenticationForm):
    """Refuses to look at the password once there were too many failures."""

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": _(
            "This e-mail address and this password don't belong together. Please try again."
        ),
        "throttled": _("Too many tries. Please wait 15 minutes, then try again."),
    }

    def clean(self) -> dict[str, Any]:
        """The fields, when they name a user. Raises ValidationError, with the code `throttled`
        where even the right password would not help."""
        name = _counter(self.request, email=self.cleaned_data.get("username", ""))
        if cache.get(name, 0) >= MOST_FAILURES:
            raise ValidationError(self.error_messages["throttled"], code="throttled")
        try:
            cleaned = super().clean()
        except ValidationError:
            cache.add(name, 0, COUNTED_FOR_SECONDS)
            cache.incr(name)
            raise
        if self.get_user():  # none, and no error yet, where a field was left empty
            cache.delete(name)
        return cleaned


class LoginForm(ThrottledForm):
    """E-mail address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.fields["username"].label = _("E-mail address")
        self.fields["username"].widget.input_type = "email"


class StaffLoginForm(ThrottledForm, AdminAuthenticationForm):
    """The admin's own form: a second door to the same passwords needs the same throttle."""


def _counter(request: HttpRequest | None, *, email: str) -> str:
    """The name of the count; hashed, so that no cache holds addresses or e-mails in clear."""
    identity = f"{email.strip().lower()}\n{_address(request)}"
    return f"login-failures.{hashlib.sha256(identity.encode()).hexdigest()}"


def _address(request: HttpRequest | None) -> str:
    """Where the request comes from: behind a proxy, the address that the proxy itself has seen.

    What stands further left in X-Forwarded-For was written by the visitor.
    """
    if request is None:
        return ""
    if settings.SECURE_PROXY_SSL_HEADER and (said := request.META.get("HTTP_X_FORWARDED_FOR")):
        return str(said).rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))
