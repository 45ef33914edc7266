"""Where unix sockets live: their addresses have room for about a hundred bytes only."""

import os
import socket
import tempfile
from pathlib import Path

from launch.account import Account, make_folder

ADDRESS_LIMIT = 103
"""Bytes, with the file's name: sun_path holds 108 on Linux, 104 on macOS, one of them a zero."""


def socket_folder(*, wanted: Path, name: str, account: Account | None = None) -> Path:
    """Return a folder (0700, of `account`) whose sockets called `name` have an address that fits.

    It is `wanted` when that is short enough, else a fresh one with a short path.
    """
    if len(os.fsencode(wanted / name)) > ADDRESS_LIMIT:
        parent = Path(tempfile.gettempdir())
        if len(os.fsencode(parent)) > 60 or (account and not account.can_enter(parent)):
            parent = Path("/tmp")
        return make_folder(parent=parent, prefix="connector-", account=account)
    if not wanted.exists():
        wanted.mkdir(mode=0o700)
        if account:
            os.chown(wanted, account.uid, account.gid)
    return wanted


def ask(address: Path, request: bytes) -> bytes:
    """Send `request` to the unix socket at `address`; return the first bytes of the answer, or none."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(address))
            connection.sendall(request)
            return connection.recv(64)
        except OSError:
            return b""
