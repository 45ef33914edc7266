"""The screens inside Shopify's admin: the same ones, under `/shopify/`, for whoever a session token
names. No cookie is read or set: in a frame of another site there may be none.

https://shopify.dev/docs/apps/build/authentication-authorization/session-tokens
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import structlog
from django.conf import settings
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from msgspec import Struct

from purchases.shops.shopify import shop_domain
from stores.language import hear
from stores.shopify import installing
from stores.shopify.grants import NeedsMerchant, StaleSession
from stores.shopify.installing import NotInstalled
from stores.shopify.session_token import NotASessionToken, SessionToken, bearer, verify

log = structlog.get_logger(__name__)

PREFIX = "/shopify/"
BOUNCE = "/shopify/bounce"
# These have a lock of their own, or nothing to lock: stores/shopify/views.py.
OUTSIDE = (BOUNCE, "/shopify/install", "/shopify/callback")
# What Shopify adds to the app's address: no link of ours may carry it on.
ADDED = frozenset(
    (
        "appLoadId",
        "bounced",
        "embedded",
        "hmac",
        "host",
        "id_token",
        "locale",
        "protocol",
        "session",
        "shop",
        "shopify-reload",
        "timestamp",
    )
)
BOUNCED = "bounced"
ADMIN = "https://admin.shopify.com"


class Frame(Struct, frozen=True, kw_only=True):
    """What a page has to know of the frame that it is shown in."""

    shop: str
    client_id: str
    app_bridge: str


class AnotherShop(NotASessionToken):
    """A token, but of another shop than the address names."""


class EmbeddedMiddleware:
    """Lets the staff of a shop in by session token, and their admin alone frame what they see.

    Whatever else looks at the user, a CSRF token or messages, does so later.
    """

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Answer one request."""
        if not request.path_info.startswith(PREFIX) or request.path_info in OUTSIDE:
            return self._get_response(request)
        shop = known_shop(request)
        try:
            token = _verified(request, shop)
            shop = token.shop
            user = installing.enter(token, now=timezone.now())
        except (NotASessionToken, NotInstalled) as error:
            return _turned_away(request, error, shop=shop)
        request.user = user
        hear(user, request.GET.get("locale", ""))
        request.shopify = Frame(  # type: ignore[attr-defined]  # ours, for base.html
            shop=token.shop,
            client_id=settings.SHOPIFY_API_KEY,
            app_bridge=settings.SHOPIFY_APP_BRIDGE_URL,
        )
        request.current_app = "shopify"
        request.GET = _without_added(request)  # a copy that may change
        # No browser sends a session token by itself: nobody else can have made this request.
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # Django's own
        response = framed(self._get_response(request), shop=token.shop)
        request.META["CSRF_COOKIE_NEEDS_UPDATE"] = False
        return _told(request, response) if request.method == "POST" else response


def ask_again(request: HttpRequest) -> HttpResponse:
    """Have the browser come back with a fresh token: by way of a page, or by asking once more."""
    if _is_fetch(request):
        answer = HttpResponse(status=401)
        answer["X-Shopify-Retry-Invalid-Session-Request"] = "1"
        return answer
    query = _without_added(request)
    query[BOUNCED] = "1"
    here = f"{request.path}?{query.urlencode()}"
    kept = {name: request.GET[name] for name in ("shop", "host") if name in request.GET}
    answer = HttpResponseRedirect(f"{BOUNCE}?{urlencode(kept | {'shopify-reload': here})}")
    answer["Cache-Control"] = "no-store"
    return answer


def framed(response: Any, *, shop: str | None) -> Any:
    """The answer, which the admin of `shop` may frame and nobody else.

    https://shopify.dev/docs/apps/build/security/set-up-iframe-protection
    """
    ancestors = [f"https://{shop}", ADMIN] if shop else [ADMIN]
    bridge = settings.SHOPIFY_APP_BRIDGE_URL
    if not settings.SHOPIFY_ADMIN_URL.startswith("https://{shop}"):
        ancestors += _stand_ins()
    response.xframe_options_exempt = True
    response._csp_update = {"script-src": [_origin(bridge)]}
    response._csp_replace = {"frame-ancestors": ancestors}
    response["Link"] = f"<{_origin(bridge)}>; rel=preconnect, <{bridge}>; rel=preload; as=script"
    response["Cache-Control"] = "no-store"
    return response


def read_target(said: str) -> str:
    """Where the bounce page leads back to: a page of the app, and never another site."""
    target = urlsplit(said)
    own = not target.scheme and not target.netloc and target.path.startswith(PREFIX)
    safe = "\\" not in said and "//" not in target.path and target.path not in OUTSIDE
    return said if own and safe and said.isascii() and said.isprintable() else PREFIX


def known_shop(request: HttpRequest) -> str | None:
    """The shop that the address names, if it is one; nothing proves it."""
    return shop_domain(request.GET.get("shop", ""))


def _turned_away(
    request: HttpRequest, error: NotASessionToken | NotInstalled, *, shop: str | None
) -> Any:
    """Ask for a token once more, or say what is wrong."""
    match error:
        case AnotherShop():
            answer = _of_another_shop(request)
        case NotASessionToken():
            log.info("shopify.no_session", reason=str(error))
            if BOUNCED not in request.GET:
                return ask_again(request)
            # A fresh token is no better: asking again would never end.
            answer = _not_installed(request, wrong=True)
        case NotInstalled(outcome=StaleSession()):
            return ask_again(request)
        case NotInstalled(outcome=outcome):
            answer = _not_installed(request, wrong=isinstance(outcome, NeedsMerchant))
    return framed(answer, shop=shop)


def _verified(request: HttpRequest, named: str | None) -> SessionToken:
    """The token of the header, or of a page's address, whose shop the address may name as well. Raises
    NotASessionToken."""
    raw = bearer(request.headers.get("Authorization", ""))
    if not raw and not _is_fetch(request):
        raw = request.GET.get("id_token", "")
    token = verify(
        raw,
        client_id=settings.SHOPIFY_API_KEY,
        secrets=(settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_PREVIOUS),
        now=timezone.now().timestamp(),
    )
    if named not in (None, token.shop):
        raise AnotherShop("another_shop")
    return token


def _is_fetch(request: HttpRequest) -> bool:
    """Whether a script asks, not a browser that opens a page."""
    mode = request.headers.get("Sec-Fetch-Mode", "navigate")
    is_page = request.method == "GET" and mode == "navigate"
    return not is_page or "Authorization" in request.headers


def _without_added(request: HttpRequest) -> Any:
    kept = request.GET.copy()
    for name in ADDED & kept.keys():
        del kept[name]
    return kept


def _told(request: HttpRequest, response: Any) -> Any:
    """The answer to a button: where to go, and what to say there: a message's cookie would be lost."""
    told = " ".join(str(message) for message in get_messages(request))
    if response.status_code not in (302, 303):
        return response
    place = response["Location"]
    go = place if place.startswith(PREFIX) else f"{PREFIX}{place.removeprefix('/')}"
    return framed(
        JsonResponse({"go": go, "told": told}),
        shop=request.shopify.shop,  # type: ignore[attr-defined]  # set above
    )


def _of_another_shop(request: HttpRequest) -> HttpResponse:
    """The address names one shop and the token another: neither is right to be shown."""
    log.warning("shopify.shop_mismatch")
    if _is_fetch(request):
        return JsonResponse({"error": {"code": "shop_mismatch"}}, status=403)
    return render(request, "shopify/another_shop.html", status=403)


def _not_installed(request: HttpRequest, *, wrong: bool) -> HttpResponse:
    """The shop granted nothing, or the two sides' credentials differ: say so, and what to do."""
    return render(request, "shopify/not_installed.html", {"wrong": wrong}, status=503)


def _stand_ins() -> list[str]:
    """The sandbox's admin, on loopback under either of its names."""
    origin = _origin(settings.SHOPIFY_ADMIN_URL)
    return [origin, origin.replace("127.0.0.1", "localhost")]


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
