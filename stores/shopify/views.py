"""The pages of `/shopify/` that need no session token: the bounce page, and installing from outside.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
"""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from purchases.shops.shopify import shop_domain
from stores.models import User
from stores.shopify import installing, tokens
from stores.shopify.embedded import framed, known_shop, read_target
from stores.shopify.installing import Elsewhere, NotInstalled
from stores.shopify.signed_query import is_genuine, read_query

STATE_COOKIE, STATE_LASTS = "shopify_state", 600
STATE_SALT = "stores.shopify.state"


@login_not_required
@require_safe
def bounce(request: HttpRequest) -> HttpResponse:
    """`/shopify/bounce`: holds App Bridge, which fetches a session token and goes on to where it says.

    Nothing on it is anybody's: it may be framed by the admin of a shop that nothing proves.
    """
    target = read_target(request.GET.get("shopify-reload", ""))
    if target != request.GET.get("shopify-reload"):  # App Bridge would follow what the address says
        query = urlencode({"shopify-reload": target})
        return HttpResponseRedirect(f"{request.path}?{query}")
    shown = {
        "client_id": settings.SHOPIFY_API_KEY,
        "app_bridge": settings.SHOPIFY_APP_BRIDGE_URL,
    }
    answer = render(request, "shopify/bounce.html", shown)
    framed(answer, shop=known_shop(request))
    return answer


@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """`/shopify/install?shop=…`: to the consent page of the shop, for an app outside the admin."""
    shop = shop_domain(request.GET.get("shop", ""))
    if shop is None or not settings.SHOPIFY_API_KEY:
        return _refused(request, "shop")
    state = secrets.token_hex(32)
    answer = HttpResponseRedirect(authorize_url(shop, state))
    answer.set_cookie(
        STATE_COOKIE,
        signing.dumps([shop, state], salt=STATE_SALT),
        max_age=STATE_LASTS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
        path="/shopify/",
    )
    return answer


@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """`/shopify/callback`: the merchant has agreed. The state, the signature and the shop must fit."""
    shop = _agreed_shop(request)
    if shop is None:
        return _refused(request, "callback")
    code, now = request.GET.get("code", ""), timezone.now()
    try:
        store = installing.install(
            shop,
            ask=lambda: tokens.exchange_code(shop, code, now=now),
            now=now,
            owner=_user(request),
        )
    except Elsewhere:
        return _refused(request, "elsewhere")
    except NotInstalled:
        return _refused(request, "silent")
    installing.learn_facts(store, now=timezone.now)
    messages.success(request, _("%(shop)s is connected.") % {"shop": shop})
    answer = redirect("dashboard:stores")
    answer.delete_cookie(STATE_COOKIE, path="/shopify/")
    return answer


def authorize_url(shop: str, state: str) -> str:
    """The consent page for an offline token."""
    query = {
        "client_id": settings.SHOPIFY_API_KEY,
        "scope": settings.SHOPIFY_SCOPES,
        "redirect_uri": f"{settings.APP_URL}/shopify/callback",
        "state": state,
        "grant_options[]": "",
    }
    base = settings.SHOPIFY_ADMIN_URL.replace("{shop}", shop)
    return f"{base}/admin/oauth/authorize?{urlencode(query)}"


def _agreed_shop(request: HttpRequest) -> str | None:
    """The shop of a callback that is an answer to this browser's question, or None."""
    try:
        cookie = request.COOKIES.get(STATE_COOKIE, "")
        shop, state = signing.loads(cookie, salt=STATE_SALT, max_age=STATE_LASTS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    genuine = is_genuine(
        read_query(request.META.get("QUERY_STRING", "")),
        secrets=(settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_PREVIOUS),
        now=timezone.now().timestamp(),
    )
    fits = constant_time_compare(request.GET.get("state", ""), state)
    same = shop_domain(request.GET.get("shop", "")) == shop
    return str(shop) if genuine and fits and same else None


def _refused(request: HttpRequest, why: str) -> HttpResponse:
    status = {"elsewhere": 409, "silent": 503}.get(why, 400)
    return render(request, "shopify/refused.html", {"why": why}, status=status)


def _user(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]  # the login is required
