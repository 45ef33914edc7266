"""Misbehaviour on request: what to do, to which requests, how often. Every kind is in KINDS.

A fault strikes after the token and the dataset were found good (check 5); only `reset_before`
strikes before the body is read.
"""

import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from sandbox.graph.errors import KINDS as ERRORS

# What each kind does, and whether the batch is judged and stored first unless `stores` says so.
KINDS: dict[str, tuple[str, bool]] = {
    "answer": ("answers `status`, `headers` and `body` (JSON, or text as it is)", False),
    "error": ("answers the error named `error`, with usage headers if it is a throttle", False),
    "normal": ("answers as ever, with `headers` added", True),
    "delay": ("answers as ever, `seconds` late", True),
    "hang": ("never answers; the connection ends after `seconds`", False),
    "silence": ("sends the head of an answer and then nothing for `seconds`", False),
    "drip": ("answers `chunk` bytes at a time, one every `seconds`", True),
    "reset_before": ("resets the connection before reading the body", False),
    "reset_after": ("stores the events, then resets without an answer", True),
    "cut": ("stores the events, then closes in the middle of the answer", True),
    "count": ("stores the first `events_received` events, and answers that number", False),
    "garbage": ("answers 200 with something that is no JSON", False),
    "wrong_types": ("answers 200 with JSON whose values have the wrong types", False),
    "html": ("answers `status` (503) with a page of HTML", False),
    "redirect": ("answers `status` (302) to `location`", False),
    "huge": ("answers 200 with `size` bytes of JSON (10 MB)", False),
    "gzip_bomb": ("answers 200 with a few bytes that inflate to `size` (100 MB)", False),
    "raw": ("sends `body` as it is, status line and all, and closes", False),
}
EDGES = ("events", "dataset", "debug_token", "dataset_quality", "stats")
FOREVER = 3600.0


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One order to misbehave.

    It strikes requests to `edge`, of `pixel` or of any, only the `number`th one (counted per edge
    from 1 since the start or the last reset) or every one, `times` times (null: until cleared); with
    an `event_id` only those that hold this event.
    """

    kind: str
    edge: str = "events"
    pixel: str | None = None
    number: int | None = None
    event_id: str | None = None
    times: int | None = 1
    stores: bool | None = None
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = {}
    error: str = ""
    seconds: float | None = None
    chunk: int = 1
    events_received: int = 0
    location: str = "/elsewhere"
    size: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r}: use one of {', '.join(KINDS)}")
        if self.edge not in EDGES:
            raise ValueError(f"edge {self.edge!r}: use one of {', '.join(EDGES)}")
        if self.kind == "error" and self.error not in ERRORS:
            raise ValueError(f"error {self.error!r}: use one of {', '.join(ERRORS)}")

    @property
    def stores_first(self) -> bool:
        """Whether the batch is judged and stored before the misbehaviour."""
        return KINDS[self.kind][1] if self.stores is None else self.stores


@dataclass(kw_only=True)
class _Scripted:
    fault: Fault
    left: int | None


class FaultScript:
    """The faults still to come, in the order they were added; the first that fits strikes."""

    def __init__(self) -> None:
        self._scripted: list[_Scripted] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Put a fault at the end of the script."""
        with self._lock:
            self._scripted.append(_Scripted(fault=fault, left=fault.times))

    def clear(self) -> None:
        """Take back every fault."""
        with self._lock:
            self._scripted.clear()

    def pending(self) -> list[dict[str, object]]:
        """What is still to come, each with the times left (None: until cleared)."""
        with self._lock:
            return [
                {"fault": msgspec.to_builtins(scripted.fault), "left": scripted.left}
                for scripted in self._scripted
            ]

    def take(
        self,
        *,
        edge: str,
        pixel: str | None,
        number: int,
        before_reading: bool,
        event_ids: Collection[str] = (),
    ) -> Fault | None:
        """The fault for this request, used up by one; None if it may pass."""
        with self._lock:
            for scripted in self._scripted:
                fault = scripted.fault
                if (
                    fault.edge == edge
                    and fault.pixel in (None, pixel)
                    and fault.number in (None, number)
                    and (fault.event_id is None or fault.event_id in event_ids)
                    and (fault.kind == "reset_before") == before_reading
                ):
                    self._use(scripted)
                    return fault
        return None

    def _use(self, scripted: _Scripted) -> None:
        if scripted.left is None:
            return
        scripted.left -= 1
        if scripted.left <= 0:
            self._scripted.remove(scripted)


def usage_headers(pixel: str, *, percent: int = 100, minutes: int = 5) -> dict[str, str]:
    """The throttle headers as Meta sends them: percentages, and minutes until access returns.

    https://developers.facebook.com/docs/graph-api/overview/rate-limiting
    """
    usage = {"call_count": percent, "total_cputime": percent // 2, "total_time": percent // 2}
    business = usage | {
        "type": "ads_management",
        "estimated_time_to_regain_access": minutes if percent >= 100 else 0,
        "ads_api_access_tier": "standard_access",
    }
    return {
        "X-App-Usage": msgspec.json.encode(usage).decode(),
        "X-Business-Use-Case-Usage": msgspec.json.encode({pixel: [business]}).decode(),
    }
