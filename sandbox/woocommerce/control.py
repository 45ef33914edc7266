"""The shop's back room over HTTP: `GET /_sandbox/` tells what there is."""

import json
from typing import Any

from sandbox.woocommerce.keys import Asked
from sandbox.woocommerce.shop import WALLS, Fault, Shop

DOORS = {
    "GET /_sandbox/": "this page",
    "POST /_sandbox/settings": f"change some; walls: {', '.join(filter(None, WALLS))}",
    "POST /_sandbox/keys": 'make a REST key: {"permissions": "read_write"}',
    "POST /_sandbox/faults": 'misbehave: {"path", "times", "status", "headers", "body", "hangs_up"}',
    "DELETE /_sandbox/faults": "behave again",
    "POST /_sandbox/orders": 'sell: {"order": {…}, "topics": ["order.created"]}',
    "GET /_sandbox/orders": "the orders, whole",
    "GET /_sandbox/webhooks": "the webhooks, with failures and whether the ping was answered",
    "GET /_sandbox/requests": "what was asked, never with a key",
}


def answer_control(shop: Shop, asked: Asked) -> tuple[int, object]:
    """Carry out one control request: 200, 400 with what is wrong, or 404 with the doors."""
    door = f"{asked.method} /_sandbox/{asked.path.removeprefix('/_sandbox').strip('/')}"
    if door not in DOORS:
        return 404, {"error": f"no such door: {door}", "doors": DOORS}
    try:
        given = json.loads(asked.body or b"{}")
        return 200, _carry_out(shop, door, given)
    except (ValueError, TypeError, KeyError) as error:
        return 400, {"error": str(error)}


def _carry_out(shop: Shop, door: str, given: dict[str, Any]) -> object:
    match door.split("/_sandbox/"):
        case ["POST ", "settings"]:
            for name, value in given.items():
                if not hasattr(shop.settings, name):
                    raise ValueError(f"no such setting: {name}")
                setattr(shop.settings, name, tuple(value) if name == "plugins" else value)
        case ["POST ", "keys"]:
            return vars(shop.make_key(given.get("permissions", "read_write")))
        case ["POST ", "faults"]:
            shop.faults.append(Fault(**given))
        case ["DELETE ", "faults"]:
            shop.faults.clear()
        case ["POST ", "orders"]:
            shop.keep(given["order"], *given.get("topics", ()))
        case ["GET ", "orders"]:
            return {"orders": list(shop.orders.values())}
        case ["GET ", "webhooks"]:
            return {"webhooks": [_told(hook) for hook in shop.hooks.values()]}
        case ["GET ", "requests"]:
            return {"requests": list(shop.requests)}
    return {"settings": vars(shop.settings), "faults": len(shop.faults), "doors": DOORS}


def _told(hook: Any) -> dict[str, object]:
    sent = hook.sender.webhook(hook.topic)
    return {
        "id": hook.hook_id,
        "topic": hook.topic,
        "status": hook.status,
        "delivery_url": hook.delivery_url,
        "failure_count": sent.failure_count,
        "pending_delivery": sent.pending_delivery,
    }
