"""The keeper: what dies comes back, unless it is held down; nothing is left behind."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.keeper import Keeper, Unsettled, children, descendants
from launch.process import Program

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
time.sleep(600)
"""


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    keeper = Keeper()
    yield keeper
    keeper.stop()


def a_program(folder: Path) -> Program:
    """One with a child in a session of its own, as PostgreSQL's are."""
    return Program(
        name="parent",
        argv=(sys.executable, "-c", PARENT),
        env=dict(os.environ),
        folder=folder,
        log=folder / "log",
    )


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def family(keeper: Keeper) -> list[int]:
    """The program and its child, once it has one."""
    keeper.wait_until(lambda: any(children(keeper.pid("parent"))), within=30, what="A child")
    return [keeper.pid("parent"), *descendants(keeper.pid("parent"))]


def test_what_was_killed_comes_back_and_its_descendants_are_gone(
    keeper: Keeper, tmp_path: Path
) -> None:
    keeper.keep(a_program(tmp_path))
    before = family(keeper)

    keeper.kill("parent")
    keeper.wait_until(
        lambda: keeper.pid("parent") != before[0], within=30, what="Another life of the program"
    )

    after = family(keeper)
    keeper.wait_until(lambda: not any(map(is_alive, before)), within=10, what="Their end")
    assert [is_alive(pid) for pid in after] == [True, True]


def test_what_is_held_down_stays_down_until_it_is_revived(keeper: Keeper, tmp_path: Path) -> None:
    keeper.keep(a_program(tmp_path))
    before = family(keeper)

    keeper.hold_down("parent")
    keeper.wait(0.5)
    stayed = [pid for pid in before if is_alive(pid)], keeper.pid("parent")
    keeper.revive("parent")

    assert stayed == ([], before[0])
    assert family(keeper)[0] != before[0]


def test_a_frozen_program_is_stopped_too(tmp_path: Path) -> None:
    keeper = Keeper()
    keeper.keep(a_program(tmp_path))
    before = family(keeper)
    keeper.send_all("parent", signal.SIGSTOP)

    keeper.stop()

    keeper.wait_until(lambda: not any(map(is_alive, before)), within=10, what="Their end")
    assert keeper.names == []


def test_what_never_happens_is_said(keeper: Keeper) -> None:
    with pytest.raises(Unsettled, match="The end of the world did not happen"):
        keeper.wait_until(lambda: False, within=0.1, what="The end of the world")
