"""What Meta says of a dataset and its token, without an event being sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from conversions.graph import GraphClient


class Looked(Struct, frozen=True, kw_only=True):
    """What Meta said. With a `reason`, it says nothing of the dataset, and why."""

    reason: str = ""
    name: str = ""
    last_event_at: datetime | None = None  # from whomever: a browser, another server, us
    token_expires_at: datetime | None = None  # None: never, or Meta does not say


def look_at(*, pixel_id: str, access_token: str, graph: GraphClient) -> Looked:
    """Ask for the dataset by its own token, which is the token's first proof.

    The last one is an event: a token may read a dataset that it must not write to.
    https://developers.facebook.com/docs/marketing-api/reference/ads-pixel
    https://developers.facebook.com/docs/graph-api/reference/debug_token
    """
    found, reason = graph.ask(
        pixel_id, access_token=access_token, fields="id,name,is_unavailable,last_fired_time"
    )
    if reason:
        return Looked(reason=reason)
    if found.get("is_unavailable") is True:
        return Looked(reason="pixel_not_found")
    # Not each token may ask about itself: then its end is not known, and that is no trouble.
    told, _refused = graph.ask("debug_token", access_token=access_token, input_token=access_token)
    return Looked(
        name=_text(found.get("name"))[:200],
        last_event_at=_iso(found.get("last_fired_time")),
        token_expires_at=_unix(_object(told.get("data")).get("expires_at")),
    )


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value.replace("\0", "").strip() if isinstance(value, str) else ""


def _iso(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unix(value: object) -> datetime | None:
    """A moment in seconds; 0 is never."""
    if not isinstance(value, int) or not 0 < value < 10**11:
        return None
    return datetime.fromtimestamp(value, UTC)
