"""Rings: soon, few, and never at their caller's cost."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery import current_app
from django.db import transaction

from connector import celery as doorbells
from connector.celery import Bell
from shop_webhooks.tasks import process_due


class Tower:
    """Where a bell's publications are heard."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.trouble: Exception | None = None
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.arrived = threading.Semaphore(0)

    def publish(self, name: str) -> None:
        self.arrived.release()
        self.may_answer.wait(10)
        if self.trouble:
            raise self.trouble
        self.heard.append(name)

    def wait_for_rings(self, count: int) -> None:
        for _ in range(count):
            assert self.arrived.acquire(timeout=5)


@pytest.fixture
def tower() -> Iterator[Tower]:
    tower = Tower()
    yield tower
    tower.may_answer.set()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class TestBell:
    def test_rings_that_come_together_are_one(self, tower: Tower) -> None:
        bell = Bell(tower.publish)
        tower.may_answer.clear()
        bell.ring("first")
        tower.wait_for_rings(1)

        for _ in range(100):
            bell.ring("read")
            bell.ring("send")
        tower.may_answer.set()
        tower.wait_for_rings(2)

        wait_until(lambda: len(tower.heard) == 3)
        assert tower.heard == ["first", "read", "send"]

    def test_who_rings_does_not_wait_while_the_broker_hangs(self, tower: Tower) -> None:
        bell = Bell(tower.publish)
        tower.may_answer.clear()

        for _ in range(1000):
            bell.ring("read")  # one that waited would never return

        assert tower.heard == []

    @pytest.mark.parametrize("trouble", [OSError(), LookupError("what a transport may raise")])
    def test_after_a_failure_it_is_quiet_for_a_while_and_then_rings_again(
        self, tower: Tower, monkeypatch: pytest.MonkeyPatch, trouble: Exception
    ) -> None:
        monkeypatch.setattr(doorbells, "QUIET_SECONDS", (0.2, 0.4))
        bell = Bell(tower.publish)
        tower.trouble = trouble
        bell.ring("lost")
        wait_until(lambda: bell._quiet_until > time.monotonic())
        tower.trouble = None

        bell.ring("not even tried")
        wait_until(lambda: bell._quiet_until < time.monotonic())
        bell.ring("heard")

        wait_until(lambda: tower.heard)
        assert tower.heard == ["heard"]

    def test_it_rings_in_a_forked_process_too(self) -> None:
        reading, writing = os.pipe()
        bell = Bell(lambda name: os.write(writing, name.encode() + b" ") and None)
        bell.ring("parent")
        assert os.read(reading, 100) == b"parent "

        if os.fork() == 0:  # only what is safe after a fork, and no way back into pytest
            bell.ring("child")
            time.sleep(5)
            os._exit(0)

        assert os.read(reading, 100) == b"child "

    def test_a_queue_that_nobody_reads_does_not_grow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(doorbells, "LOOK_EVERY_SECONDS", 0)
        with current_app.connection_or_acquire() as connection:
            queue = connection.SimpleQueue(current_app.conf.task_default_queue)
            queue.clear()

            for _ in range(doorbells.ENOUGH_UNREAD + 20):
                doorbells.Queue().publish("shop_webhooks.process_due")

            assert queue.qsize() == doorbells.ENOUGH_UNREAD
            queue.clear()


class TestTask:
    @pytest.fixture
    def rung(self, tower: Tower, monkeypatch: pytest.MonkeyPatch) -> Tower:
        monkeypatch.setattr(doorbells, "bell", Bell(tower.publish))
        return tower

    @pytest.mark.django_db(transaction=True)
    def test_it_rings_after_the_commit_and_not_before(self, rung: Tower) -> None:
        with transaction.atomic():
            process_due.ring()
            before = list(rung.heard)

        rung.wait_for_rings(1)
        wait_until(lambda: rung.heard)
        assert (before, rung.heard) == ([], ["shop_webhooks.process_due"])

    @pytest.mark.django_db(transaction=True)
    def test_it_does_not_ring_for_what_was_rolled_back(self, rung: Tower) -> None:
        with transaction.atomic():
            process_due.ring()
            transaction.set_rollback(True)

        assert rung.arrived.acquire(timeout=0.1) is False

    def test_it_takes_words_of_a_later_release(self, acme: SimpleNamespace) -> None:
        arguments: dict[str, Any] = {"delivery_id": 1, "something_new": True}

        process_due(**arguments)
