"""Who runs PostgreSQL, which refuses to be root: `nobody`, without making users or opening folders."""

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOTS_SHELF = Path("/var/lib/connector")
"""For root only: where `nobody` can reach what lies behind closed folders such as /root.

Not /var/tmp, where systemd-tmpfiles deletes what has not been touched for a month.
"""


@dataclass(frozen=True)
class Account:
    """A user and a group of this machine, for root to run something as."""

    uid: int
    gid: int

    def can_run(self, *command: str | Path) -> bool:
        """Whether `command` succeeds as this account: the kernel's own answer, ACLs included."""
        try:
            done = subprocess.run(
                command,
                cwd="/",
                env={},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=30,
                user=self.uid,
                group=self.gid,
                extra_groups=[],
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0

    def can_enter(self, folder: Path) -> bool:
        """Whether this account can pass through `folder` and everything above it."""
        return self.can_run("/bin/sh", "-c", 'cd "$0"', folder)


def account_for(folder: Path) -> Account | None:
    """Return whom a server of `folder` runs as: None is ourselves, a normal user.

    Root becomes the owner of the folder, or nobody when there is none yet.
    """
    if os.geteuid() != 0:
        return None
    if folder.exists() and (status := folder.stat()).st_uid != 0:
        return Account(status.st_uid, status.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Account(65534, 65534)
    return Account(nobody.pw_uid, nobody.pw_gid)


def make_folder(*, parent: Path, prefix: str, account: Account | None) -> Path:
    """Make a folder (0700, a name that nobody can guess) that belongs to `account`."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    if account:
        os.chown(folder, account.uid, account.gid)
    return folder


def roots_shelf() -> Path:
    """Make the shelf if it is missing: root's own, to be walked through but not listed (0711)."""
    ROOTS_SHELF.mkdir(mode=0o711, parents=True, exist_ok=True)
    ROOTS_SHELF.chmod(0o711)
    return ROOTS_SHELF


def copy_to_shelf(*, folders: tuple[Path, ...], name: str) -> Path:
    """Copy `folders` side by side to the shelf, once per `name`, and return their new parent."""
    shelf = roots_shelf()
    copy = shelf / name
    if not copy.exists():
        unfinished = Path(tempfile.mkdtemp(prefix="copying-", dir=shelf))
        for folder in folders:
            shutil.copytree(
                folder, unfinished / folder.name, symlinks=True, copy_function=shutil.copy2
            )
        subprocess.run(["chmod", "-R", "a+rX,go-w", unfinished], check=True)
        try:
            unfinished.rename(copy)
        except OSError:  # another launch was faster, with the same files
            shutil.rmtree(unfinished)
    return copy
