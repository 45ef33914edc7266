"""What Meta would count: every event received, by server or browser, and which copy survives.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/deduplicate-pixel-and-server-events
"""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from sandbox.graph.custom_data import amount
from sandbox.graph.inspection import Json

HOUR = 3600
WINDOW = 48 * HOUR  # from the receipt of the first event with an id, not from its event_time
BROWSER_PREFERRED = 5 * 60
OFFLINE_WINDOW = (
    7 * 24 * HOUR
)  # https://developers.facebook.com/docs/marketing-api/conversions-api/offline-events


class Received(msgspec.Struct, kw_only=True):
    """One event as stored. `verdict` is counted or dropped; times are Unix seconds."""

    number: int
    pixel: str
    source: str
    event_name: str
    event_id: str | None
    event_time: int | None
    action_source: str | None
    value: str | None
    currency: str | None
    received_at: float
    request: int | None = None
    verdict: str = "counted"
    because: str = ""
    duplicate_of: int | None = None
    double_count_risk: bool = False
    warnings: list[str] = []
    test_event_code: str | None = None
    partner_agent: str | None = None
    event: Json = {}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request to the Graph side, refused ones too; never its token.

    `outcome` is accepted, the name of an error, or `fault:<kind>`; `status` None = no answer.
    """

    number: int
    at: float
    method: str
    path: str
    edge: str
    pixel: str | None
    events: int
    event_ids: tuple[str, ...]
    outcome: str
    status: int | None
    detail: str
    simulated: bool
    fbtrace_id: str


@dataclass
class _Window:
    """The copies of one key since the first of them was received."""

    opened_at: float
    kept: Received
    sources: set[str]


class Books:
    """All that was received and asked since the last reset. Not locked: its World is."""

    def __init__(self) -> None:
        self.events: list[Received] = []
        self.requests: list[Request] = []
        self._by_id: dict[tuple[str, ...], _Window] = {}
        self._offline: dict[tuple[str, ...], Received] = {}
        self._by_person: dict[tuple[str, ...], Received] = {}

    def receive(self, entry: Received) -> None:
        """Keep the event, and decide whether it counts."""
        self.events.append(entry)
        if entry.action_source == "business_messaging":
            return  # Meta does not deduplicate messaging events.
        if entry.action_source == "physical_store":
            self._settle_offline(entry)
            return
        if not self._settle_by_id(entry):
            self._settle_by_person(entry)
        self._remember_person(entry)

    def summary(self) -> dict[str, dict[str, object]]:
        """Per pixel: events and requests in numbers, and the counted value per currency."""
        pixels = {event.pixel for event in self.events}
        pixels |= {request.pixel for request in self.requests if request.pixel}
        return {pixel: self._summary_of(pixel) for pixel in sorted(pixels)}

    def next_number(self) -> int:
        """The number of the next event, from 1."""
        return len(self.events) + 1

    def _settle_by_id(self, entry: Received) -> bool:
        """By pixel, name and id; True if a copy of it is known."""
        if entry.event_id is None:
            return False
        key = (entry.pixel, entry.event_name, entry.event_id)
        window = self._by_id.get(key)
        if window is None or entry.received_at - window.opened_at > WINDOW:
            self._by_id[key] = _Window(entry.received_at, entry, {entry.source})
            if window is not None:
                entry.because, entry.duplicate_of = "after_48_hours", window.kept.number
                entry.double_count_risk = True
            return window is not None
        if entry.source in window.sources:
            # Meta promises to match a server with a browser copy, not two copies of one source.
            _drop(entry, "event_id", window.kept)
            entry.double_count_risk = True
        elif (
            entry.source == "browser" and entry.received_at - window.opened_at <= BROWSER_PREFERRED
        ):
            _drop(window.kept, "browser_preferred", entry)
            window.kept = entry
        else:
            _drop(entry, "event_id", window.kept)
        window.sources.add(entry.source)
        return True

    def _settle_by_person(self, entry: Received) -> None:
        """The fallback by fbp or external_id: only a browser event first, then the server's."""
        other = "browser" if entry.source == "server" else "server"
        for key in _person_keys(entry):
            rival = self._by_person.get((other, *key))
            if (
                rival is None
                or entry.received_at - rival.received_at > WINDOW
                or (rival.event_id is not None and entry.event_id is not None)
            ):
                continue
            if entry.source == "server":
                _drop(entry, "fallback", rival)
            else:
                entry.because, entry.duplicate_of = "server_first", rival.number
                entry.double_count_risk = True
            return

    def _remember_person(self, entry: Received) -> None:
        for key in _person_keys(entry):
            self._by_person[(entry.source, *key)] = entry

    def _settle_offline(self, entry: Received) -> None:
        """Offline events, against each other only; the first is kept, for 7 days."""
        key = _offline_key(entry)
        first = self._offline.get(key)
        if first is None or entry.received_at - first.received_at > OFFLINE_WINDOW:
            self._offline[key] = entry
        else:
            _drop(entry, "offline", first)

    def _summary_of(self, pixel: str) -> dict[str, object]:
        events = [event for event in self.events if event.pixel == pixel]
        counted = [event for event in events if event.verdict == "counted"]
        asked = [r for r in self.requests if r.pixel == pixel and r.edge == "events"]
        disturbed = [r for r in asked if r.outcome.startswith("fault:")]
        refused = [r for r in asked if r.outcome != "accepted" and r.outcome[:6] != "fault:"]
        value: dict[str, Decimal] = defaultdict(Decimal)
        for event in counted:
            if event.value is not None and event.currency is not None:
                value[event.currency] += Decimal(event.value)
        return {
            "received": len(events),
            "counted": len(counted),
            "duplicates": len(events) - len(counted),
            "double_count_risks": sum(event.double_count_risk for event in events),
            "browser": sum(event.source == "browser" for event in events),
            "refused": sum(request.events for request in refused),
            "refused_requests": len(refused),
            "disturbed_requests": len(disturbed),
            "value": {currency: str(total) for currency, total in sorted(value.items())},
        }


def money_of(custom_data: object) -> tuple[str | None, str | None]:
    """Value (exact, as text) and currency (upper case) of an event, None where it has none."""
    if not isinstance(custom_data, dict):
        return None, None
    value = amount(custom_data.get("value"))
    currency = custom_data.get("currency")
    return (
        None if value is None else str(value),
        currency.upper() if isinstance(currency, str) else None,
    )


def _drop(entry: Received, because: str, kept: Received) -> None:
    entry.verdict, entry.because, entry.duplicate_of = "dropped", because, kept.number


def _person_keys(entry: Received) -> list[tuple[str, ...]]:
    user_data = entry.event.get("user_data") or {}
    external_id = user_data.get("external_id") or []
    people = [("fbp", user_data.get("fbp"))] + [
        ("external_id", text)
        for text in (external_id if isinstance(external_id, list) else [external_id])
    ]
    return [(entry.pixel, entry.event_name, key, str(text)) for key, text in people if text]


def _offline_key(entry: Received) -> tuple[str, ...]:
    custom_data = entry.event.get("custom_data") or {}
    order_id = custom_data.get("order_id")
    person = "" if order_id else msgspec.json.encode(entry.event.get("user_data"), order="sorted")
    parts = (entry.event_time, entry.event_name, custom_data.get("item_number"), order_id, person)
    return (entry.pixel, *map(str, parts))
