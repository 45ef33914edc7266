"""PostgreSQL processes of an earlier life: they hold the data, and a new server would be refused."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from launch.process import CannotStart

ORPHANS_GET = 5.0  # seconds for backends to notice that their postmaster is gone
LEFTOVERS_GET = 30.0  # seconds for a server that was left running to shut down


def clear_leftovers(data: Path) -> None:
    """Stop a server that an earlier life left running in `data`, and forget its lock file.

    The caller holds the lock of DATA_DIR, so whoever still runs here belongs to nobody. A lock file
    without processes is stale, whatever lives under its number now (after a reboot, numbers repeat).
    Raises CannotStart when they do not go.
    """
    started = time.monotonic()
    lock = data / "postmaster.pid"
    while running := servers_in(data):
        waited = time.monotonic() - started
        if waited > LEFTOVERS_GET:
            raise CannotStart(f"PostgreSQL of {data} (pid {running[0]}) does not stop.")
        if (postmaster := _first_line_as_number(lock)) in running:
            _send(postmaster, signal.SIGINT)
        elif waited > ORPHANS_GET:
            for orphan in running:
                _send(orphan, signal.SIGKILL)
        time.sleep(0.05)
    lock.unlink(missing_ok=True)


def servers_in(data: Path) -> Sequence[int]:
    """Return the numbers of the PostgreSQL processes at work in `data`, backends included on Linux."""
    if Path("/proc/self").exists():
        return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _works_in(entry, data)]
    postmaster = _first_line_as_number(data / "postmaster.pid")
    command = subprocess.run(
        ["ps", "-p", str(postmaster), "-o", "command="], capture_output=True, text=True, check=False
    ).stdout
    return [postmaster] if str(data) in command else []


def _works_in(process: Path, data: Path) -> bool:
    try:
        name = (process / "comm").read_text().strip()
        return name == "postgres" and (process / "cwd").readlink() == data
    except OSError:  # gone meanwhile, or somebody else's
        return False


def _first_line_as_number(file: Path) -> int:
    """Return the number, 0 when there is none: no process of that number works anywhere."""
    try:
        return int(file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return 0


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
