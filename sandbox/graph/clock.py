"""The simulated clock, and the random part of every answer: both can be fixed by a test."""

import base64
import random
import threading
import time


class Clock:
    """Unix seconds: the machine's, moved by an offset, or stopped at one moment."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._stopped_at: float | None = None

    def now(self) -> float:
        """The simulated time in Unix seconds."""
        if self._stopped_at is not None:
            return self._stopped_at
        return time.time() + self._offset

    def set(self, *, now: float | None = None, offset: float | None = None) -> None:
        """Stop the clock at `now`, or let it run `offset` seconds beside the machine's.

        With neither, it is the machine's clock again.
        """
        self._stopped_at = None if now is None else float(now)
        self._offset = 0.0 if offset is None else float(offset)


class TraceIds:
    """A seeded source of `fbtrace_id`s: never the same twice, the same again in every run."""

    def __init__(self, *, seed: int) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def next(self) -> str:
        """23 base64url characters that begin with an A, as Meta's do."""
        with self._lock:
            noise = self._random.randbytes(17)
        return "A" + base64.urlsafe_b64encode(noise).decode().rstrip("=")[:22]
