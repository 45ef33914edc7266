"""Row demo: `make demo`, while any of its processes is killed again and again.

Meta's stand-in is spared: its books are what the demo is judged by, and Meta does not forget.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from chaos import shops
from chaos.keeper import Unsettled, descendants
from chaos.trial import Load, Row, Trial
from launch.environment import without_settings
from launch.stack import ROOT, free_port

VICTIMS = (
    "gunicorn",
    "celery.* worker",
    "celery.* beat",
    "postgres -D|bin/postgres",
    "valkey-server",
)
TAKES = 180.0
EACH_DIES = 2  # times; then what they left has to settle
BEGUN, BALANCED = "the shops begin to sell", "balanced: lost 0, sent twice 0"


def _nobody_is_safe(trial: Trial) -> None:
    folder = trial.installation.folder / "demo-data"
    log = trial.installation.folder / "demo.log"
    settings = {"DEMO_EXIT": "1", "DATA_DIR": str(folder), "PORT": str(free_port())}
    settings |= {"CONNECTOR_ENV_FILE": "", "DEMO_SEED": str(trial.seed), "DEMO_ORDERS": "150"}
    with log.open("wb") as output:
        demo = subprocess.Popen(
            [sys.executable, "-m", "launch.demo"],
            cwd=ROOT,
            env=without_settings(os.environ) | settings,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        kills = _kill_until_it_ends(trial, demo, log=log)
    finally:
        if demo.poll() is None:
            demo.terminate()
            demo.wait(60)
    said = log.read_text(errors="replace")
    trial.insist(
        demo.returncode == 0 and BALANCED in said,
        f"the demo ended with {demo.returncode}: see {log}",
    )
    trial.insist(len(kills) > 0, "the demo was over before anybody was killed")
    trial.remark(f"{len(kills)} processes killed while it sold ({', '.join(sorted(set(kills)))})")


def _kill_until_it_ends(trial: Trial, demo: subprocess.Popen[bytes], *, log: Path) -> list[str]:
    """While it sells, kill one kind after the other, whenever all are there again."""
    deadline = time.monotonic() + TAKES
    kills: list[str] = []
    while demo.poll() is None:
        if time.monotonic() > deadline:
            raise Unsettled(f"the demo did not end within {TAKES:.0f} s")
        trial.keeper.wait(2.0)
        running = _victims(demo.pid)
        may_die = BEGUN in log.read_text(errors="replace") and len(kills) < EACH_DIES * len(VICTIMS)
        if may_die and len(running) == len(VICTIMS):
            name = VICTIMS[(len(kills) + trial.seed) % len(VICTIMS)]
            os.kill(running[name], signal.SIGKILL)
            kills.append(name.split(" ")[0].strip(".*") + name.partition(".*")[2])
    return kills


def _victims(demo: int) -> dict[str, int]:
    """The first process of each kind, by its kind."""
    found: dict[str, int] = {}
    for pid in descendants(demo):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        for kind in VICTIMS:
            if re.search(kind, line):
                found.setdefault(kind, pid)
    return found


ROWS = (
    Row(number="demo", fault="make demo, each process killed twice", harm=_nobody_is_safe,
        load=Load(name="demo", orders=0, seconds=0.0), telling=shops.nothing),
)  # fmt: skip
