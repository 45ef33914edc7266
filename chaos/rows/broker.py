"""Rows 17 to 21: the broker loses what it holds, says nothing, or is not there."""

from chaos.installation import WORKERS
from chaos.proxy import Toxic
from chaos.trial import BURST, Row, Trial
from launch.sockets import ask


def _killed_again_and_again(trial: Trial) -> None:
    for _ in trial.while_selling(every=2.0):
        trial.keeper.kill("valkey")


def _flushed(trial: Trial) -> None:
    for _ in trial.while_selling(every=0.5):
        _say(trial, "FLUSHALL")


def _a_black_hole(trial: Trial) -> None:
    trial.to_broker.add(Toxic(kind="timeout", stream="upstream"))
    trial.keeper.kill("worker-1")  # one has to start without a broker, too
    trial.sell_on()
    trial.wait_until_sold()
    trial.to_broker.clear()


def _full(trial: Trial, policy: str) -> None:
    _say(trial, f"CONFIG SET maxmemory-policy {policy}")
    _say(trial, "CONFIG SET maxmemory 1mb")
    for number in range(40):
        _say(trial, f"SETRANGE filler-{number} 65536 x")
    trial.sell_on()
    trial.wait_until_sold()
    for command in (
        "CONFIG SET maxmemory 0",
        "CONFIG SET maxmemory-policy noeviction",
        "FLUSHALL",
    ):
        _say(trial, command)


def _absent(trial: Trial) -> None:
    """For ever, as far as this row is concerned: until everything has settled without it."""
    trial.to_broker.down()
    trial.keeper.hold_down("valkey")
    for name in WORKERS:
        trial.keeper.kill(name)
    trial.sell_on()
    trial.wait_until_sold()
    trial.mend()
    trial.settle()
    trial.keeper.revive("valkey")
    trial.to_broker.clear()


def _say(trial: Trial, command: str) -> None:
    ask(trial.installation.broker.socket, f"{command}\r\n".encode())


ROWS = (
    Row(number="17", fault="kill -9 of the broker every 2 s", harm=_killed_again_and_again),
    Row(number="18", fault="FLUSHALL every 0.5 s", harm=_flushed),
    Row(number="19", fault="the broker takes everything and answers nothing", harm=_a_black_hole,
        load=BURST, ci=True),
    Row(number="20a", fault="the broker is full: noeviction",
        harm=lambda trial: _full(trial, "noeviction")),
    Row(number="20b", fault="the broker is full: allkeys-lru",
        harm=lambda trial: _full(trial, "allkeys-lru")),
    Row(number="21", fault="no broker at all", harm=_absent),
)  # fmt: skip
