"""Keeps programs running, says what they say, and leaves none of them behind.

One thread and one loop: everything that waits, waits in `_turn()`, so that a signal, a death or a
line of output is noticed within a tenth of a second wherever we are.
"""

import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Self

from launch.process import CannotStart, Program, signal_group, start
from launch.terminal import Terminal

LIVED_LONG = 10.0  # seconds; who dies younger has not really started
DEATHS_IN_A_ROW = 5
STOPPING_TAKES = 20.0  # seconds for each stage, then SIGKILL
LAST_WORDS = 20  # lines


class AskedToStop(Exception):
    """Somebody pressed Ctrl-C or sent a signal: not a failure."""


@dataclass
class _Child:
    program: Program
    stage: int
    process: subprocess.Popen[bytes]
    started: float
    deaths_in_a_row: int = 0
    restart_at: float | None = None
    unfinished_line: bytes = b""
    last_words: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_WORDS))


class Supervisor:
    """Use it with `with`: on the way out, however it comes to that, everything it started is stopped.

    Programs are kept in stages and stopped stage by stage, the last one first.
    """

    def __init__(self, *, terminal: Terminal) -> None:
        self._terminal = terminal
        self._children: list[_Child] = []
        self._selector = selectors.DefaultSelector()
        self._asked_to_stop = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def keep(self, program: Program, *, stage: int) -> None:
        """Start `program` and start it again whenever it dies. Raises CannotStart."""
        child = _Child(program, stage, start(program), time.monotonic())
        self._children.append(child)
        self._listen(child)

    def run(self, program: Program, *, within: float) -> int:
        """Run `program` to its end and return its exit code. Raises CannotStart, AskedToStop."""
        child = _Child(program, 0, start(program), time.monotonic())
        self._listen(child)
        try:
            deadline = time.monotonic() + within
            while child.process.poll() is None:
                if time.monotonic() > deadline:
                    raise CannotStart(f"{program.name} did not end within {within:.0f} seconds.")
                self._turn()
            return child.process.wait()
        finally:
            self._bury(child)

    def wait_until(self, condition: Callable[[], bool], *, within: float, what: str) -> None:
        """Look after everybody until `condition()` holds. Raises CannotStart, AskedToStop."""
        deadline = time.monotonic() + within
        while not condition():
            if time.monotonic() > deadline:
                raise CannotStart(f"{what} did not happen within {within:.0f} seconds.")
            self._turn(0.02)

    def serve(self) -> None:
        """Look after everybody until a signal. Raises AskedToStop then, or CannotStart."""
        while True:
            self._turn()

    @contextmanager
    def listening_to_signals(self) -> Iterator[None]:
        """Turn Ctrl-C, SIGTERM and a lost terminal into AskedToStop; the second time, into haste."""
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
            numbers.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._note_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Stop everything, the last stage first. Calling it again is harmless."""
        for stage in sorted({child.stage for child in self._children}, reverse=True):
            self._stop_stage([child for child in self._children if child.stage == stage])
        self._children.clear()

    # Private from here on, in the order of a program's life.

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_stop += 1

    def _turn(self, seconds: float = 0.1) -> None:
        self._hear(seconds)
        if self._asked_to_stop:
            raise AskedToStop
        for child in self._children:
            if child.restart_at is not None:
                self._restart_when_due(child)
            elif child.process.poll() is not None:
                self._note_death(child)

    def _listen(self, child: _Child) -> None:
        if child.process.stdout:
            os.set_blocking(child.process.stdout.fileno(), False)
            self._selector.register(child.process.stdout, selectors.EVENT_READ, child)

    def _hear(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            self._pass_on(key.data)

    def _pass_on(self, child: _Child) -> None:
        """Print the whole lines a child has written; keep the rest until its end arrives."""
        assert child.process.stdout is not None
        try:
            heard = os.read(child.process.stdout.fileno(), 65536)
        except BlockingIOError:  # it is dead, but a grandchild holds the other end: all is said
            heard = b""
        *lines, child.unfinished_line = (child.unfinished_line + heard).split(b"\n")
        if not heard:
            self._selector.unregister(child.process.stdout)
            if child.unfinished_line:
                lines, child.unfinished_line = [child.unfinished_line], b""
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            child.last_words.append(text)
            self._terminal.line(child.program.name, text)

    def _note_death(self, child: _Child) -> None:
        code = child.process.returncode
        self._bury(child)
        lived = time.monotonic() - child.started
        child.deaths_in_a_row = child.deaths_in_a_row + 1 if lived < LIVED_LONG else 1
        if child.deaths_in_a_row >= DEATHS_IN_A_ROW:
            raise CannotStart(_obituary(child))
        pause = 0.1 * 2**child.deaths_in_a_row
        child.restart_at = time.monotonic() + pause
        self._terminal.say(f"{child.program.name} ended ({_in_words(code)}); starting it again.")

    def _restart_when_due(self, child: _Child) -> None:
        if child.restart_at is not None and time.monotonic() >= child.restart_at:
            child.process = start(child.program)
            child.started, child.restart_at = time.monotonic(), None
            self._listen(child)

    def _bury(self, child: _Child) -> None:
        """End what is left of a child's group, and hear its last words."""
        signal_group(child.process, signal.SIGKILL)
        child.process.wait()
        stdout = child.process.stdout
        if stdout:
            while stdout in {key.fileobj for key in self._selector.get_map().values()}:
                self._pass_on(child)
            stdout.close()

    def _stop_stage(self, children: list[_Child]) -> None:
        for child in children:
            signal_group(child.process, child.program.stop_signal)
        deadline = time.monotonic() + STOPPING_TAKES
        asked_before = self._asked_to_stop
        while any(child.process.poll() is None for child in children):
            in_haste = self._asked_to_stop > asked_before
            if in_haste or time.monotonic() > deadline:
                break
            self._hear(0.02)
        for child in children:
            self._bury(child)


def _obituary(child: _Child) -> str:
    """Say why we give up, in the program's own last words."""
    log = child.program.log
    last_words = log.read_text(errors="replace").splitlines()[-5:] if log else child.last_words
    reason = f"{child.program.name} ended {DEATHS_IN_A_ROW} times in a row, soon after its start."
    said = [f"  {line}" for line in last_words]
    return "\n".join([reason, *said, *filter(None, [child.program.advice])])


def _in_words(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
