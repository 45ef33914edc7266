"""Finds out how to ask a shop: its index first, then each way to show a key until one is taken.

Each end has a reason, and each reason a fix (dashboard/reasons.py): half of all shops sit behind
something that changes what we say or what they answer.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from stores.models import Store
from stores.shops import ShopError
from stores.woocommerce.client import Rest, fetch_shop, is_json

# The index grows with the plug-ins: only what is read. https://developer.wordpress.org/rest-api/
INDEX_FIELDS = "name,url,home,gmt_offset,timezone_string,namespaces"
NEEDED = "wc/v3"


class ShopIndex(Struct, frozen=True, kw_only=True):
    """What a shop tells everybody of itself."""

    name: str
    time_zone: str


def read_index(url: str) -> ShopIndex:
    """The shop's own word that it is one, without a key. Raises ShopError."""
    try:
        found = Rest(url=url).get("/", _fields=INDEX_FIELDS)
    except ShopError as error:
        if (reason := reason_of(error, url=url)) != error.reason:
            raise ShopError(reason) from None
        raise
    if not isinstance(found, dict) or not isinstance(found.get("namespaces"), list):
        raise ShopError("unreadable_answer_of_shop")
    if NEEDED not in found["namespaces"]:
        raise ShopError("no_woocommerce")
    return ShopIndex(name=str(found.get("name") or "")[:200], time_zone=_time_zone(found))


def reason_of(error: ShopError, *, url: str) -> str:
    """Why the shop at `url` gave no answer: with plain permalinks it gives a web page, or none of
    WooCommerce's, and is asked in the one way that works with them."""
    if error.reason in ("web_page_for_answer", "no_woocommerce") and _has_plain_permalinks(url):
        return "plain_permalinks"
    return error.reason


def find_way(*, url: str, consumer_key: str, consumer_secret: str) -> Store.RestAuth:
    """The first way in which the shop takes the key. Raises ShopError.

    A key is shown openly (Basic, query) over https only. Each way is tried after one that only
    seems not to have known the key: a web server that keeps the header from PHP looks like that.
    """
    ways = [Store.RestAuth.BASIC, Store.RestAuth.QUERY] if url.startswith("https://") else []
    failure = ShopError("key_unknown")
    for way in (*ways, Store.RestAuth.OAUTH):
        rest = Rest(url=url, consumer_key=consumer_key, consumer_secret=consumer_secret, way=way)
        try:
            rest.get("/wc/v3/orders", per_page="1", _fields="id")
        except ShopError as error:
            if error.reason not in ("key_unknown", "key_refused"):
                raise
            failure = error
        else:
            return way
    raise ShopError("key_unknown") from failure


def rest_of(store: Store) -> Rest:
    """The API of a store, in the way that is remembered, or is found out now. Raises ShopError."""
    if not (store.consumer_key and store.consumer_secret):
        raise ShopError("no_key")
    if not store.rest_auth:
        store.rest_auth = find_way(
            url=store.url,
            consumer_key=store.consumer_key,
            consumer_secret=store.consumer_secret,
        )
        Store.objects.filter(pk=store.pk).update(rest_auth=store.rest_auth)
    return Rest(
        url=store.url,
        consumer_key=store.consumer_key,
        consumer_secret=store.consumer_secret,
        way=Store.RestAuth(store.rest_auth),
    )


def forget_way(store: Store) -> None:
    """Find the way out anew: what stands before a shop changes with its host."""
    Store.objects.filter(pk=store.pk).update(rest_auth="")


def _has_plain_permalinks(url: str) -> bool:
    """Whether the index answers in the query string alone."""
    fields = "_fields=namespaces"
    return not _answers(f"{url}/wp-json/?{fields}") and _answers(f"{url}/?rest_route=/&{fields}")


def _answers(address: str) -> bool:
    try:
        return is_json(fetch_shop("GET", address))
    except ShopError:
        return False


def _time_zone(index: dict[str, Any]) -> str:
    """The name of the shop's zone; for one that only knows its offset, a zone with that offset."""
    name = str(index.get("timezone_string") or "")
    try:
        hours = float(index.get("gmt_offset") or 0)
    except (TypeError, ValueError):
        hours = 0.0
    whole = hours.is_integer() and hours  # POSIX counts the other way, and has no half hours
    fixed = f"Etc/GMT{-int(hours):+d}" if whole else "UTC"
    for zone in (name, fixed):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
        return zone
    return "UTC"
