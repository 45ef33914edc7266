"""The endpoints one reads: the dataset itself, its statistics, its quality, and a token's state."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.graph.access import TOKEN_STATES, Dataset
from sandbox.graph.errors import KINDS as ERRORS
from sandbox.graph.errors import Refusal
from sandbox.graph.quality import quality_of
from sandbox.graph.world import World

APP_ID = "1000000000000001"
DATASET_FIELDS = frozenset({
    "id", "name", "is_unavailable", "last_fired_time", "data_use_setting",
    "is_consolidated_container",
})  # fmt: skip
AGGREGATIONS = frozenset({"event", "event_total_counts"})
HOUR = 3600
SELECTED = re.compile(r"[\w]+|[{},]")


def read_dataset(world: World, dataset: Dataset, query: Mapping[str, str]) -> object:
    """`GET /<pixel>?fields=…`: the named fields; id and name without any."""
    names = [name.strip() for name in query.get("fields", "id,name").split(",") if name.strip()]
    for name in names:
        if name not in DATASET_FIELDS:
            raise Refusal(
                "invalid", detail=f"Tried accessing nonexisting field ({name}) on type (AdsPixel)"
            )
    with world.lock:
        fired = [event.received_at for event in world.books.events if event.pixel == dataset.id]
    everything = {
        "id": dataset.id,
        "name": dataset.name,
        "is_unavailable": False,
        "last_fired_time": _iso(max(fired)) if fired else None,
        "data_use_setting": "ADVERTISING_AND_ANALYTICS",
        "is_consolidated_container": True,
    }
    return {
        name: value
        for name, value in everything.items()
        if (name == "id" or name in names) and value is not None
    }


def read_debug_token(world: World, query: Mapping[str, str]) -> object:
    """`GET /debug_token?input_token=…`: what Meta tells about a token, unknown ones too.

    https://developers.facebook.com/docs/graph-api/reference/debug_token
    """
    value = query.get("input_token")
    if not value:
        raise Refusal("invalid", detail="The parameter input_token is required")
    token = world.access.token(value)
    state = token.state_at(world.clock.now()) if token else "unknown"
    data: dict[str, object] = {"is_valid": state == "valid", "scopes": []}
    if token is not None:
        data |= {
            "app_id": APP_ID,
            "type": "SYSTEM_USER",
            "application": "Sandbox",
            "expires_at": int(token.expires_at),
            "data_access_expires_at": 0,
            "issued_at": 0,
            "scopes": ["ads_management", "ads_read"] if state == "valid" else [],
            "granular_scopes": [],
            "user_id": "1000000000000002",
        }
    if state != "valid":
        kind = ERRORS[TOKEN_STATES[state] or "token_unknown"]
        data["error"] = {"code": kind.code, "message": kind.message, "subcode": kind.subcode or 0}
    return {"data": data}


def read_quality(world: World, dataset: Dataset, query: Mapping[str, str]) -> object:
    """`GET /dataset_quality?dataset_id=…&fields=web{…}`, worked out from the books."""
    with world.lock:
        events = [event for event in world.books.events if event.pixel == dataset.id]
    if agent := query.get("agent_name"):
        events = [event for event in events if (event.partner_agent or "").lower() == agent]
    return _select({"web": quality_of(events, now=world.clock.now())}, query.get("fields", "web"))


def read_stats(world: World, dataset: Dataset, query: Mapping[str, str]) -> object:
    """`GET /<pixel>/stats`: events received per hour and name, duplicates included.

    https://developers.facebook.com/docs/marketing-api/reference/ads-pixel/stats
    """
    aggregation = query.get("aggregation", "event")
    if aggregation not in AGGREGATIONS:
        raise Refusal("invalid", detail=f"The sandbox has no aggregation {aggregation!r}")
    source = {"SERVER": "server", "WEB": "browser"}.get(query.get("event_source", "").upper())
    start, end = _moment(query.get("start_time"), 0.0), _moment(query.get("end_time"), 1e12)
    buckets: dict[int, Counter[str]] = {}
    with world.lock:
        events = list(world.books.events)
    for event in events:
        if (
            event.pixel == dataset.id
            and query.get("event") in (None, event.event_name)
            and source in (None, event.source)
            and start <= event.received_at < end
        ):
            hour = int(event.received_at // HOUR) * HOUR
            buckets.setdefault(hour, Counter())[event.event_name] += 1
    return {
        "data": [
            {
                "start_time": _iso(hour),
                "aggregation": aggregation,
                "data": [{"value": name, "count": count} for name, count in sorted(names.items())],
            }
            for hour, names in sorted(buckets.items())
        ]
    }


def _select(value: Any, fields: str) -> object:
    """Keep the fields named like `web{event_name,event_match_quality{composite_score}}`."""
    return _keep(value, _selection(iter(SELECTED.findall(fields))))


def _selection(words: Iterator[str]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    last = ""
    for word in words:
        if word == "}":
            break
        if word == "{":
            chosen[last] = _selection(words)
        elif word != ",":
            last = word
            chosen[last] = {}
    return chosen


def _keep(value: Any, chosen: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_keep(part, chosen) for part in value]
    if not chosen or not isinstance(value, dict):
        return value
    return {key: _keep(part, chosen[key]) for key, part in value.items() if key in chosen}


def _iso(moment: float) -> str:
    """Unix seconds as Graph writes them: 2026-11-21T03:45:00+0000."""
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S%z")


def _moment(text: str | None, default: float) -> float:
    """Unix seconds or an ISO date with its zone; Refusal for anything else."""
    if not text:
        return default
    try:
        return float(text) if text.isdecimal() else datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise Refusal("invalid", detail=f"{text!r} is no time") from None


Reader = Callable[[World, Dataset, Mapping[str, str]], object]
READERS: dict[str, Reader] = {
    "dataset": read_dataset,
    "dataset_quality": read_quality,
    "stats": read_stats,
}
