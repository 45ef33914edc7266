"""`make chaos`: every row of the fault matrix, or those that ONLY names.

Exits 0 if every row that ran holds, 1 if one does not, 2 for a row that there is not.
"""

import os
import signal
import sys
import time
from subprocess import CalledProcessError

import psycopg
import requests

from chaos.installation import Installation, installed
from chaos.keeper import Unsettled
from chaos.report import console, show_matrix, show_row
from chaos.rows import ROWS
from chaos.trial import NotRun, Result, Row, Trial
from launch.process import CannotStart


def main() -> int:
    """Run the rows one after the other, on one installation."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        rows = _chosen(os.environ.get("ONLY", ""))
        seed = int(os.environ.get("SEED") or 1)
    except ValueError as error:
        console.print(f"{error}")
        return 2
    full = bool(os.environ.get("FULL"))
    begun, results = time.monotonic(), []
    try:
        with installed() as installation:
            for row in rows:
                results.append(_run(row, installation, seed=seed, full=full))
                installation.keep_logs |= not results[-1].holds
                show_row(results[-1], seed=seed)
            folder = installation.folder
    except CannotStart as error:
        console.print(str(error))
        return 1
    minutes = (time.monotonic() - begun) / 60
    scale = f"{'long' if full else 'short'} form, {minutes:.1f} minutes"
    show_matrix(results, seed=seed, scale=scale, folder=str(folder))
    return 0 if all(result.holds for result in results) else 1


def _chosen(only: str) -> list[Row]:
    """The rows that ONLY names, 31 for 31a to 31c; all without it. Raises ValueError."""
    if only == "ci":
        return [row for row in ROWS if row.ci]
    wanted = {number.strip() for number in only.split(",") if number.strip()}
    known = {name for row in ROWS for name in _names(row)}
    if unknown := wanted - known:
        offered = ", ".join(row.number for row in ROWS)
        raise ValueError(f"ONLY={','.join(sorted(unknown))}: choose from ci, {offered}.")
    return [row for row in ROWS if not wanted or wanted & _names(row)]


def _names(row: Row) -> set[str]:
    return {row.number, row.number.rstrip("abc")}


def _run(row: Row, installation: Installation, *, seed: int, full: bool) -> Result:
    trial = Trial(row, installation, seed=seed, full=full)
    begun = time.monotonic()
    try:
        trial.run()
    except NotRun as error:
        trial.result.not_run = str(error)
    except (Unsettled, psycopg.Error, requests.RequestException, CalledProcessError) as error:
        trial.result.broken.append(f"{type(error).__name__}: {error}")
        installation.repair()
    trial.result.took = time.monotonic() - begun
    return trial.result


if __name__ == "__main__":
    sys.exit(main())
