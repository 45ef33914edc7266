"""Everything one sandbox knows and remembers, and the one act that changes its books."""

import threading
from collections import Counter
from dataclasses import replace
from typing import Any

from sandbox.graph.access import Access, Dataset
from sandbox.graph.body import Batch
from sandbox.graph.books import Books, Received, money_of
from sandbox.graph.clock import Clock, TraceIds
from sandbox.graph.faults import FaultScript
from sandbox.graph.inspection import Inspection, Json, Knowledge
from sandbox.graph.rules import check_event
from sandbox.graph.settings import Settings
from sandbox.graph.user_data import click_in, hashes_in


class World:
    """The state behind one server: clock, access, faults, knowledge and books."""

    settings: Settings
    clock: Clock
    traces: TraceIds
    access: Access
    script: FaultScript
    knowledge: Knowledge
    books: Books

    def __init__(self, settings: Settings) -> None:
        self._settings_at_start = settings
        self.lock = threading.Lock()
        self.over = threading.Event()
        self._begin()

    def reset(self) -> None:
        """Everything is as at the start; connections that hang are let go."""
        with self.lock:
            self.over.set()
            self._begin()

    def change_settings(self, **changes: Any) -> None:
        """Change some settings until the next reset."""
        self.settings = replace(self.settings, **changes)
        self.access.open = self.settings.open

    def _begin(self) -> None:
        self.over = threading.Event()
        self.settings = self._settings_at_start
        self.clock = Clock()
        self.traces = TraceIds(seed=self.settings.seed)
        self.access = Access(open=self.settings.open)
        self.script = FaultScript()
        self.knowledge = Knowledge()
        self.books = Books()
        self._asked: Counter[str] = Counter()

    def count_request(self, edge: str) -> int:
        """The number of this request among those to its edge, from 1."""
        with self.lock:
            self._asked[edge] += 1
            return self._asked[edge]

    def store_batch(
        self, batch: Batch, *, dataset: Dataset, request: int, only: int | None = None
    ) -> int:
        """Checks 8 and 9: all events of the batch or, with a Refusal, none; how many it holds.

        `only` stores the first so many of them, as Meta does when it silently discards some.
        """
        with self.lock:
            now = self.clock.now()
            inspected = [
                self._inspect(event, index=index, dataset=dataset, now=now)
                for index, event in enumerate(batch.events)
            ]
            for event, warnings in inspected[:only]:
                entry = self._entry(event, pixel=dataset.id, source="server", now=now)
                entry.request = request
                entry.warnings = warnings
                entry.test_event_code = batch.test_event_code
                entry.partner_agent = batch.partner_agent
                self._learn(event)
                self.books.receive(entry)
        return len(batch.events)

    def store_browser_event(self, event: Json, *, pixel: str) -> Received:
        """Take in the copy that the shop's Pixel sends from the browser; nothing is checked."""
        with self.lock:
            entry = self._entry(event, pixel=pixel, source="browser", now=self.clock.now())
            self.books.receive(entry)
        return entry

    def _inspect(
        self, event: object, *, index: int, dataset: Dataset, now: float
    ) -> tuple[Json, list[str]]:
        look = Inspection(
            index=index,
            now=now,
            dataset=dataset,
            settings=self.settings,
            knowledge=self.knowledge,
        )
        return check_event(event, look=look), look.warnings

    def _entry(self, event: Json, *, pixel: str, source: str, now: float) -> Received:
        value, currency = money_of(event.get("custom_data"))
        return Received(
            number=self.books.next_number(),
            pixel=pixel,
            source=source,
            event_name=event["event_name"],
            event_id=str(event_id) if (event_id := event.get("event_id")) else None,
            event_time=event.get("event_time"),
            action_source=event.get("action_source"),
            value=value,
            currency=currency,
            received_at=now,
            event=event,
        )

    def _learn(self, event: Json) -> None:
        self.knowledge.learn_hashes(hashes_in(event["user_data"]))
        if click := click_in(event["user_data"]):
            self.knowledge.learn_click(click)
