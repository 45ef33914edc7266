"""Keeps programs alive and kills them: a supervisor that obeys a nemesis.

The launcher's own gives up on a program that dies five times in a row; here that is the daily bread.
Everything happens on the main thread: the kernel's orphan signal is bound to it.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from launch.process import Program, signal_group, start

BORN_AGAIN_AFTER = 0.2  # seconds
TURN = 0.02


class Unsettled(Exception):
    """Something that had to happen did not, in a generous time."""


@dataclass
class _Kept:
    program: Program
    process: subprocess.Popen[bytes]
    restart_at: float | None = None
    down: bool = False  # dead, and to stay so until `revive`
    buried: subprocess.Popen[bytes] | None = None


class Keeper:
    """Programs by name, started again whenever they die unless they are held down."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    @property
    def names(self) -> list[str]:
        """Of all programs, in the order in which they were first started."""
        return list(self._kept)

    def keep(self, program: Program) -> None:
        """Start a program, instead of the one of the same name."""
        if program.name in self._kept:
            self._bury(self._kept[program.name])
        self._kept[program.name] = _Kept(program, start(program))

    def drop(self, name: str) -> None:
        """End a program for good."""
        self._bury(self._kept.pop(name))

    def pid(self, name: str) -> int:
        """The program's main process."""
        return self._kept[name].process.pid

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the program's main process alone."""
        self._kept[name].process.send_signal(
            number
        )  # which knows whether its number is still its own

    def send_all(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the program and all its descendants, the parent first."""
        process = self._kept[name].process
        if process.poll() is None:
            for pid in (process.pid, *descendants(process.pid)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def kill(self, name: str) -> None:
        """kill -9, descendants and all; it comes back by itself."""
        self.send_all(name, signal.SIGKILL)

    def hold_down(self, name: str) -> None:
        """kill -9, and dead it stays."""
        kept = self._kept[name]
        kept.down = True
        self.kill(name)
        self._bury(kept)

    def revive(self, name: str) -> None:
        """Start what was held down."""
        kept = self._kept[name]
        if kept.down:
            kept.down, kept.restart_at = False, time.monotonic()
        self.tend()

    def wait(self, seconds: float) -> None:
        """Let time pass, and look after everybody meanwhile."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.tend()
            time.sleep(min(TURN, left))

    def wait_until(self, condition: Callable[[], bool], *, within: float, what: str) -> None:
        """Look after everybody until `condition()` holds. Raises Unsettled."""
        deadline = time.monotonic() + within
        while not condition():
            if time.monotonic() > deadline:
                raise Unsettled(f"{what} did not happen within {within:.0f} s")
            self.tend()
            time.sleep(TURN)

    def tend(self) -> None:
        """Bury who is dead, and start again whose time has come."""
        for kept in self._kept.values():
            if kept.down:
                continue
            if kept.restart_at is None:
                if kept.process.poll() is not None:
                    self._bury(kept)
                    kept.restart_at = time.monotonic() + BORN_AGAIN_AFTER
            elif time.monotonic() >= kept.restart_at:
                kept.process, kept.restart_at = start(kept.program), None

    def stop(self) -> None:
        """End everything, the last started first."""
        for name in reversed(self.names):
            kept = self._kept.pop(name)
            if kept.process.poll() is not None:
                self._bury(kept)
                continue
            left = descendants(kept.process.pid)
            signal_group(kept.process, signal.SIGCONT)
            signal_group(kept.process, kept.program.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                kept.process.wait(10)
            self._bury(kept, left)

    def _bury(self, kept: _Kept, left: Sequence[int] = ()) -> None:
        """End what is left of a program, stopped processes and other sessions too, once."""
        if kept.buried is kept.process:
            return  # its number may be another's by now
        for pid in {*left, *descendants(kept.process.pid)}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        signal_group(kept.process, signal.SIGKILL)
        kept.process.wait()
        kept.buried = kept.process


def descendants(pid: int) -> list[int]:
    """The process's children and theirs, whatever their group and session."""
    return [each for child in children(pid) for each in (child, *descendants(child))]


def children(pid: int) -> Iterator[int]:
    """The process's children."""
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (task / "children").read_text().split())
