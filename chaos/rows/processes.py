"""Rows 1 to 5 and 7: processes of ours die, at any moment."""

import os
import signal

from chaos.installation import WORKERS
from chaos.keeper import children
from chaos.trial import BURST, Row, Trial


def _a_web_process_dies(trial: Trial) -> None:
    for _ in trial.while_selling(every=1.5):
        if alive := list(children(trial.keeper.pid("web"))):
            _kill(trial.luck.choice(alive))


def _all_web_processes_die(trial: Trial) -> None:
    trial.keeper.wait(trial.load.seconds / 3)
    trial.keeper.kill("web")
    trial.installation.wait_until_ready()


def _a_rolling_deploy(trial: Trial) -> None:
    """The web server replaces its processes one by one (HUP); workers end and come back (TERM)."""
    turn = ["web", *WORKERS]
    for number, _ in enumerate(trial.while_selling(every=1.5)):
        name = turn[number % len(turn)]
        trial.keeper.send(name, signal.SIGHUP if name == "web" else signal.SIGTERM)


def _a_worker_dies(trial: Trial) -> None:
    for _ in trial.while_selling(every=2.0):
        trial.keeper.kill(trial.luck.choice(WORKERS))


def _all_workers_die(trial: Trial) -> None:
    trial.keeper.wait(trial.load.seconds / 3)
    for name in WORKERS:
        trial.keeper.hold_down(name)
    trial.sell_on()
    for name in WORKERS:
        trial.keeper.revive(name)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


ROWS = (
    Row(number="1", fault="kill -9 of a web process every 1.5 s", harm=_a_web_process_dies),
    Row(
        number="2", fault="kill -9 of the whole web server", harm=_all_web_processes_die, load=BURST
    ),
    Row(number="3", fault="rolling deploy every 1.5 s (HUP, TERM)", harm=_a_rolling_deploy),
    Row(number="4", fault="kill -9 of a worker every 2 s", harm=_a_worker_dies),
    Row(
        number="5", fault="kill -9 of all workers, away for 4 s", harm=_all_workers_die, load=BURST
    ),
)
