"""Rows 8 to 15: the database dies, hangs, is full, or is held by somebody else."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from chaos.shops import each_step_again
from chaos.trial import BACKLOG, BURST, IDLE, NotRun, Row, Trial

# More connections than PostgreSQL has: those that it keeps for its superuser are taken too.
PLENTY = 400


def _killed(trial: Trial) -> None:
    trial.keeper.wait(trial.load.seconds / 3)
    trial.keeper.kill("postgres")
    trial.installation.wait_until_ready()


def _killed_again_and_again(trial: Trial) -> None:
    for _ in range(10 if trial.full else 4):
        trial.keeper.wait(trial.luck.uniform(0.5, 1.5))
        trial.keeper.kill("postgres")
        trial.installation.wait_until_ready()


def _hangs(trial: Trial) -> None:
    trial.keeper.wait(1.0)
    frozen_at = time.monotonic()
    trial.keeper.send_all("postgres", signal.SIGSTOP)
    trial.keeper.wait(60.0 if trial.full else 10.0)
    answers = trial.market.answers(frozen_at, time.monotonic())
    trial.keeper.send_all("postgres", signal.SIGCONT)
    slowest = max((answer.seconds for answer in answers), default=0.0)
    refused = sum(answer.status == 503 for answer in answers)
    trial.remark(f"{refused} answers of 503 while frozen, the slowest after {slowest:.1f} s")
    trial.insist(refused > 0, "nobody was answered while the database was frozen")


def _dies_while_meta_thinks(trial: Trial) -> None:
    """Every post is stored by Meta, and no answer finds a database to be written down in."""
    trial.meta.misbehave({"kind": "delay", "seconds": 3.0, "times": None})
    trial.keeper.wait_until(trial.to_meta.busy, within=20, what="A request to Meta")
    trial.keeper.wait(1.0)
    trial.keeper.kill("postgres")
    trial.installation.wait_until_ready()
    trial.meta.behave()
    trial.sell_on()


def _no_connection_is_left(trial: Trial) -> None:
    taken: list[psycopg.Connection] = []
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(psycopg.OperationalError):
            while len(taken) < PLENTY:
                taken.append(stack.enter_context(trial.installation.connect()))
        trial.remark(f"{len(taken)} connections taken")
        # Whoever lost its connection now gets none.
        for name in ("worker-1", "web"):
            trial.keeper.kill(name)
        trial.sell_on()
    trial.installation.wait_until_ready()


def _a_long_transaction(trial: Trial) -> None:
    with trial.installation.connect() as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT count(*) FROM conversions_conversionevent")
        trial.wait_until_sold()
        trial.mend()
        trial.settle()
        ((dead,),) = trial.installation.sql(
            "SELECT sum(n_dead_tup) FROM pg_stat_user_tables WHERE relname LIKE 'conversions%'"
        )
        trial.remark(f"{dead} dead rows could not be removed")


def _deadlocks(trial: Trial) -> None:
    """Whatever can lock the same rows: redeliveries in every order, and four workers that read them."""
    extra = ("worker-3", "worker-4")
    for name in extra:
        trial.installation.start(name)
    trial.wait_until_sold()
    ((deadlocks,),) = trial.installation.sql(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    trial.remark(f"{deadlocks} deadlocks ended by PostgreSQL")
    for name in extra:
        trial.keeper.drop(name)


def _the_disk_is_full(trial: Trial) -> None:
    """The inbox is moved to a small disk, which somebody fills."""
    with _small_disk(trial) as disk:
        _move_inbox(trial, tablespace="small_disk")
        filler = disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()
        trial.sell_on()
        trial.insist(
            (trial.market.on_time(trial.begun, float("inf")) or 0) < 1, "the disk never was full"
        )
        filler.unlink()
        trial.mend()
        trial.wait_until_sold()


@contextlib.contextmanager
def _small_disk(trial: Trial) -> Iterator[Path]:
    disk = trial.installation.folder / "small-disk"
    disk.mkdir(exist_ok=True)
    try:
        if os.geteuid() != 0:
            raise NotRun("only root can mount a small disk")
        mount = ["mount", "-t", "tmpfs", "-o", "size=3m,mode=777", "tmpfs", str(disk)]
        if said := subprocess.run(mount, capture_output=True, text=True, check=False).stderr:
            raise NotRun(f"no small disk can be mounted here ({said.strip()})")
        space = disk / "space"
        space.mkdir()
        if account := trial.installation.cluster.account:
            os.chown(space, account.uid, account.gid)
        trial.installation.sql(f"CREATE TABLESPACE small_disk LOCATION '{space}'")
        try:
            yield disk
        finally:
            (disk / "filler").unlink(missing_ok=True)
            _move_inbox(trial, tablespace="pg_default")
            trial.installation.sql("DROP TABLESPACE small_disk")
    finally:
        subprocess.run(["umount", str(disk)], capture_output=True, check=False)


def _move_inbox(trial: Trial, *, tablespace: str) -> None:
    with trial.installation.connect() as connection:
        connection.execute("SET lock_timeout = '10s'")
        connection.execute(f"ALTER TABLE shop_webhooks_webhookdelivery SET TABLESPACE {tablespace}")


ROWS = (
    Row(number="8", fault="kill -9 of PostgreSQL, children and all", harm=_killed, ci=True),
    Row(
        number="9",
        fault="kill -9 of PostgreSQL again and again",
        harm=_killed_again_and_again,
        load=BURST,
    ),
    Row(number="10", fault="PostgreSQL frozen for 10 s (STOP)", harm=_hangs),
    Row(
        number="11",
        fault="kill -9 of PostgreSQL while Meta thinks",
        harm=_dies_while_meta_thinks,
    ),
    Row(number="12", fault="no database connection left", harm=_no_connection_is_left),
    Row(
        number="13",
        fault="a long transaction pins vacuum",
        harm=_a_long_transaction,
        load=BACKLOG,
    ),
    Row(
        number="14",
        fault="deadlock storm: all steps, and backwards, 4 workers",
        harm=_deadlocks,
        telling=each_step_again,
    ),
    Row(number="15", fault="disk full under the inbox", harm=_the_disk_is_full, load=IDLE),
)
