"""Match quality and deduplication coverage of the web events received, from the books.

The shape: https://developers.facebook.com/docs/marketing-api/conversions-api/dataset-quality-api.
The score is the sandbox's own estimate: Meta has never published its weights.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

from sandbox.graph.books import Received

WEEK = 7 * 24 * 3600
GOAL = 75
REAL_TIME, HOURLY = 600, 2 * 3600

IDENTIFIERS = {
    "em": "email",
    "ph": "phone",
    "external_id": "external_id",
    "fbc": "fb_click_id",
    "fbp": "fb_browser_id",
    "fn": "first_name",
    "ln": "last_name",
    "ct": "city",
    "st": "state",
    "zp": "zip_code",
    "country": "country",
    "client_ip_address": "ip_address",
    "client_user_agent": "user_agent",
}
WEIGHTS = {
    "em": 0.55,
    "fbc": 0.45,
    "ph": 0.40,
    "fbp": 0.30,
    "client_ip_address": 0.20,
    "db": 0.15,
    "fn": 0.10,
    "ln": 0.10,
    "zp": 0.08,
    "external_id": 0.05,
    "client_user_agent": 0.05,
    "ct": 0.05,
    "st": 0.03,
    "country": 0.03,
    "ge": 0.02,
}


def quality_of(events: Sequence[Received], *, now: float) -> list[dict[str, object]]:
    """One entry per event name that a server sent for a website in the last 7 days."""
    recent = [event for event in events if now - event.received_at <= WEEK]
    names = {e.event_name for e in recent if e.source == "server" and e.action_source == "website"}
    return [
        _quality_of_name(name, [event for event in recent if event.event_name == name])
        for name in sorted(names)
    ]


def _quality_of_name(name: str, events: Sequence[Received]) -> dict[str, object]:
    server = [event for event in events if event.source == "server"]
    browser = [event for event in events if event.source == "browser"]
    return {
        "event_name": name,
        "event_match_quality": {
            "composite_score": round(sum(map(_score, server)) / len(server), 1),
            "match_key_feedback": [
                {"identifier": word, "coverage": {"percentage": share}}
                for key, word in IDENTIFIERS.items()
                if (share := _percentage(server, key))
            ],
            "diagnostics": [],
        },
        "event_coverage": {
            "percentage": _covered(browser, server),
            "goal_percentage": GOAL,
            "description": "Share of Pixel events that a server event with the same key covers.",
        },
        "dedupe_key_feedback": [
            {
                "dedupe_key": key,
                "browser_events_with_dedupe_key": {"percentage": _percentage(browser, key)},
                "server_events_with_dedupe_key": {"percentage": _percentage(server, key)},
            }
            for key in ("event_id", "external_id", "fbp")
        ],
        "data_freshness": {"upload_frequency": _freshness(server), "description": ""},
    }


def _score(event: Received) -> float:
    """From 0 to 10; every further key adds less."""
    present = [weight for key, weight in WEIGHTS.items() if _value(event, key)]
    return 10 * (1 - prod(1 - weight for weight in present))


def _percentage(events: Sequence[Received], key: str) -> float:
    with_key = sum(bool(_value(event, key)) for event in events)
    return round(100 * with_key / len(events), 1) if events else 0.0


def _value(event: Received, key: str) -> Any:
    if key == "event_id":
        return event.event_id
    return (event.event.get("user_data") or {}).get(key)


def _covered(browser: Sequence[Received], server: Sequence[Received]) -> float:
    known = {event.event_id for event in server if event.event_id}
    covered = sum(event.event_id in known for event in browser)
    return round(100 * covered / len(browser), 1) if browser else 0.0


def _freshness(server: Sequence[Received]) -> str:
    delays = [event.received_at - (event.event_time or 0) for event in server]
    average = sum(delays) / len(delays)
    if average <= REAL_TIME:
        return "real_time"
    return "hourly" if average <= HOURLY else "daily"
