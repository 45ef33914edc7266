"""A clock that is moved by hand, for the database, Meta and the workers alike.

PostgreSQL is asked for the time in the engine's own statements, so it is there that the time is
changed: a schema that comes first on the search path has its own `now()`, and so have the columns'
defaults. Nothing of the product is patched but the clock that a worker measures its sleep with.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from conversions import claiming
from sandbox.graph_api import GraphApi
from stores.sql import rows, run

BEGINNING = datetime(2026, 11, 1, tzinfo=UTC)
CLOCKS = ("now", "clock_timestamp", "statement_timestamp", "transaction_timestamp")

# `workers_clock` is right by as much as a worker's own clock is: only a mutation ever reads it.
SCHEMA = """
DROP SCHEMA IF EXISTS model CASCADE; CREATE SCHEMA model;
CREATE FUNCTION model.workers_clock() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT current_setting('model.now')::timestamptz + current_setting('model.skew')::interval $$;
""" + "".join(
    f"CREATE FUNCTION model.{name}() RETURNS timestamptz LANGUAGE sql STABLE"
    " AS $$ SELECT current_setting('model.now')::timestamptz $$;"
    for name in CLOCKS
)

TELL = "SELECT set_config('model.now', %s, false), set_config('model.skew', %s, false)"

DEFAULTS = """
SELECT format('ALTER TABLE %s ALTER %I SET DEFAULT ', attrelid::regclass, attname),
       pg_get_expr(adbin, adrelid)
FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
WHERE pg_get_expr(adbin, adrelid) ~* '(now|timestamp)[(]' AND attrelid::regclass::text NOT LIKE '%.%'
"""


class Clock:
    """The one time of a world."""

    def __init__(self, meta: GraphApi) -> None:
        self._meta = meta
        self.begin()

    def begin(self) -> None:
        """It is the beginning again."""
        self.now = BEGINNING
        self._told: tuple[datetime, timedelta] | None = None

    def advance(self, passed: timedelta) -> None:
        """Time passes, for everybody."""
        self.now += passed

    def seconds(self) -> float:
        """The time, as a worker's boot clock has it."""
        return self.now.timestamp()

    def tell(self, *, wrong_by: timedelta = timedelta(0)) -> None:
        """Whoever acts next sees this time; `wrong_by` is how wrong a clock of their own would be."""
        if self._told != (self.now, wrong_by):
            self._told = self.now, wrong_by
            run(TELL, [self.now.isoformat(), f"{wrong_by.total_seconds()} seconds"])
            self._meta.set_clock(self.now.timestamp())


@contextmanager
def moved_by_hand(meta: GraphApi) -> Iterator[Clock]:
    """The clock, while the database and the workers follow it."""
    defaults = rows(DEFAULTS)
    run(SCHEMA)
    run("SET search_path = model, public, pg_catalog")
    run("SET synchronous_commit = off")  # here the database never dies
    clock = Clock(meta)
    clock.tell()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(claiming, "_boot_time", clock.seconds)
            for column, _ in defaults:
                run(f"{column} model.now()")
            yield clock
    finally:
        run("RESET search_path")
        run("RESET synchronous_commit")
        for column, default in defaults:
            run(column + default)
        run("DROP SCHEMA model CASCADE")
