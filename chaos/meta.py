"""Meta's stand-in, as a process: how it is told to misbehave, and what its books say."""

from typing import Any

import requests

from chaos.fleet import ALL_PIXELS, token
from chaos.history import Arrival, Post


class Meta:
    """The doors of `sandbox.graph_api`, over HTTP."""

    def __init__(self, *, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}/_sandbox"
        self._session = requests.Session()
        self._session.trust_env = False

    def answers(self) -> bool:
        """Whether it runs."""
        try:
            return self._session.get(f"{self._address}/", timeout=2).ok
        except requests.RequestException:
            return False

    def begin(self) -> None:
        """Forget everything, and know our datasets and their tokens."""
        self._tell("reset", {})
        for pixel in ALL_PIXELS:
            self._tell("datasets", {"id": pixel, "name": pixel, "tokens": [token(pixel)]})

    def misbehave(self, *faults: dict[str, Any]) -> None:
        """Add faults: the fields of `sandbox.graph.faults.Fault`."""
        self._tell("faults", list(faults))

    def behave(self) -> None:
        """Take every fault back."""
        self._session.delete(f"{self._address}/faults", timeout=10).raise_for_status()

    def token_is(self, pixel: str, state: str) -> None:
        """Change what becomes of the dataset's token: expired, valid, …"""
        self._tell("tokens", {"token": token(pixel), "state": state})

    def set_clock(self, *, ahead: float) -> None:
        """Let its clock run so many seconds ahead of the machine's."""
        self._tell("clock", {"offset": ahead})

    def arrivals(self) -> list[Arrival]:
        """Every event stored, in order."""
        return [
            Arrival(
                pixel=event["pixel"],
                event_name=event["event_name"],
                event_id=event["event_id"] or "",
                at=event["received_at"],
                counted=event["verdict"] == "counted",
            )
            for event in self._ask("events")["events"]
        ]

    def posts(self) -> list[Post]:
        """Every request for events, refused ones too, in order."""
        return [
            Post(
                pixel=request["pixel"] or "",
                event_ids=tuple(request["event_ids"]),
                at=request["at"],
                outcome=request["outcome"],
            )
            for request in self._ask("requests")["requests"]
            if request["edge"] == "events"
        ]

    def _tell(self, door: str, wish: object) -> None:
        answer = self._session.post(f"{self._address}/{door}", json=wish, timeout=10)
        answer.raise_for_status()

    def _ask(self, door: str) -> Any:
        answer = self._session.get(f"{self._address}/{door}", timeout=30)
        answer.raise_for_status()
        return answer.json()
