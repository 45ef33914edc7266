"""How long a webhook waits for the database. A frozen server keeps no time-out, so we keep one here.

While it has patience, a thread that waits for longer loses its connection, and with it an
OperationalError is raised. As long as the database stays silent everybody is refused at once, and a
thread of its own asks it again: whoever came with a webhook would only wait in a row.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, Error, OperationalError, connections

STEP = 0.1  # seconds between two looks at who has waited too long

_of_thread = threading.local()


class Silent(OperationalError):
    """The database does not answer: nobody was kept waiting for it."""


def answers() -> bool:
    """Whether the database lets somebody in now."""
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        connection.connect()
    except Error:
        return False
    connection.close()
    return True


class Patience:
    """For so many seconds; `asks` tells whether a silent database answers again."""

    def __init__(self, *, seconds: float, asks: Callable[[], bool] = answers) -> None:
        self._seconds, self._asks = seconds, asks
        self._is_silent = False
        self._lock = threading.Lock()
        self._waits: dict[int, _Wait] = {}
        self._watcher: threading.Thread | None = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Wait for no longer inside. Raises OperationalError; Silent, if that is known already."""
        self._watch()
        if self._is_silent:
            raise Silent
        wait = _Wait(connections[DEFAULT_DB_ALIAS], until=time.monotonic() + self._seconds)
        _of_thread.wait = wait
        with self._lock:
            self._waits[id(wait)] = wait
        try:
            yield
        except OperationalError:
            self._is_silent = self._is_silent or time.monotonic() >= wait.until
            raise
        finally:
            with self._lock:
                del self._waits[id(wait)]
            _of_thread.wait = None

    def _watch(self) -> None:
        """See to it that this process has its watcher: a thread does not survive a fork."""
        if self._watcher is None or not self._watcher.is_alive():
            with self._lock:
                if self._watcher is None or not self._watcher.is_alive():
                    self._watcher = threading.Thread(target=self._watch_on, daemon=True)
                    self._watcher.start()

    def _watch_on(self) -> None:
        while True:
            time.sleep(STEP)
            with self._lock:
                for wait in self._waits.values():
                    if time.monotonic() >= wait.until and not wait.is_over:
                        wait.cut_off()
            if self._is_silent and not self._waits:  # those come first: asking may take a while
                self._is_silent = not self._asks()


class _Wait:
    """A thread's wait, and the connection that it is cut off from once it has lasted too long."""

    def __init__(self, of: Any, *, until: float) -> None:
        self._connection, self.until, self.is_over = of, until, False

    def cut_off(self) -> None:
        self.is_over = True
        raw = self._connection.connection
        if raw is not None and not raw.closed:
            # It may have ended meanwhile.
            with (
                suppress(OSError, psycopg.Error),
                socket.socket(fileno=os.dup(raw.fileno())) as wire,
            ):
                wire.shutdown(socket.SHUT_RDWR)


# A shop waits for five seconds, and then sends again: https://shopify.dev/docs/apps/build/webhooks
of_a_webhook = Patience(seconds=1.0)


def is_lost() -> bool:
    """Whether this thread has waited for too long: a second try would only wait again."""
    wait = getattr(_of_thread, "wait", None)
    return wait is not None and wait.is_over
