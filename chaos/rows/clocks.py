"""Rows 35 and 36: clocks that are wrong."""

import dataclasses
from datetime import UTC, datetime

from chaos.clocks import NoSkew, Skew
from chaos.installation import WORKERS
from chaos.trial import IDLE, NotRun, Row, Trial

HOUR = 3600
THREE_DAYS = 72 * HOUR
THIRD = "worker-3"


def _skew(trial: Trial, name: str) -> Skew:
    try:
        return Skew(folder=trial.installation.folder, name=name)
    except NoSkew as error:
        raise NotRun(str(error)) from error


def _workers_clocks(trial: Trial) -> None:
    """One three days behind, one three days ahead, one that jumps an hour either way."""
    behind, ahead, jumping = (_skew(trial, name) for name in ("behind", "ahead", "jumping"))
    behind.set(-THREE_DAYS)
    ahead.set(THREE_DAYS)
    clocks = zip((*WORKERS, THIRD), (behind, ahead, jumping), strict=True)
    for name, clock in clocks:
        trial.installation.start(name, **clock.environment)
    for number, _ in enumerate(trial.while_selling(every=1.0)):
        jumping.set(HOUR if number % 2 else -HOUR)
    trial.wait_until_sold()
    trial.mend()
    trial.settle()  # with these clocks still
    trial.keeper.drop(THIRD)
    for name in WORKERS:
        trial.installation.start(name)


def _the_databases_clock(trial: Trial) -> None:
    clock = _skew(trial, "database")
    installation = trial.installation
    program = installation.cluster.program(log=installation.folder / "postgres.log")
    with_clock = dataclasses.replace(program, env={**program.env, **clock.environment})
    trial.keeper.keep(with_clock)
    installation.wait_until_ready()
    trial.keeper.wait(1.0)
    clock.set(2 * HOUR)
    ((ahead,),) = installation.sql(
        "SELECT extract(epoch FROM clock_timestamp() - %s)::float", [datetime.now(UTC)]
    )
    trial.insist(ahead > HOUR, "the database's clock did not move")
    trial.sell_on()
    trial.keeper.wait(2.0)
    clock.set(0)
    trial.wait_until_sold()
    trial.mend()
    trial.settle()
    trial.keeper.keep(program)
    installation.wait_until_ready()


ROWS = (
    Row(number="35", fault="workers' clocks −3 d, +3 d, ±1 h", harm=_workers_clocks),
    Row(number="36", fault="the database's clock jumps 2 h ahead, and back",
        harm=_the_databases_clock, load=IDLE),
)  # fmt: skip
