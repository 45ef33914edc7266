"""What a worker does by itself when no doorbell rings: the broker is a hint, the rows are the truth.

A step of every Celery worker, on threads of its own: it needs no broker and no beat, and so finds the
rows that a lost, flushed or refused message was about. `settings.SWEEPS` names the tasks in the order
in which rows move; each has its thread, so that a slow Meta never keeps a delivery from being read.
"""

import random
import threading
from typing import Any

import structlog
from celery import bootsteps
from django.conf import settings
from django.db import Error, connections

log = structlog.get_logger(__name__)


class Sweeper(bootsteps.StartStopStep):
    """Runs the sweeps every few seconds, from the worker's start to its stop."""

    requires = {"celery.worker.components:Pool"}

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._stopped = False
        self._turns = [threading.Event() for _ in settings.SWEEPS]
        self._threads: list[threading.Thread] = []

    def start(self, parent: Any) -> None:
        """Begin to sweep, before the worker has found its broker."""
        for place, name in enumerate(settings.SWEEPS):
            arguments = parent.app.tasks[name], *self._turns[place : place + 2]
            thread = threading.Thread(target=self._run, args=arguments, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, parent: Any) -> None:
        """Stop between two sweeps; one under way may finish."""
        self._stopped = True
        for turn in self._turns:
            turn.set()
        for thread in self._threads:
            thread.join(timeout=settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT)

    terminate = stop

    def _run(self, task: Any, turn: threading.Event, *next_turn: threading.Event) -> None:
        while True:
            # Jitter, so that workers which start together do not sweep together.
            turn.wait(settings.SWEEP_EVERY_SECONDS * random.uniform(0.8, 1.2))
            turn.clear()
            if self._stopped:
                return
            try:
                task.run()
            except Error as error:
                log.error("sweep.failed", sweep=task.name, error=type(error).__name__)
            except Exception:
                # A door: the thread must outlive a bug, or losing a message would lose an order.
                log.exception("sweep.failed", sweep=task.name)
            finally:
                connections.close_all()
                for following in next_turn:
                    following.set()
