"""Everything under `/_sandbox/`: set up, misbehave, turn the clock, read the books."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sandbox.graph.access import TOKEN_STATES
from sandbox.graph.endpoints import Call
from sandbox.graph.errors import KINDS as ERRORS
from sandbox.graph.faults import KINDS as FAULTS
from sandbox.graph.faults import Fault
from sandbox.graph.inspection import KnownOrder
from sandbox.graph.misbehaviour import Answer, json_answer
from sandbox.graph.world import World


class _Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the body of a control request may hold."""


class DatasetWish(_Wish, frozen=True, kw_only=True):
    """A dataset, and the tokens it is granted to."""

    id: str
    name: str | None = None
    tokens: tuple[str, ...] = ()
    whatsapp_accounts: tuple[str, ...] = ()


class TokenWish(_Wish, frozen=True, kw_only=True, omit_defaults=True):
    """What changes about a token."""

    token: str
    state: str | None = None
    expires_at: float | None = None
    app_secret: str | None = None
    proof_required: bool | None = None


class ClockWish(_Wish, frozen=True, kw_only=True):
    """Unix seconds to stop at, or seconds beside the machine's clock."""

    now: float | None = None
    offset: float | None = None


class SettingsWish(_Wish, frozen=True, kw_only=True, omit_defaults=True):
    """What changes about the settings."""

    open: bool | None = None
    strict: bool | None = None
    website_needs_user_agent: bool | None = None
    locale: str | None = None
    largest_body: int | None = None


class BrowserEventWish(_Wish, frozen=True, kw_only=True):
    """What the shop's Pixel tells Meta from a browser."""

    pixel: str
    event_name: str = "Purchase"
    event_id: str | None = None
    event_time: int | None = None
    fbp: str | None = None
    external_id: str | None = None
    value: float | str | None = None
    currency: str | None = None


def answer_control(world: World, call: Call, body: bytes) -> Answer:
    """Carry out one control request: 200, 400 naming what is wrong, or 404 listing the paths."""
    asked = f"{call.method} /_sandbox/{call.path.removeprefix('/_sandbox').strip('/')}"
    if asked not in DOORS:
        return json_answer(404, {"error": f"no such door: {asked}", "doors": _doors()})
    _, act = DOORS[asked]
    try:
        return json_answer(200, act(world, call.query, body))
    except (msgspec.DecodeError, ValueError) as error:
        return json_answer(400, {"error": str(error)})


def _index(world: World, query: Mapping[str, str], body: bytes) -> object:
    return {
        "what": "The sandbox's stand-in for Meta's Graph API. Nothing here reaches Meta.",
        "doors": _doors(),
        "faults": {kind: does for kind, (does, _) in FAULTS.items()},
        "errors": {
            name: {"status": kind.status, "code": kind.code, "error_subcode": kind.subcode}
            for name, kind in ERRORS.items()
        },
        "token_states": list(TOKEN_STATES),
        "settings": msgspec.to_builtins(world.settings),
    }


def _put_dataset(world: World, query: Mapping[str, str], body: bytes) -> object:
    wish = msgspec.json.decode(body, type=DatasetWish)
    dataset = world.access.put_dataset(
        wish.id, name=wish.name, tokens=wish.tokens, whatsapp_accounts=wish.whatsapp_accounts
    )
    return {"id": dataset.id, "name": dataset.name, "tokens": len(dataset.tokens)}


def _put_token(world: World, query: Mapping[str, str], body: bytes) -> object:
    wish = msgspec.json.decode(body, type=TokenWish)
    changes = msgspec.to_builtins(wish)
    token = world.access.put_token(changes.pop("token"), **changes)
    return {"state": token.state}


def _add_faults(world: World, query: Mapping[str, str], body: bytes) -> object:
    given = msgspec.json.decode(body, type=Fault | list[Fault])
    for fault in given if isinstance(given, list) else [given]:
        world.script.add(fault)
    return {"pending": world.script.pending()}


def _read_faults(world: World, query: Mapping[str, str], body: bytes) -> object:
    return {"pending": world.script.pending()}


def _clear_faults(world: World, query: Mapping[str, str], body: bytes) -> object:
    world.script.clear()
    return {"pending": []}


def _set_clock(world: World, query: Mapping[str, str], body: bytes) -> object:
    wish = msgspec.json.decode(body, type=ClockWish)
    world.clock.set(now=wish.now, offset=wish.offset)
    return {"now": world.clock.now()}


def _change_settings(world: World, query: Mapping[str, str], body: bytes) -> object:
    wish = msgspec.json.decode(body, type=SettingsWish)
    world.change_settings(**msgspec.to_builtins(wish))
    return msgspec.to_builtins(world.settings)


def _learn_orders(world: World, query: Mapping[str, str], body: bytes) -> object:
    given = msgspec.json.decode(body, type=KnownOrder | list[KnownOrder])
    orders = given if isinstance(given, list) else [given]
    for order in orders:
        world.knowledge.learn_order(order)
    return {"learnt": len(orders)}


def _receive_browser_event(world: World, query: Mapping[str, str], body: bytes) -> object:
    wish = msgspec.json.decode(body, type=BrowserEventWish)
    return msgspec.to_builtins(world.store_browser_event(browser_event(wish), pixel=wish.pixel))


def browser_event(wish: BrowserEventWish) -> dict[str, Any]:
    """The Pixel's event in the shape of a server's."""
    user_data = {"fbp": wish.fbp, "external_id": wish.external_id}
    custom_data = {"value": wish.value, "currency": wish.currency}
    return {
        "event_name": wish.event_name,
        "event_id": wish.event_id,
        "event_time": wish.event_time,
        "action_source": "website",
        "user_data": {key: value for key, value in user_data.items() if value is not None},
        "custom_data": {key: value for key, value in custom_data.items() if value is not None},
    }


def _read_events(world: World, query: Mapping[str, str], body: bytes) -> object:
    after = int(query.get("after", 0))
    with world.lock:
        found = [
            event
            for event in world.books.events
            if query.get("pixel") in (None, event.pixel)
            and query.get("event_id") in (None, event.event_id)
            and event.number > after
        ]
        return {"events": msgspec.to_builtins(found)}


def _read_requests(world: World, query: Mapping[str, str], body: bytes) -> object:
    with world.lock:
        found = [
            request
            for request in world.books.requests
            if query.get("pixel") in (None, request.pixel)
        ]
    return {"requests": msgspec.to_builtins(found)}


def _read_books(world: World, query: Mapping[str, str], body: bytes) -> object:
    with world.lock:
        return {"pixels": world.books.summary()}


def _reset(world: World, query: Mapping[str, str], body: bytes) -> object:
    world.reset()
    return {"reset": True}


Act = Callable[[World, Mapping[str, str], bytes], object]
DOORS: dict[str, tuple[str, Act]] = {
    "GET /_sandbox/": ("this page", _index),
    "POST /_sandbox/datasets": (
        'add or extend a dataset: {"id", "name", "tokens": [], "whatsapp_accounts": []}',
        _put_dataset,
    ),
    "POST /_sandbox/tokens": (
        'add or change a token: {"token", "state", "expires_at", "app_secret", "proof_required"}',
        _put_token,
    ),
    "POST /_sandbox/faults": (
        'misbehave: {"kind", "pixel", "number", "times": 1 or null, "edge", "event_id", …}'
        " or a list",
        _add_faults,
    ),
    "GET /_sandbox/faults": ("the faults still to come", _read_faults),
    "DELETE /_sandbox/faults": ("behave again", _clear_faults),
    "POST /_sandbox/clock": (
        'stop it at {"now": Unix seconds}, shift it by {"offset": seconds}, or {} to set it right',
        _set_clock,
    ),
    "POST /_sandbox/settings": (
        'until the next reset: {"open", "strict", "website_needs_user_agent", "locale",'
        ' "largest_body"}',
        _change_settings,
    ),
    "POST /_sandbox/orders": (
        'orders as the shop had them, to judge events by: {"order_id", "event_id", "value",'
        ' "currency", "fbclid", "user_data": {"em": []}, "normalised": {}, "consent",'
        ' "limited_data_use"} or a list',
        _learn_orders,
    ),
    "POST /_sandbox/pixel": (
        'the copy a browser sends: {"pixel", "event_name", "event_id", "event_time", "fbp",'
        ' "external_id", "value", "currency"}',
        _receive_browser_event,
    ),
    "GET /_sandbox/events": (
        "events received, with verdict and warnings: ?pixel=&event_id=&after=",
        _read_events,
    ),
    "GET /_sandbox/requests": (
        "every request to the Graph side, refused ones too, never a token: ?pixel=",
        _read_requests,
    ),
    "GET /_sandbox/books": ("per pixel: received, counted, duplicates, risks, value", _read_books),
    "POST /_sandbox/reset": ("forget everything, settings as at the start", _reset),
}


def _doors() -> dict[str, str]:
    return {door: does for door, (does, _) in DOORS.items()}
