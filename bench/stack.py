"""A database and a broker of the run's own, and processes whose CPU time can be read."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from launch import data_folder
from launch.environment import without_settings
from launch.postgres import open_cluster, remove_cluster
from launch.process import Program, signal_group, start
from launch.stack import free_port
from launch.supervisor import Supervisor
from launch.terminal import Terminal
from launch.valkey import open_broker

ROOT = Path(__file__).resolve().parent.parent
SHOPIFY_SECRET = "hush-hush"
TICKS = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def servers() -> Iterator[None]:
    """PostgreSQL (durable) and Valkey, migrated, with their addresses in the environment."""
    folder = Path(tempfile.gettempdir(), f"connector-bench-{secrets.token_hex(8)}")
    data_folder.make(folder)
    os.environ.update(
        without_settings(os.environ)
        | {
            "CONNECTOR_ENV_FILE": "",
            "DATA_DIR": str(folder),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "FIELD_ENCRYPTION_KEYS": secrets.token_hex(32),
            "ALLOWED_HOSTS": "127.0.0.1",
            "APP_URL": "http://127.0.0.1",
            "SHOPIFY_API_SECRET": SHOPIFY_SECRET,
            "SWEEP_EVERY_SECONDS": "3600",  # what is measured are the doorbells
        }
    )
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(remove_cluster, folder / "postgres")
        supervisor = stack.enter_context(Supervisor(terminal=Terminal()))
        broker, cluster = open_broker(folder=folder), open_cluster(folder=folder / "postgres")
        supervisor.keep(broker.program(log=folder / "valkey.log"), stage=0)
        supervisor.keep(cluster.program(log=folder / "postgres.log"), stage=0)
        supervisor.wait_until(cluster.answers, within=60, what="The start of PostgreSQL")
        supervisor.wait_until(broker.answers, within=60, what="The start of Valkey")
        os.environ |= {"CELERY_BROKER_URL": broker.url, "DATABASE_URL": cluster.url}
        os.environ["PG_POSTMASTER"] = (cluster.data / "postmaster.pid").read_text().split()[0]
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True, env=os.environ
        )
        yield


@dataclass
class Running:
    """A process group, and the CPU seconds that it and PostgreSQL have used."""

    process: subprocess.Popen[bytes]
    port: int

    def cpu(self) -> float:
        """Of the process and its children."""
        return _cpu_of_tree(self.process.pid)


@contextlib.contextmanager
def running(*argv: str, port: int = 0, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Run a program of this Python; wait until `port` (if any) is open; end it with its children."""
    command = (sys.executable, "-m", *argv)
    process = start(
        Program(
            name=argv[0],
            argv=command,
            env=os.environ | (env or {}),
            folder=ROOT,
            log=Path(os.environ["DATA_DIR"], f"{argv[0]}.log"),
        )
    )
    try:
        deadline = time.monotonic() + 30
        while port and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None:
                raise RuntimeError(f"{argv[0]} ended with {process.returncode}")
            time.sleep(0.05)
        yield Running(process, port)
    finally:
        signal_group(process, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            signal_group(process, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def web(application: str, *, processes: int = 1, **env: str) -> Iterator[Running]:
    """A WSGI application under the Procfile's server, with eight threads a process."""
    port = free_port()
    options = (
        "--worker-class",
        "gthread",
        "--workers",
        str(processes),
        "--threads",
        "8",
        "--keep-alive",
        "60",
    )
    bind = ("--bind", f"127.0.0.1:{port}", "--no-control-socket", "--log-level", "error")
    with running("gunicorn", application, *options, *bind, port=port, env=env) as server:
        yield server


def postgres_cpu() -> float:
    """CPU seconds of PostgreSQL and all its backends so far, ended ones included."""
    return _cpu_of_tree(int(os.environ["PG_POSTMASTER"]))


def _cpu_of_tree(pid: int) -> float:
    """Of a process, its living children and those that have ended."""
    seconds = 0.0
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        seconds = sum(map(int, fields[11:15])) / TICKS
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                seconds += _cpu_of_tree(int(child))
    return seconds


def wait_for(url: str) -> None:
    """Until `url` answers."""
    for _ in range(200):
        with contextlib.suppress(requests.RequestException):
            requests.get(url, timeout=1)
            return
        time.sleep(0.05)
    raise RuntimeError(f"{url} does not answer")
