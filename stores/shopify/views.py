"""The pages for Shopify that need no session token: the bounce page, and connecting from outside.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
"""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from purchases.shops.shopify import shop_domain
from stores import invitations
from stores.invitations import TooLate
from stores.members import changeable_workspaces, user_of
from stores.models import Invitation, Store
from stores.secrets import Secret
from stores.shop_words import told
from stores.shopify import installing, tokens
from stores.shopify.embedded import framed, known_shop, read_target
from stores.shopify.forms import ConnectForm
from stores.shopify.installing import Elsewhere, NotInstalled, Taker
from stores.shopify.pasted import connect_by_token
from stores.shopify.signed_query import is_genuine, read_query
from stores.shops import ShopError

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


@never_cache
@csp_update({"form-action": ["https:"]})
@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: HttpRequest) -> HttpResponse:
    """`/connect/shopify/`: name the shop, and go there to approve; or paste a token."""
    workspaces = changeable_workspaces(user_of(request))
    if not workspaces:
        raise PermissionDenied
    form = ConnectForm(
        request.POST or None, workspaces=workspaces, initial={"shop": request.GET.get("shop", "")}
    )
    failure: ShopError | None = None
    if form.is_valid():
        try:
            return _go_on(request, form.cleaned_data)
        except ShopError as error:
            failure = error
        except Elsewhere:
            return _refused(request, "elsewhere")
    shown = {"form": form, "has_app": bool(settings.SHOPIFY_API_KEY), **told(failure)}
    return render(
        request, "stores/connect_shopify.html", shown, status=422 if form.is_bound else 200
    )


def _go_on(request: HttpRequest, given: dict[str, Any]) -> HttpResponse:
    """To the shop, or straight to the store where a token was pasted. Raises ShopError and Elsewhere."""
    if not given["access_token"]:
        return ask_merchant(given["shop"])
    store = connect_by_token(
        workspace=given["workspace"],
        shop=given["shop"],
        access_token=Secret(given["access_token"].strip()),
        now=timezone.now,
    )
    messages.success(request, _("%(store)s is connected.") % {"store": store.name})
    return redirect("dashboard:set_up", store.pk)


@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """`/shopify/install?shop=…`: to the consent page of the shop, for an app outside the admin."""
    shop = shop_domain(request.GET.get("shop", ""))
    if shop is None or not settings.SHOPIFY_API_KEY:
        return _refused(request, "shop")
    return ask_merchant(shop)


def ask_merchant(shop: str, *, invitation: Invitation | None = None) -> HttpResponse:
    """To the consent page of the shop, with a state that only this browser can bring back."""
    state = secrets.token_hex(32)
    answer = HttpResponseRedirect(authorize_url(shop, state))
    answer.set_cookie(
        STATE_COOKIE,
        signing.dumps([shop, state, invitation.pk if invitation else 0], salt=STATE_SALT),
        max_age=STATE_LASTS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
        path="/shopify/",
    )
    return answer


@login_not_required
@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """`/shopify/callback`: the merchant has agreed. The state, the signature and the shop must fit."""
    shop, invitation_pk = _agreed(request)
    if not invitation_pk and not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if not shop:
        return _refused(request, "callback")
    now = timezone.now()
    try:
        store = (
            _join(request, shop, invitation_pk, now=now)
            if invitation_pk
            else _install(request, shop, Taker(owner=user_of(request)), now=now)
        )
    except Elsewhere:
        return _refused(request, "elsewhere")
    except NotInstalled:
        return _refused(request, "silent")
    except TooLate:
        return render(request, "stores/too_late.html", status=410)
    installing.learn_facts(store, now=timezone.now)
    if invitation_pk:
        answer = joined(request, store)
    else:
        messages.success(request, _("%(shop)s is connected.") % {"shop": shop})
        answer = redirect("dashboard:stores")
    answer.delete_cookie(STATE_COOKIE, path="/shopify/")
    return answer


def joined(request: HttpRequest, store: Store) -> HttpResponse:
    """What a merchant sees who was invited, once the shop has joined."""
    store.refresh_from_db()
    return render(request, "stores/joined.html", {"store": store})


def _join(request: HttpRequest, shop: str, invitation_pk: int, *, now: datetime) -> Store:
    """The store, in the workspace that has invited. Raises TooLate, Elsewhere and NotInstalled."""
    invitation = invitations.find(pk=invitation_pk, now=now)
    taker = Taker(workspace=invitation.workspace)
    return invitations.join(invitation, lambda: _install(request, shop, taker, now=now), now=now)


def _install(request: HttpRequest, shop: str, taker: Taker, *, now: datetime) -> Store:
    code = request.GET.get("code", "")
    ask = partial(tokens.exchange_code, shop, code, now=now)
    return installing.install(shop, ask=ask, now=now, taker=taker)


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


def _agreed(request: HttpRequest) -> tuple[str, int]:
    """The shop of a callback that is an answer to this browser's question ("" for any other), and the
    invitation that the question was about, or 0."""
    try:
        cookie = request.COOKIES.get(STATE_COOKIE, "")
        shop, state, invitation_pk = signing.loads(cookie, salt=STATE_SALT, max_age=STATE_LASTS)
    except (signing.BadSignature, ValueError, TypeError):
        return "", 0
    genuine = is_genuine(
        read_query(request.META.get("QUERY_STRING", "")),
        secrets=(settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_PREVIOUS),
        now=timezone.now().timestamp(),
    )
    fits = constant_time_compare(request.GET.get("state", ""), state)
    same = shop_domain(request.GET.get("shop", "")) == shop
    return str(shop) if genuine and fits and same else "", int(invitation_pk)


def _refused(request: HttpRequest, why: str) -> HttpResponse:
    status = {"elsewhere": 409, "silent": 503}.get(why, 400)
    return render(request, "shopify/refused.html", {"why": why}, status=status)
