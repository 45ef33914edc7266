"""Folders, stand-in projects and ways to see which processes are left. Plain pytest: no Django here."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from launch.supervisor import Supervisor
from launch.terminal import Terminal

ROOT = Path(__file__).parent.parent.parent
MARK = "CONNECTOR_TEST_MARK"


def wait_for(condition: Callable[[], object], *, within: float = 20.0) -> None:
    """Wait until `condition()` holds; fail when it doesn't in time (seconds)."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within} s: {condition}"
        time.sleep(0.02)


@pytest.fixture
def eventually() -> Callable[..., None]:
    return wait_for


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach, which pytest's own tmp_path is not."""
    made = Path(tempfile.mkdtemp(prefix="launch-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor(terminal=Terminal()) as supervisor:
        yield supervisor


class Project:
    """A stand-in for the checkout: the real launch/, with tiny processes in the Procfile."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mark = secrets.token_hex(8)
        shutil.copytree(ROOT / "launch", root / "launch")
        shutil.copytree(Path(__file__).parent / "stand_ins", root, dirs_exist_ok=True)

    def start(self, module: str, **environment: str) -> subprocess.Popen[str]:
        """Start `python -m module` with nothing in its environment but what is given."""
        return subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=self.root,
            env={"PATH": os.environ["PATH"], MARK: self.mark, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def left(self) -> Sequence[str]:
        """Return the command lines of every process that this project started, PostgreSQL's included."""
        return [
            command
            for process in Path("/proc").glob("[0-9]*")
            if (command := _command_of(process, mark=self.mark, root=self.root))
        ]


def _command_of(process: Path, *, mark: str, root: Path) -> str | None:
    """Tell ours by the mark; PostgreSQL's, which has no environment of ours, by where it works."""
    try:
        marked = f"{MARK}={mark}".encode() in (process / "environ").read_bytes()
        if marked or (process / "cwd").readlink().is_relative_to(root):
            return (process / "cmdline").read_text().replace("\0", " ") or None
    except OSError:
        pass
    return None


@pytest.fixture
def project(folder: Path) -> Iterator[Project]:
    if sys.platform != "linux":
        pytest.skip("what is left behind is read from /proc")
    made = Project(folder / "project")
    yield made
    wait_for(lambda: made.left() == [])
