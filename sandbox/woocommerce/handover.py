"""The pages of /wc-auth/: a shop's manager hands a key to an app (`includes/class-wc-auth.php`)."""

import html
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import unquote, urlencode, urlsplit

from sandbox.woocommerce.keys import Asked
from sandbox.woocommerce.shop import PERMISSIONS, Key, Shop

COOKIE = "wordpress_logged_in=manager"
NEEDED = ("app_name", "scope", "user_id", "return_url", "callback_url")
CALLBACK_SECONDS = 60
Page = tuple[int, dict[str, str], str]


def answer(asked: Asked, *, shop: Shop) -> Page:
    """Status, headers and HTML of one of the pages."""
    if asked.path.startswith("/wp-login.php"):
        return _log_in(asked)
    return _page(asked, shop)


def _page(asked: Asked, shop: Shop) -> Page:
    page = asked.path.removeprefix("/wc-auth/v1/").rstrip("/")
    query = {name: unquote(value) for name, value in asked.query.items()}
    if problem := _problem(query):
        return 401, {}, f"<h1>{html.escape(problem)}</h1>"
    if page == "login":
        back = f"/wc-auth/v1/authorize/?{urlencode(asked.query)}"
        form = f'<form method="post" action="/wp-login.php?{urlencode({"redirect_to": back})}">'
        return (
            200,
            {},
            f'<h1>Log in to your shop</h1>{form}<button id="login">Log in</button></form>',
        )
    if COOKIE not in asked.headers.get("cookie", ""):
        return 302, {"Location": f"/wc-auth/v1/login/?{urlencode(asked.query)}"}, ""
    if page == "authorize":
        return 200, {}, _question(asked, query)
    if page == "access_granted" and asked.query.get("wc_auth_nonce") == "a-nonce":
        return _grant(query, shop)
    return 401, {}, "<h1>Invalid nonce verification</h1>"


def _log_in(asked: Asked) -> Page:
    back = asked.query.get("redirect_to", "/")
    return 302, {"Location": back, "Set-Cookie": f"{COOKIE}; Path=/; HttpOnly"}, ""


def _problem(query: Mapping[str, str]) -> str:
    for name in NEEDED:
        if query.get(name, "") in ("", "0"):
            return f"Error: Missing parameter {name}"
    if query["scope"] not in PERMISSIONS:
        return f"Error: Invalid scope {query['scope']}"
    for name in ("return_url", "callback_url"):
        if not urlsplit(query[name]).netloc:
            return f"Error: The {name} is not a valid URL"
    if urlsplit(query["callback_url"]).scheme != "https":
        return "Error: The callback_url needs to be over SSL"
    return ""


def _question(asked: Asked, query: Mapping[str, str]) -> str:
    granted = (
        f"/wc-auth/v1/access_granted/?{urlencode({**asked.query, 'wc_auth_nonce': 'a-nonce'})}"
    )
    denied = _returned(query, success=False)
    return (
        f"<h1>{html.escape(query['app_name'])} would like to connect to your store</h1>"
        f'<a id="approve" href="{html.escape(granted)}">Approve</a>'
        f' <a id="deny" href="{html.escape(denied)}">Deny</a>'
    )


def _grant(query: Mapping[str, str], shop: Shop) -> Page:
    key = shop.make_key(query["scope"])
    if _tell(key, query, shop) != 200:  # and nothing else will do
        with shop.lock:
            shop.keys.remove(key)
        said = (
            "An error occurred in the request and at the time were unable to send the consumer data"
        )
        return 401, {}, f"<h1>Error: {said}</h1>"
    return 302, {"Location": _returned(query, success=True)}, ""


def _tell(key: Key, query: Mapping[str, str], shop: Shop) -> int:
    """Posts the key, unsigned and without the shop's address; returns the status, 0 for none."""
    document = {
        "key_id": key.key_id,
        "user_id": query["user_id"],
        "consumer_key": key.consumer_key,
        "consumer_secret": key.consumer_secret,
        "key_permissions": key.permissions,
    }
    request = urllib.request.Request(
        shop.routed(query["callback_url"]),
        data=json.dumps(document).encode(),
        headers={
            "Content-Type": "application/json;charset=UTF-8",
            "User-Agent": f"WordPress/7.1; {shop.home}",
        },
    )
    try:
        with _NO_REDIRECTS.open(request, timeout=CALLBACK_SECONDS) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        """A redirect ends the hand-over."""


_NO_REDIRECTS = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))


def _returned(query: Mapping[str, str], *, success: bool) -> str:
    url = query["return_url"]
    said = urlencode({"success": int(success), "user_id": query["user_id"]})
    return f"{url}{'&' if '?' in url else '?'}{said}"
