"""The shops' time, so that four hours of retries take no time at all."""

from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that only `advance` moves, when it was given a start; else the machine's, moved on."""

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start
        self._advanced = timedelta()

    def now(self) -> datetime:
        """In UTC, aware, as the `start` has to be."""
        return (self._start or datetime.now(UTC)).astimezone(UTC) + self._advanced

    def advance(self, by: timedelta) -> None:
        """Moves the clock on; never back, since no shop's clock runs backwards."""
        self._advanced += max(by, timedelta())
