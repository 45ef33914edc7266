"""The page of the shop that a shopper came to, without anything private.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/server-event
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

# What a page's path may give away: an address, a phone or card number, a log-in or reset token.
PRIVATE_IN_PATH = re.compile(r"@|(?:[0-9][ ().-]?){9}|[0-9A-Za-z]{24}")
ADMIN = re.compile(r"/(?:admin|wp-admin)(?:/|$)")  # no shopper has been there
PLAIN_PATH = re.compile(r"[A-Za-z0-9/_.~-]*")  # most paths, with nothing to escape
LONGEST_PATH = 500


def page_of(landing_page: str, *, home_page: str) -> str:
    """The page of the shop that the shopper came to, without its query; else the home page.

    A landing page on a host other than the shop's, or whose path may hold something private, is not
    told. Queries go whole: they hold click ids (sent as fbc), searches and addresses.
    """
    home = _home(home_page)
    if home is None:
        return ""
    landing = _parts(landing_page)
    path = home[1]
    if landing is not None and _host(landing[0]) in ("", _host(home[0])):
        path = landing[1] or "/"
    if len(path) > LONGEST_PATH or ADMIN.match(path) or PRIVATE_IN_PATH.search(unquote(path)):
        path = "/"
    if not PLAIN_PATH.fullmatch(path):
        path = quote(path, safe="/%!$&'()*+,;=:~")
    return home[0] + (path or "/")


def _parts(url: str) -> tuple[str, str] | None:
    """The origin ("" for a bare path) and the path of an http(s) address; None for others."""
    url = url.strip()
    if url[:1] == "/" != url[1:2] and url.isprintable():  # most landing pages, without urlsplit
        return "", url.partition("?")[0].partition("#")[0]
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", parts.path
    except ValueError:
        return None
    is_path = not parts.scheme and not parts.netloc and parts.path.startswith("/")
    return ("", parts.path) if is_path else None


@lru_cache(maxsize=1_000)
def own_domain(url: str) -> str:
    """The shop's domain, as its mailboxes have it: shop.example of https://www.shop.example/fr."""
    home = _home(url)
    return _host(home[0]).partition(":")[0] if home else ""


_home = lru_cache(maxsize=1_000)(_parts)


def _host(origin: str) -> str:
    return origin.partition("://")[2].lower().removeprefix("www.")
