"""The REST API, as far as a connector asks it: the index, orders, webhooks, the system's status."""

import json
import math
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.woocommerce.keys import Asked, Refused, owner_of
from sandbox.woocommerce.shop import Hook, Shop

MOST_PER_PAGE = 100
TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored")
HIDDEN_FROM_ANY = ("trash", "checkout-draft", "auto-draft")
Reply = tuple[int, dict[str, str], Any]


def answer(asked: Asked, *, shop: Shop, route: str) -> Reply:
    """Status, headers and JSON for `route`, which is what follows /wp-json."""
    try:
        if route in ("", "/"):
            return 200, {}, _index(shop)
        if not route.startswith("/wc/v3/") or not shop.settings.woocommerce:
            raise Refused(404, "rest_no_route", "No route was found matching the URL and method.")
        return _woocommerce(asked, shop, route.removeprefix("/wc/v3/").rstrip("/"))
    except Refused as refused:
        data = {"status": refused.status}
        return (
            refused.status,
            {},
            {"code": refused.code, "message": refused.message, "data": data},
        )


def _index(shop: Shop) -> dict[str, Any]:
    settings = shop.settings
    return {
        "name": settings.name,
        "description": "",
        "url": shop.home,
        "home": shop.home,
        "gmt_offset": str(settings.utc_offset).removesuffix(".0"),
        "timezone_string": settings.time_zone,
        "namespaces": ["oembed/1.0", *(["wc/v3", "wc/store"] if settings.woocommerce else [])],
        "authentication": {},
        "routes": {},
    }


def _woocommerce(asked: Asked, shop: Shop, route: str) -> Reply:
    key = owner_of(asked, shop=shop)
    if key is None or not key.owner_may:
        verb = "list" if asked.method == "GET" else "create"
        raise Refused(
            401 if key is None else 403,
            f"woocommerce_rest_cannot_{'view' if verb == 'list' else 'create'}",
            f"Sorry, you cannot {verb} resources.",
        )
    resource, _, item = route.partition("/")
    act = ROUTES.get((asked.method, resource, bool(item)))
    if act is None:
        raise Refused(404, "rest_no_route", "No route was found matching the URL and method.")
    return act(asked, shop, item)


def _list_orders(asked: Asked, shop: Shop, item: str) -> Reply:
    query = asked.query
    per_page, page = _number(query, "per_page", 10, MOST_PER_PAGE), _number(query, "page", 1)
    by = {"modified": "date_modified_gmt", "date": "date_created_gmt", "id": "id"}
    field = by.get(query.get("orderby", "date"))
    if field is None:
        raise Refused(400, "rest_invalid_param", "Invalid parameter(s): orderby")
    with shop.lock:
        found = [order for order in shop.orders.values() if _fits(order, query, shop)]
    found.sort(key=lambda order: (order[field], order["id"]))
    if query.get("order", "desc") == "desc":
        found.reverse()
    pages = math.ceil(len(found) / per_page)
    headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)}
    shown = found[(page - 1) * per_page : page * per_page]
    if names := query.get("_fields"):
        shown = [{name: order.get(name) for name in names.split(",")} for order in shown]
    return 200, headers, shown


def _fits(order: dict[str, Any], query: Any, shop: Shop) -> bool:
    status = query.get("status", "any")
    if status == "any" and order["status"] in HIDDEN_FROM_ANY:
        return False
    if status not in ("any", order["status"]):
        return False
    gmt = query.get("dates_are_gmt", "") in ("true", "1")
    for name, field, sign in (
        ("modified_after", "date_modified", 1),
        ("modified_before", "date_modified", -1),
        ("after", "date_created", 1),
        ("before", "date_created", -1),
    ):
        if text := query.get(name):
            written = datetime.fromisoformat(order[f"{field}_gmt" if gmt else field])
            limit = _limit(text, shop)
            if not (written > limit if sign > 0 else written < limit):
                return False
    return True


def _limit(text: str, shop: Shop) -> datetime:
    """The moment in `text`, as WordPress compares it: one with a zone is turned to local time first.

    So a `Z` together with dates_are_gmt compares local time with UTC: wrong by the shop's offset.
    """
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Refused(400, "rest_invalid_param", "Invalid parameter(s): a date") from None
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None) + shop.offset


def _read_order(asked: Asked, shop: Shop, item: str) -> Reply:
    order = shop.orders.get(int(item)) if item.isdecimal() else None
    if order is None:
        raise Refused(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
    return 200, {}, order


def _list_hooks(asked: Asked, shop: Shop, item: str) -> Reply:
    per_page, page = (
        _number(asked.query, "per_page", 10, MOST_PER_PAGE),
        _number(asked.query, "page", 1),
    )
    status = asked.query.get("status", "all")
    found = [_shown(hook) for hook in sorted(shop.hooks.values(), key=lambda hook: -hook.hook_id)]
    found = [hook for hook in found if status in ("all", hook["status"])]
    headers = {
        "X-WP-Total": str(len(found)),
        "X-WP-TotalPages": str(math.ceil(len(found) / per_page)),
    }
    return 200, headers, found[(page - 1) * per_page : page * per_page]


def _make_hook(asked: Asked, shop: Shop, item: str) -> Reply:
    given = _json(asked)
    topic, url = str(given.get("topic", "")), str(given.get("delivery_url", ""))
    if topic.lower() not in TOPICS:
        code = "woocommerce_rest_shop_webhook_invalid_topic"
        raise Refused(400, code, "Webhook topic is required and must be valid.")
    if not url.startswith(("http://", "https://")):
        code = "woocommerce_rest_shop_webhook_invalid_delivery_url"
        raise Refused(400, code, "Webhook delivery URL must be a valid URL.")
    hook = shop.make_hook(
        name=str(given.get("name", "")),
        topic=topic if topic in TOPICS else "",  # checked in lower case, kept as sent: a dead one
        delivery_url=url,
        secret=str(given.get("secret") or secrets.token_urlsafe(37)),
    )
    return 201, {}, _shown(hook)


def _change_hook(asked: Asked, shop: Shop, item: str) -> Reply:
    hook, given = _hook(shop, item, missing=400), _json(asked)
    status = given.get("status")
    if status == "active":
        hook.paused = False
        hook.sender.enable(hook.topic)  # the count of failures stays
    elif status in ("paused", "disabled"):
        hook.paused = status == "paused"
        hook.sender.webhook(hook.topic).active = status == "paused"
    if secret := given.get("secret"):
        hook.sender.secret = str(secret)
    if url := given.get("delivery_url"):
        hook.delivery_url, hook.sender.delivery_url = str(url), shop.routed(str(url))
        hook.sender.ping(hook.topic)
    return 200, {}, _shown(hook)


def _delete_hook(asked: Asked, shop: Shop, item: str) -> Reply:
    hook = _hook(shop, item, missing=404)
    if asked.query.get("force") not in ("true", "1"):
        code = "woocommerce_rest_trash_not_supported"
        raise Refused(501, code, "Webhooks do not support trashing.")
    with shop.lock:
        del shop.hooks[hook.hook_id]
    return 200, {}, _shown(hook)


def _status(asked: Asked, shop: Shop, item: str) -> Reply:
    settings = shop.settings
    plugins = [
        {"plugin": plugin, "name": plugin.partition("/")[0], "version": "1.0.0"}
        for plugin in settings.plugins
    ]
    environment = {
        "home_url": shop.home,
        "site_url": shop.home,
        "version": "11.0.1",
        "wp_version": "7.1",
        "wp_cron": settings.wp_cron,
    }
    document = {
        "environment": environment,
        "active_plugins": plugins,
        "settings": {"currency": "EUR", "number_of_decimals": 2, "HPOS_enabled": True},
    }
    names = asked.query.get("_fields", ",".join(document)).split(",")
    return 200, {}, {name: document[name] for name in names if name in document}


def _shown(hook: Hook) -> dict[str, Any]:
    """As REST shows a webhook: never with its secret, nor its count of failures."""
    resource, _, event = hook.topic.partition(".")
    return {
        "id": hook.hook_id,
        "name": hook.name,
        "status": hook.status,
        "topic": hook.topic,
        "resource": resource,
        "event": event,
        "hooks": [],
        "delivery_url": hook.delivery_url,
    }


def _hook(shop: Shop, item: str, *, missing: int) -> Hook:
    hook = shop.hooks.get(int(item)) if item.isdecimal() else None
    if hook is None:
        raise Refused(missing, "woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.")
    return hook


def _json(asked: Asked) -> dict[str, Any]:
    try:
        given = json.loads(asked.body or b"{}")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refused(400, "rest_invalid_json", "Invalid JSON body passed.")
    return given


def _number(query: Any, name: str, default: int, most: int = 10**9) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise Refused(400, "rest_invalid_param", f"Invalid parameter(s): {name}")
    return int(text)


Act = Callable[[Asked, Shop, str], Reply]
ROUTES: dict[tuple[str, str, bool], Act] = {
    ("GET", "orders", False): _list_orders,
    ("GET", "orders", True): _read_order,
    ("GET", "webhooks", False): _list_hooks,
    ("POST", "webhooks", False): _make_hook,
    ("PUT", "webhooks", True): _change_hook,
    ("DELETE", "webhooks", True): _delete_hook,
    ("GET", "system_status", False): _status,
}
