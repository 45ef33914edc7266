"""The embedded Valkey, really started."""

from collections.abc import Callable
from pathlib import Path

from launch.process import start
from launch.supervisor import Supervisor
from launch.valkey import open_broker

Wait = Callable[..., None]


def test_it_answers_on_a_socket_of_ours_alone(folder: Path, supervisor: Supervisor) -> None:
    broker = open_broker(folder=folder)

    supervisor.keep(broker.program(log=folder / "log"), stage=0)
    supervisor.wait_until(broker.answers, within=20, what="the start")

    assert broker.url == f"redis+socket://{folder}/valkey.sock"
    assert broker.socket.stat().st_mode & 0o777 == 0o700


def test_nothing_is_kept(folder: Path, supervisor: Supervisor) -> None:
    broker = open_broker(folder=folder)
    supervisor.keep(broker.program(log=folder / "log"), stage=0)
    supervisor.wait_until(broker.answers, within=20, what="the start")

    supervisor.stop()

    assert [entry.name for entry in folder.iterdir()] == ["log"]


def test_one_left_running_is_replaced(
    folder: Path, supervisor: Supervisor, eventually: Wait
) -> None:
    broker = open_broker(folder=folder)
    left_running = start(broker.program(log=folder / "log"))
    eventually(broker.answers)

    supervisor.keep(broker.program(log=folder / "log"), stage=0)
    supervisor.wait_until(broker.answers, within=20, what="the start")

    assert left_running.wait(timeout=20) == 0


def test_a_path_too_long_for_a_socket_gets_a_short_one(
    folder: Path, supervisor: Supervisor
) -> None:
    deep = folder / ("deep" * 15) / ("deeper" * 10)
    deep.mkdir(parents=True)

    broker = open_broker(folder=deep)
    supervisor.keep(broker.program(log=folder / "log"), stage=0)
    supervisor.wait_until(broker.answers, within=20, what="the start")
    supervisor.stop()

    assert len(str(broker.socket)) < 100
    broker.socket.parent.rmdir()
