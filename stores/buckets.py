"""Token buckets: how often somebody may ask, counted in each process for itself."""

from __future__ import annotations

import threading
import time


class Buckets(dict[int, tuple[float, float]]):
    """For each key, what its bucket holds and when that was so."""

    def __init__(self, *, per_second: float, at_once: float) -> None:
        super().__init__()
        self._per_second, self._at_once = per_second, at_once
        self._lock = threading.Lock()

    def take(self, key: int) -> bool:
        """Whether the bucket of `key` has a token left; takes it."""
        now = time.monotonic()
        with self._lock:
            left, seen_at = self.get(key, (self._at_once, now))
            left = min(self._at_once, left + (now - seen_at) * self._per_second)
            self[key] = (max(left - 1, 0.0), now)
        return left >= 1
