"""The Celery app, and the doorbell: a task that is rung after the commit and never fails its caller.

A message carries nothing; it means "look at the rows". Ringing happens on a thread of its own, so that
a broker that is slow, silent or gone costs a web request nothing, and rings that come close together
become one. A ring that is lost costs seconds: the sweep (connector/sweeper.py) finds the rows.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from celery import Celery, Task
from celery.signals import worker_shutting_down
from django.db import close_old_connections, transaction

from connector.sweeper import Sweeper
from conversions.stopping import begin_nothing_more
from stores.failpoints import failpoint

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connector.settings")
log = structlog.get_logger(__name__)

COALESCE_SECONDS = 0.05
MESSAGE_EXPIRES_SECONDS = 60
# Rings beyond this many unread ones say nothing new, and a queue without workers must not grow.
ENOUGH_UNREAD = 50
LOOK_EVERY_SECONDS = 1.0
QUIET_SECONDS = (1.0, 30.0)  # the breaker's first and longest pause


class Doorbell(Task):
    """The base of every task: `ring()` it instead of calling `delay()`."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run on the thread's kept connection, which Django first asks whether it is alive."""
        close_old_connections()
        return super().__call__(*args, **kwargs)

    def ring(self) -> None:
        """Ask a worker to look at the rows, once the present transaction (if any) is committed."""
        transaction.on_commit(self.ring_now, robust=True)

    def ring_now(self) -> None:
        """Ask at once; returns in microseconds, and never raises for a broker's sake."""
        bell.ring(self.name)


class Bell:
    """Rings doorbells from a background thread: the first at once, then one each 50 ms at most."""

    def __init__(self, publish: Callable[[str], None]) -> None:
        self._publish = publish
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._rung: set[str] = set()
        self._thread: threading.Thread | None = None
        self._quiet_until = 0.0
        self._pause = QUIET_SECONDS[0]

    def ring(self, name: str) -> None:
        """Have the task `name` published soon, unless the breaker is open."""
        if time.monotonic() < self._quiet_until:
            return
        with self._lock:
            self._rung.add(name)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
                self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                names, self._rung = sorted(self._rung), set()
            try:
                for name in names:
                    failpoint("K05")
                    self._publish(name)
                self._pause = QUIET_SECONDS[0]
            except Exception as error:  # noqa: BLE001  a door: each transport has errors of its own
                self._fall_quiet(error)
            time.sleep(COALESCE_SECONDS)

    def _fall_quiet(self, error: Exception) -> None:
        log.warning("doorbell.silent", error=type(error).__name__, seconds=self._pause)
        self._quiet_until = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, QUIET_SECONDS[1])


class Queue:
    """Where doorbells go, if somebody reads them."""

    def __init__(self) -> None:
        self._looked_at = float("-inf")
        self._has_room = True

    def publish(self, name: str) -> None:
        """Publish a message for the task `name`, unless so many wait that one more says nothing."""
        with app.connection_or_acquire() as connection:
            if time.monotonic() - self._looked_at > LOOK_EVERY_SECONDS:
                self._look(connection)
            if self._has_room:
                app.tasks[name].apply_async(
                    connection=connection,
                    expires=MESSAGE_EXPIRES_SECONDS,
                    retry=True,  # `retry=False` would block for seconds: see docs/decisions/0005
                    retry_policy={"max_retries": 0},
                )

    def _look(self, connection: Any) -> None:
        _, unread, _ = connection.default_channel.queue_declare(
            app.conf.task_default_queue,
            durable=True,
            auto_delete=False,  # as workers do, or RabbitMQ refuses them
        )
        self._has_room, self._looked_at = unread < ENOUGH_UNREAD, time.monotonic()


app = Celery("connector", task_cls="connector.celery:Doorbell")
app.config_from_object("django.conf:settings", namespace="CELERY")
# A new connection for each of many short tasks would cost more than the tasks.
app.conf["CELERY_DB_REUSE_MAX"] = 1_000
app.autodiscover_tasks()
bell = Bell(Queue().publish)
app.steps["worker"].add(Sweeper)
worker_shutting_down.connect(begin_nothing_more)
