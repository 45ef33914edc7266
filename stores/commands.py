"""What every command of ours shares: `--json`, exit codes, and a sentence instead of a traceback.

Exit codes: 0 done, 1 it did not hold, 2 bad usage.
"""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, NoReturn, cast

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError
from rich.console import Console

from stores.acting import acting_as
from stores.fleet.document import FleetError
from stores.fleet.entries import Fleet
from stores.fleet.file import read_fleet
from stores.models import Store, Workspace
from stores.secrets import CannotOpen

MOST_NAMED = 10
SPAN = re.compile(r"(\d{1,6})([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Command(BaseCommand):
    """The base of our commands. One document goes to standard output; all else to standard error."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Every command can answer a program."""
        parser.add_argument(
            "--json",
            action="store_true",
            dest="as_json",
            help="one JSON document on standard output",
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run; a database that does not answer and a reader that went away are no bugs of ours."""
        try:
            with acting_as(f"command {type(self).__module__.rpartition('.')[2]}"):
                return super().execute(*args, **options)
        except ProgrammingError as error:
            if "does not exist" not in str(error):
                raise
            raise CommandError(
                "The database is not up to date: run migrate.", returncode=1
            ) from error
        except OperationalError as error:
            raise CommandError(database_silent(error), returncode=1) from error
        except CannotOpen as error:
            fix = "put the key that sealed it back into FIELD_ENCRYPTION_KEYS"
            raise CommandError(f"A secret cannot be opened: {fix}.", returncode=1) from error
        except BrokenPipeError:
            # `| head` has seen enough; Python would complain again when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)

    def console(self) -> Console:
        """For tables, as wide as their rows are: a row broken into lines can't be searched."""
        file = cast(IO[str], self.stdout)
        return Console(file=file, width=10_000, highlight=False, markup=False)

    def print_json(self, document: object) -> None:
        """`document`, indented, as UTF-8."""
        self.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode())


def database_silent(error: OperationalError) -> str:
    """What a database that does not answer means, and what to do."""
    if "embedded-postgresql" in str(error):
        return "The database does not answer: nothing is running here. Start it with `make run`."
    reason = next(iter(str(error).strip().splitlines()), "no reason given")
    return f"The database does not answer: {reason}. Is DATABASE_URL right?"


def fail(message: str) -> NoReturn:
    """End with 1: it did not hold."""
    raise CommandError(message, returncode=1)


def refuse(message: str) -> NoReturn:
    """End with 2: bad usage."""
    raise CommandError(message, returncode=2)


def span(text: str) -> timedelta:
    """The time that `30m`, `12h` or `7d` spells; refuses anything else."""
    if (found := SPAN.fullmatch(text)) is None:
        refuse(f"{text!r} is no span of time such as 30m, 12h or 7d.")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def moment(option: str, text: str, *, now: datetime) -> datetime:
    """The moment that the option's `text` names; refuses what names none."""
    try:
        return read_moment(text, now=now)
    except ValueError:
        refuse(f"{option} {text!r} is neither a span (2h, 7d) nor an ISO 8601 time.")


def read_moment(text: str, *, now: datetime) -> datetime:
    """The moment that `text` names: so long ago (2h, 7d), or in ISO 8601, in UTC where it does not say.

    Raises ValueError.
    """
    try:
        if SPAN.fullmatch(text):
            return now - span(text)
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error


def find_stores(name: str) -> list[Store]:
    """The stores with this key, one for each workspace that has it; refuses a key nobody has.

    `WORKSPACE/KEY` means one of several.
    """
    slug, _, key = name.rpartition("/")
    stores = Store.objects.select_related("workspace").order_by("workspace__slug")
    found = stores.filter(key=key, **({"workspace__slug": slug} if slug else {}))
    if not found:
        known = Store.objects.order_by("key").values_list("key", flat=True).distinct()
        refuse(f"There is no store {name!r}. {_known('stores', known)}")
    return list(found)


def find_store(name: str) -> Store:
    """The one store that `KEY` or `WORKSPACE/KEY` means; refuses where there are several."""
    found = find_stores(name)
    if len(found) > 1:
        names = ", ".join(f"{store.workspace.slug}/{store.key}" for store in found[:MOST_NAMED])
        refuse(f"Several workspaces have a store {name!r}: give one of {names}.")
    return found[0]


def find_workspace(slug: str | None) -> Workspace:
    """The workspace named `slug`, or the only one where no name is given; refuses otherwise."""
    workspaces = Workspace.objects.order_by("slug")
    if slug is None and (first_two := list(workspaces[:2])) and len(first_two) == 1:
        return first_two[0]
    if found := workspaces.filter(slug=slug).first():
        return found
    known = _known("workspaces", workspaces.values_list("slug", flat=True))
    refuse(f"There is no workspace {slug!r}. {known}" if slug else f"Give --workspace. {known}")


def open_fleet(file: Path) -> Fleet:
    """The fleet of a file; refuses one that cannot be read or meant."""
    try:
        return read_fleet(
            file.read_bytes(), environ=os.environ, allow_private=settings.WOOCOMMERCE_ALLOW_PRIVATE
        )
    except OSError as error:
        refuse(f"{file} cannot be read: {error.strerror}.")
    except FleetError as error:
        refuse("\n  ".join(["Nothing was compared.", *error.problems]))


def _known(what: str, names: Any) -> str:
    shown = list(names[: MOST_NAMED + 1])
    more = " …" if len(shown) > MOST_NAMED else ""
    return (
        f"The {what} here: {', '.join(shown[:MOST_NAMED])}{more}."
        if shown
        else f"There are no {what}."
    )
