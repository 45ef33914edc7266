"""Which language a page speaks: the one its reader has chosen, else the browser's.

In Shopify's admin it is the admin's own, which comes with the app's address and is remembered: links
inside the app do not carry it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from stores.models import User


class LanguageMiddleware:
    """Speaks the reader's language. Django's LocaleMiddleware has set the browser's before."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Answer one request."""
        chosen = request.user.language if isinstance(request.user, User) else ""
        if chosen:
            translation.activate(chosen)
        return self._get_response(request)


class LanguageForm(forms.Form):
    """One of the languages that there are."""

    language = forms.ChoiceField(choices=settings.LANGUAGES)


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """The reader has picked a language: keep it, and go back to the page."""
    form = LanguageForm(request.POST)
    if form.is_valid() and isinstance(request.user, User):
        _keep(request.user, form.cleaned_data["language"])
    return HttpResponseRedirect(_page(request))


def hear(user: User, locale: str) -> None:
    """Remember the language of the Shopify admin that `user` works in; `locale`, e.g. `fr-CA`."""
    language = locale.partition("-")[0].lower()
    if language in dict(settings.LANGUAGES) and language != user.language:
        _keep(user, language)


def others() -> list[tuple[str, str]]:
    """What the page could speak instead, each under its own name."""
    return [each for each in settings.LANGUAGES if each[0] != translation.get_language()]


def _keep(user: User, language: str) -> None:
    user.language = language
    user.save(update_fields=["language"])


def _page(request: HttpRequest) -> str:
    said = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        said, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return said if safe else reverse("dashboard:stores")
