"""The GraphQL Admin API of one shop: whoever asks must have a token that lives, the right scope, and
points enough.

https://shopify.dev/docs/api/admin-graphql
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.shopify import execution
from sandbox.shopify.execution import Refused
from sandbox.shopify.language import Field, Unreadable, read_document
from sandbox.shopify.schema import TYPES
from sandbox.shopify.world import Call, Shop, World

MOST_POINTS = 1_000  # of one query
# What a version's life says to who asks for an older one: it gets the oldest that is served.
SERVED = ("2026-01", "2026-04", "2026-07", "2026-10")
BUYER = ("email", "phone", "customer", "billingAddress", "shippingAddress", "clientIp")
TERM = re.compile(r"(\w+):(>=|<=|>|<)?('[^']*'|\"[^\"]*\"|\S+)")

Answer = tuple[int, dict[str, Any], dict[str, str]]


def answer_graphql(
    world: World, shop: Shop, *, version: str, token: str, body: Mapping[str, Any]
) -> Answer:
    """Status, document and headers of the answer to one request."""
    served = version if version in SERVED else SERVED[0]
    headers = {"X-Shopify-API-Version": served}
    grant = world.grant_of(shop, token)
    if grant is None:
        world.note(Call(where="graphql", shop=shop.domain, what="", status=401))
        message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        return 401, {"errors": message}, headers
    if world.public and grant.access_until is None:
        world.note(Call(where="graphql", shop=shop.domain, what="", status=403))
        message = "Non-expiring access tokens are no longer accepted for the Admin API"
        return 403, {"errors": message}, headers
    return 200, _run(world, shop, body), headers


def _run(world: World, shop: Shop, body: Mapping[str, Any]) -> dict[str, Any]:
    name, cost = "", 0
    try:
        operation, variables = _operation(body)
        name = operation.name
        cost = execution.check(operation, variables)
        if cost > MOST_POINTS:
            raise Refused(
                f"Query cost is {cost}, which exceeds the single query max cost limit"
                f" ({MOST_POINTS}).",
                "MAX_COST_EXCEEDED",
            )
        _spend(world, shop, cost)
        with world.lock:
            data = {
                each.alias: _resolve(world, shop, each, variables) for each in operation.selection
            }
        answer: dict[str, Any] = {"data": data}
        if shop.customer_data == "level1" and any(
            part.name == "orders" for part in operation.selection
        ):
            answer["errors"] = [
                _error(
                    "This app is not approved to use the customer's data. See"
                    " https://shopify.dev/docs/apps/launch/protected-customer-data",
                    "ACCESS_DENIED",
                )
            ]
    except Unreadable as error:
        answer = {"errors": [{"message": f"syntax error, {error}"}]}
    except Refused as error:
        answer = {"errors": [_error(error.message, error.code)]}
        if error.code == "ACCESS_DENIED":
            answer["data"] = None
    world.note(Call(where="graphql", shop=shop.domain, what=name, status=200, cost=cost))
    answer["extensions"] = {
        "cost": {
            "requestedQueryCost": cost,
            "actualQueryCost": cost if "data" in answer else None,
            "throttleStatus": {
                "maximumAvailable": shop.bucket,
                "currentlyAvailable": int(shop.points),
                "restoreRate": shop.restore,
            },
        }
    }
    return answer


def _error(message: str, code: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}}


def _operation(body: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    operations = read_document(str(body.get("query", "")))
    wanted = body.get("operationName")
    if wanted is None and len(operations) > 1:
        raise Refused("An operation name is required", "BAD_REQUEST")
    found = [each for each in operations if wanted in (None, each.name)]
    if not found:
        raise Refused(f'No operation named "{wanted}"', "BAD_REQUEST")
    variables = body.get("variables") or {}
    # Of a document with several operations, the variables are those of the one that runs.
    return found[0], dict(variables)


def _spend(world: World, shop: Shop, cost: int) -> None:
    """Take the points from the leaky bucket. Raises Refused where they are not there yet."""
    with world.lock:
        now = world.now()
        shop.points = min(shop.bucket, shop.points + (now - shop.points_at) * shop.restore)
        shop.points_at = now
        if cost > shop.points:
            raise Refused("Throttled", "THROTTLED")
        shop.points -= cost


def _resolve(world: World, shop: Shop, each: Field, variables: dict[str, Any]) -> Any:
    asked = execution.arguments(each, variables)
    root = "Mutation" if each.name in TYPES["Mutation"] else "Query"
    match each.name:
        case "orders":
            value: Any = _orders(world, shop, asked)
        case "ordersCount":
            count = len(_orders(world, shop, asked))
            most = asked.get("limit", 10_000) or count  # null: no limit
            precision = "EXACT" if count <= most else "AT_LEAST"
            value = {"count": min(count, most), "precision": precision}
        case "order":
            _need(shop, "read_orders", "order")
            value = _shown(shop, shop.orders.get(asked["id"]))
        case "shop":
            value = _facts(shop)
        case "currentAppInstallation":
            value = {
                "id": "gid://shopify/AppInstallation/1",
                "accessScopes": [{"handle": scope} for scope in shop.scopes],
            }
        case "webhookSubscriptions":
            value = shop.subscriptions
        case "webhookSubscriptionCreate":
            value = _subscribe(world, shop, asked)
        case "webhookSubscriptionDelete":
            value = _unsubscribe(shop, asked["id"])
        case "webPixel":
            value = shop.pixel
        case "webPixelCreate" | "webPixelUpdate" | "webPixelDelete":
            value = _pixel(shop, each.name, asked)
        case _:
            raise Refused(f"The sandbox has no {each.name}", "NOT_IMPLEMENTED")
    return execution.select(value, TYPES[root][each.name], each, variables)


def _need(shop: Shop, scope: str, name: str) -> None:
    if scope not in shop.scopes or (scope == "read_orders" and shop.customer_data == "none"):
        raise Refused(
            f"Access denied for {name} field. Required access: `{scope}` access scope."
            if scope not in shop.scopes
            else "This app is not approved to access the Order object. See"
            " https://shopify.dev/docs/apps/launch/protected-customer-data for more details.",
            "ACCESS_DENIED",
        )


def _orders(world: World, shop: Shop, asked: dict[str, Any]) -> list[Any]:
    """The orders of a search, by the index, which is a little behind; of the last 60 days."""
    _need(shop, "read_orders", "orders")
    now = world.now()
    found = [
        node
        for gid, node in shop.orders.items()
        if now - shop.changed_at[gid] >= shop.index_lag and _matches(node, asked.get("query") or "")
    ]
    if "read_all_orders" not in shop.scopes:
        oldest = datetime.fromtimestamp(now - 60 * 86_400, UTC)
        found = [node for node in found if datetime.fromisoformat(node["createdAt"]) >= oldest]
    key = {"UPDATED_AT": "updatedAt", "CREATED_AT": "createdAt", "ID": "id"}.get(
        asked.get("sortKey") or "PROCESSED_AT", "processedAt"
    )
    found.sort(key=lambda node: (node[key] or "", node["id"]), reverse=bool(asked.get("reverse")))
    return [_shown(shop, node) for node in found]


def _matches(node: dict[str, Any], search: str) -> bool:
    fields = {
        "updated_at": "updatedAt",
        "created_at": "createdAt",
        "processed_at": "processedAt",
        "name": "name",
        "id": "legacyResourceId",
        "cart_token": "cartToken",
        "checkout_token": "checkoutToken",
    }
    rest = TERM.sub("", search).replace("AND", "").strip()
    if rest:
        raise Refused(f"The sandbox does not search for {rest!r}", "BAD_REQUEST")
    for name, sign, said in TERM.findall(search):
        if name not in fields:
            raise Refused(f"The sandbox does not search by {name}", "BAD_REQUEST")
        value, wanted = node[fields[name]], said.strip("'\"")
        if name.endswith("_at"):
            value, wanted = datetime.fromisoformat(value), datetime.fromisoformat(wanted)
        fits = {
            "": value == wanted, ">=": value >= wanted, "<=": value <= wanted,
            ">": value > wanted, "<": value < wanted,
        }  # fmt: skip
        if not fits[sign]:
            return False
    return True


def _shown(shop: Shop, node: dict[str, Any] | None) -> dict[str, Any] | None:
    """The order, without its buyer where the app may not see one."""
    if node is None or shop.customer_data == "all":
        return node
    return node | dict.fromkeys(BUYER)


def _facts(shop: Shop) -> dict[str, Any]:
    return {
        "id": "gid://shopify/Shop/1",
        "myshopifyDomain": shop.domain,
        "name": shop.name,
        "email": f"owner@{shop.handle}.example",
        "currencyCode": shop.currency,
        "ianaTimezone": shop.time_zone,
        "taxesIncluded": True,
        "primaryDomain": {"host": f"{shop.handle}.example"},
        "plan": {"publicDisplayName": "Basic", "partnerDevelopment": False, "shopifyPlus": False},
    }


def _subscribe(world: World, shop: Shop, asked: dict[str, Any]) -> dict[str, Any]:
    topic, wish = asked["topic"], asked["webhookSubscription"]
    compliance = topic in ("CUSTOMERS_DATA_REQUEST", "CUSTOMERS_REDACT", "SHOP_REDACT")
    uri = wish.get("uri") or wish.get("callbackUrl") or ""
    problem = ""
    if compliance:
        problem = "Compliance topics can be declared in the app's configuration only"
    elif not uri.startswith("https://"):
        problem = "Address protocol is not supported"
    elif any((each["topic"], each["uri"]) == (topic, uri) for each in shop.subscriptions):
        problem = "Address for this topic has already been taken"
    if problem:
        return {"userErrors": [{"field": ["webhookSubscription"], "message": problem}]}
    return {
        "webhookSubscription": add_subscription(world, shop, topic=topic, uri=uri),
        "userErrors": [],
    }


def add_subscription(world: World, shop: Shop, *, topic: str, uri: str) -> dict[str, Any]:
    """A subscription of the shop's own, as an earlier version of an app may have left one."""
    now = datetime.fromtimestamp(world.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    number = 1_000 + len(shop.subscriptions) + sum(call.cost for call in world.calls)
    subscription: dict[str, Any] = {
        "id": f"gid://shopify/WebhookSubscription/{number}",
        "topic": topic,
        "uri": uri,
        "format": "JSON",
        "filter": None,
        "includeFields": [],
        "metafieldNamespaces": [],
        "name": None,
        "apiVersion": {"handle": SERVED[-1]},
        "createdAt": now,
        "updatedAt": now,
    }
    shop.subscriptions.append(subscription)
    return subscription


def _unsubscribe(shop: Shop, gid: str) -> dict[str, Any]:
    kept = [each for each in shop.subscriptions if each["id"] != gid]
    if len(kept) == len(shop.subscriptions):
        return {"userErrors": [{"field": ["id"], "message": "Webhook subscription does not exist"}]}
    shop.subscriptions[:] = kept
    return {"deletedWebhookSubscriptionId": gid, "userErrors": []}


def _pixel(shop: Shop, name: str, asked: dict[str, Any]) -> dict[str, Any]:
    """One web pixel per app and shop."""
    _need(shop, "write_pixels", name)
    taken, wrong = shop.pixel is not None, shop.pixel is None or shop.pixel["id"] != asked.get("id")
    if name == "webPixelCreate" and not shop.has_extension:
        return {"userErrors": [{"code": "NO_EXTENSION", "field": None, "message": "No extension"}]}
    if name == "webPixelCreate":
        if taken:
            return {"userErrors": [{"code": "TAKEN", "field": None, "message": "Already taken"}]}
        shop.pixel = {
            "id": "gid://shopify/WebPixel/1",
            "settings": asked["webPixel"].get("settings"),
        }
        return {"webPixel": shop.pixel, "userErrors": []}
    if wrong or shop.pixel is None:
        return {"userErrors": [{"code": "NOT_FOUND", "field": ["id"], "message": "Not found"}]}
    if name == "webPixelUpdate":
        shop.pixel["settings"] = asked["webPixel"].get("settings")
        return {"webPixel": shop.pixel, "userErrors": []}
    shop.pixel = None
    return {"deletedWebPixelId": asked["id"], "userErrors": []}
