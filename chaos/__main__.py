"""`make chaos`: every row of the fault matrix, or those that ONLY names.

Exits 0 if every row that ran holds, 1 if one does not, 2 for a row that there is not.
"""

import os
import shutil
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
                show_row(results[-1], seed=seed)
            folder = installation.folder
    except CannotStart as error:
        console.print(str(error))
        return 1
    minutes = (time.monotonic() - begun) / 60
    scale = f"{'long' if full else 'short'} form, {minutes:.1f} minutes"
    show_matrix(results, seed=seed, scale=scale, folder=str(folder))
    if all(result.holds for result in results):
        shutil.rmtree(folder)
        return 0
    return 1


def _chosen(only: str) -> list[Row]:
    """The rows that ONLY names; all without it. Raises ValueError."""
    if only == "ci":
        return [row for row in ROWS if row.ci]
    wanted = {number.strip() for number in only.split(",") if number.strip()}
    known = {row.number for row in ROWS}
    if unknown := wanted - known:
        raise ValueError(
            f"ONLY={','.join(sorted(unknown))}: choose from ci, {', '.join(row.number for row in ROWS)}."
        )
    return [row for row in ROWS if not wanted or row.number in wanted]


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
