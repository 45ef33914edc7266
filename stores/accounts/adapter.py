"""What django-allauth asks us: who may sign up, how often one may try, how secrets are kept."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from stores import secrets
from stores.accounts.colleagues import invitation_of
from stores.accounts.second_factors import PURPOSE
from stores.acting import note_login
from stores.models import User


class Accounts(DefaultAccountAdapter):
    """Accounts by e-mail address."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _(
            "This e-mail address and this password don't belong together. Please try again."
        ),
        "too_many_login_attempts": _("Too many tries. Please wait 15 minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Strangers where the installation lets them, and can prove their address; else the invited."""
        return (settings.SIGN_UP and settings.SENDS_MAIL) or invitation_of(request) is not None

    def clean_email(self, email: str) -> str:
        """In lower case, as users are kept."""
        return str(super().clean_email(email)).lower()

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Five failures from one address, twenty tries from all of them: then 15 minutes' rest. Raises
        ValidationError. The first alone could be had for each of many addresses."""
        super().pre_authenticate(request, **credentials)
        email = str(credentials.get("email", "")).strip().lower()
        if not ratelimit.consume(request, action="login_account", key=email):
            self._rollback_login_failed_rl_usage()
            raise self.validation_error("too_many_login_attempts")

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """The trail says so, where the account is somebody's."""
        super().authentication_failed(request, **credentials)
        email = str(credentials.get("email", "")).strip().lower()
        if user := User.objects.filter(email=email).first():
            note_login(user, outcome="refused")

    def login(self, request: HttpRequest, user: User) -> None:
        """With the second factor, where there is one."""
        super().login(request, user)
        note_login(user, outcome="let_in")

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Failures from one address: five tries from elsewhere lock nobody out."""
        known = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{known.strip()}:{self.get_client_ip(request)}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """From the product, whatever the request called this host."""
        site = {"name": "Connector", "domain": urlsplit(settings.APP_URL).netloc}
        super().send_mail(template_prefix, email, context | {"current_site": site})

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Under the public address, whatever the request called this host."""
        return settings.APP_URL + reverse(
            "account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"}
        ).replace("UID-KEY", key)


class SecondFactors(DefaultMFAAdapter):
    """Secrets of authenticator apps and recovery codes, sealed with the key ring."""

    def _get_site_name(self) -> str:
        return "Connector"

    def encrypt(self, text: str) -> str:
        """As hexadecimal, since the column holds JSON."""
        return secrets.master().seal(text.encode(), purpose=PURPOSE).hex()

    def decrypt(self, encrypted_text: str) -> str:
        """What `encrypt` was given. Raises what the key ring raises."""
        return secrets.master().open(bytes.fromhex(encrypted_text), purpose=PURPOSE).decode()
