"""Nobody who brings a webhook waits for a database that does not answer."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from django.db import OperationalError, connection

from stores.patience import Patience, Silent, answers
from stores.sql import rows, run_alone

FOR_EVER = "SELECT pg_sleep(600)"
END = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE query = %s"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def new_connection() -> Iterator[None]:
    yield
    connection.close()
    rows(END, [FOR_EVER])  # the server does not notice that nobody waits any more


def a_lost_patience(asks: Callable[[], bool]) -> Patience:
    """One whose first wait was in vain."""
    patience = Patience(seconds=0.2, asks=asks)
    with pytest.raises(OperationalError), patience.kept():
        rows(FOR_EVER)
    connection.close()
    return patience


def test_a_wait_without_an_answer_is_cut_off() -> None:
    a_lost_patience(asks=lambda: False)

    assert rows("SELECT 1") == [(1,)]


def test_what_was_cut_off_is_not_tried_again() -> None:
    patience = Patience(seconds=0.2, asks=lambda: False)
    rows("SELECT 1")
    before = connection.connection

    with pytest.raises(OperationalError), patience.kept():
        run_alone(FOR_EVER, ())

    assert before.closed
    assert connection.connection is before  # for a second try there would be a new one


def test_while_the_database_is_silent_everybody_is_refused_at_once() -> None:
    patience = a_lost_patience(asks=lambda: False)

    with pytest.raises(Silent), patience.kept():
        pytest.fail("nobody asks a silent database")


def test_a_database_that_answers_again_lets_everybody_in() -> None:
    answered = threading.Event()

    def asks() -> bool:
        answered.set()
        return answers()

    patience = a_lost_patience(asks)
    answered.wait(60)

    assert lets_in(patience)


def test_an_answer_in_time_leaves_the_connection_as_it_is() -> None:
    rows("SELECT 1")
    before = connection.connection

    with Patience(seconds=60).kept():
        rows("SELECT 2")

    assert connection.connection is before
    assert not before.closed


def lets_in(patience: Patience) -> bool:
    """Whether it does before long: its watcher writes down what it has heard."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(Silent), patience.kept():
            return rows("SELECT 1") == [(1,)]
    return False
