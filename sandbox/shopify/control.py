"""Everything under `/_sandbox/`: set up, misbehave, turn the clock, read the books."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sandbox.shopify.admin_api import add_subscription
from sandbox.shopify.orders import as_node
from sandbox.shopify.world import Fault, World

Wish = dict[str, Any]


def answer_control(
    world: World, method: str, parts: list[str], query: dict[str, str], body: bytes
) -> tuple[int, Any]:
    """Carry out one control request: 200, 400 naming what is wrong, or 404 listing the doors."""
    asked = f"{method} {'/'.join(parts)}".strip()
    if asked not in DOORS:
        doors = {door: does for door, (does, _) in DOORS.items()}
        return (200 if asked == "GET" else 404), {"doors": doors}
    try:
        wish = json.loads(body) if body else {}
        return 200, DOORS[asked][1](world, query | wish)
    except (ValueError, KeyError, TypeError) as error:
        return 400, {"error": str(error)}


def put_order(world: World, *, shop: str, order: Wish) -> None:
    """Take an order in as the shop's webhook writes it; a later version replaces it."""
    node = as_node(order)
    with world.lock:
        world.shops[shop].orders[node["id"]] = node
        world.shops[shop].changed_at[node["id"]] = world.now()


def _shop(world: World, wish: Wish) -> Wish:
    shop = world.shop(**wish)
    return {"domain": shop.domain, "scopes": shop.scopes}


def _order(world: World, wish: Wish) -> Wish:
    put_order(world, shop=wish["shop"], order=wish["order"])
    return {"orders": len(world.shops[wish["shop"]].orders)}


def _subscription(world: World, wish: Wish) -> Wish:
    shop = world.shops[wish["shop"]]
    return add_subscription(world, shop, topic=wish["topic"], uri=wish["uri"])


def _fault(world: World, wish: Wish) -> Wish:
    world.faults.append(Fault(**wish))
    return {"pending": len(world.faults)}


def _no_faults(world: World, wish: Wish) -> Wish:
    world.faults.clear()
    return {"pending": 0}


def _clock(world: World, wish: Wish) -> Wish:
    world.offset = float(wish["offset"])
    return {"now": world.now()}


def _session_token(world: World, wish: Wish) -> Wish:
    return {"id_token": world.session_token(wish["shop"], staff=wish.get("staff", "42"))}


def _uninstall(world: World, wish: Wish) -> Wish:
    world.uninstall(wish["shop"])
    return {"installed": False}


def _books(world: World, wish: Wish) -> Wish:
    with world.lock:
        return {
            "calls": [asdict(call) for call in world.calls],
            "shops": {
                shop.domain: {
                    "installed": shop.installed,
                    "orders": len(shop.orders),
                    "grants": len(shop.grants),
                    "subscriptions": shop.subscriptions,
                }
                for shop in world.shops.values()
            },
        }


def _reset(world: World, wish: Wish) -> Wish:
    world.reset()
    return {}


DOORS: dict[str, tuple[str, Callable[[World, Wish], Wish]]] = {
    "POST shops": ("make a shop known: domain, name, scopes, customer_data, index_lag …", _shop),
    "POST orders": ("take an order in, as its webhook writes it: shop, order", _order),
    "POST subscriptions": ("leave a subscription behind: shop, topic, uri", _subscription),
    "POST faults": ("misbehave: where, kind, times … (see world.Fault)", _fault),
    "DELETE faults": ("behave again", _no_faults),
    "POST clock": ("shift the clock by `offset` seconds", _clock),
    "GET session-token": ("a session token of the shop's admin: shop, staff", _session_token),
    "POST uninstall": ("remove the app from the shop: its tokens are dead", _uninstall),
    "GET books": ("every request so far, and what the shops hold", _books),
    "POST reset": ("forget everything", _reset),
}
