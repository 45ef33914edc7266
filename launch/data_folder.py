"""DATA_DIR: where the embedded servers keep what they keep, for one launch at a time."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launch.postgres import remove_cluster
from launch.process import CannotStart

LOCK = "lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make `folder` if it is missing, and keep every other launch out of it. Raises CannotStart.

    The kernel gives the lock back when we end, however we end.
    """
    try:
        make(folder)
        lock = (folder / LOCK).open("a")
    except OSError as error:
        raise CannotStart(f"{folder} cannot be used: {error.strerror}. Set DATA_DIR.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotStart(
                f"Something is running in {folder} already (make run?): stop it first, or set DATA_DIR "
                "to another folder."
            ) from error
        yield


def make(folder: Path) -> None:
    """Make `folder`, for nobody else to look into.

    Root's can be walked through (0711): PostgreSQL, which is nobody then, has its own folder inside.
    """
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


def empty(folder: Path) -> None:
    """Delete everything in a held folder, the cluster included, wherever that is kept."""
    remove_cluster(folder / "postgres")
    for entry in folder.iterdir():
        if entry.name != LOCK:
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
