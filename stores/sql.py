"""SQL that the ORM cannot say, or says in more than one statement."""

from collections.abc import Sequence
from typing import Any

from django.db import OperationalError, connection

from stores import patience


def rows(statement: str, values: Any = None) -> list[tuple[Any, ...]]:
    """What `statement` returns for `values` (a sequence or a mapping, as psycopg takes them)."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def run(statement: str, values: Any = None) -> int:
    """Run `statement`; how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def run_in_parts(statement: str, values: Sequence[Any], *, most: int) -> int:
    """Run `statement` until it touches fewer than `most` rows, its last value; how many in all.

    An arrear of weeks must run into no time-out, and hold no lock for long.
    """
    touched = part = run(statement, [*values, most])
    while part == most:
        part = run(statement, [*values, most])
        touched += part
    return touched


def run_alone(statement: str, values: Any) -> Any:
    """The one row that `statement` returns, at the price of exactly one statement.

    Django would ask a kept connection for its health first; here a dead one is noticed when it
    fails, and `statement`, which must bear being run twice, is run on a new one.
    """
    try:
        return _execute_alone(statement, values)
    except OperationalError:
        kept = connection.connection  # None: no connection could be made
        if connection.in_atomic_block or kept is None or not kept.closed or patience.is_lost():
            raise  # nor would a second try help a statement that failed by itself (a time-out, say)
        connection.close()
        return _execute_alone(statement, values)


def _execute_alone(statement: str, values: Any) -> Any:
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return connection.connection.execute(statement, values, prepare=True).fetchone()
