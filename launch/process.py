"""One child process that cannot outlive us: its own process group, and a signal when its parent dies."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from launch.account import Account

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class CannotStart(Exception):
    """Why nothing can run, as one sentence for the person at the terminal."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, and how it is to be stopped."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path
    """The working directory."""
    log: Path | None = None
    """Where its output goes; None is the terminal, line by line, with its name."""
    speaks_itself: bool = False
    """Whether it has the terminal as we have it, with colours and all."""
    account: Account | None = None
    """Whom to run it as, when we are root and it must not be."""
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    """What the kernel sends it when we are killed and cannot stop it ourselves (Linux only).

    Asking politely would leave a worker waiting for its tasks, of servers that are going too.
    """
    before_start: Callable[[], None] = lambda: None
    """Removes what an earlier life left in the way; also called before each restart."""
    advice: str = ""
    """What to do when it does not start, shown after its last lines."""


def start(program: Program) -> subprocess.Popen[bytes]:
    """Start `program`, from the main thread: the orphan signal comes when the calling *thread* ends.

    Raises CannotStart when the operating system refuses.
    """
    program.before_start()
    account = program.account
    output = program.log.open("ab") if program.log else None
    try:
        return subprocess.Popen(
            program.argv,
            cwd=program.folder,
            env=program.env,
            stdin=subprocess.DEVNULL,
            stdout=None if program.speaks_itself else output or subprocess.PIPE,
            stderr=None if program.speaks_itself else subprocess.STDOUT,
            process_group=0,
            # Runs after the change of user, which would forget the signal: prctl(2), PR_SET_PDEATHSIG.
            preexec_fn=_die_with(os.getpid(), program.orphan_signal),  # noqa: PLW1509 - no threads here
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotStart(f"{program.name} cannot be started: {error}.") from error
    finally:
        if output:
            output.close()


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a child and to everything it started in its group; nothing left is fine."""
    # macOS answers EPERM for a group in which all are dead.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _die_with(parent: int, number: signal.Signals) -> Callable[[], None]:
    def in_child() -> None:
        if _libc is None:
            return
        _libc.prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return in_child
