"""What `make run` and `make demo` start alike: the embedded servers, then the Procfile's processes."""

import errno
import http.client
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from launch.environment import forget_libpq
from launch.postgres import open_cluster
from launch.process import CannotStart, Program
from launch.supervisor import Supervisor
from launch.valkey import open_broker

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"
# The stages, stopped from the last to the first. The stand-ins (the demo's) outlive those who call them.
POSTGRES, VALKEY, STAND_INS, APPLICATION = range(4)
STARTING_TAKES = 60.0  # seconds at most; recovery after a crash is part of it
MIGRATING_TAKES = 3600.0


def start_servers(
    *, supervisor: Supervisor, folder: Path, environment: Mapping[str, str]
) -> dict[str, str]:
    """Start what `environment` names no address for; return the addresses as in `stack.json`.

    Both start at once, in `folder`, which is held. Raises CannotStart, AskedToStop.
    """
    addresses, waiting = {}, []
    if not environment.get("CELERY_BROKER_URL"):
        broker = open_broker(folder=folder)
        supervisor.keep(broker.program(log=folder / "valkey.log"), stage=VALKEY)
        addresses["broker_url"] = broker.url
        waiting.append(("Valkey", broker.answers))
    if not environment.get("DATABASE_URL"):
        forget_libpq(os.environ)
        cluster = open_cluster(folder=folder / "postgres")
        supervisor.keep(cluster.program(log=folder / "postgres.log"), stage=POSTGRES)
        addresses["database_url"] = cluster.url
        waiting.append(("PostgreSQL", cluster.answers))
    for name, answers in waiting:
        supervisor.wait_until(answers, within=STARTING_TAKES, what=f"The start of {name}")
    return addresses


@contextmanager
def told_to_others(*, folder: Path, addresses: Mapping[str, str], app_url: str) -> Iterator[None]:
    """Keep `stack.json` in `folder` (0600) while the servers run, for the settings to find them."""
    file = folder / "stack.json"
    file.unlink(missing_ok=True)
    if addresses:
        new = folder / "stack.json.new"
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        new.write_text(json.dumps({**addresses, "app_url": app_url}, indent=1) + "\n")
        new.rename(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def release(
    *, supervisor: Supervisor, environment: Mapping[str, str], log: Path | None = None
) -> None:
    """Bring the database up to date, as the Procfile says. Raises CannotStart, AskedToStop."""
    command = _procfile()["release"]
    program = Program(
        name="release",
        argv=("/bin/sh", "-c", command),
        env=environment,
        folder=ROOT,
        log=log,
    )
    if code := supervisor.run(program, within=MIGRATING_TAKES):
        where = f"in {log}" if log else "above"
        raise CannotStart(
            f"The database could not be brought up to date (exit code {code}): see {where}."
        )


def start_application(
    *, supervisor: Supervisor, environment: Mapping[str, str], logs: Path | None = None
) -> None:
    """Start web, worker and beat with the command lines of the Procfile."""
    for name, command in _procfile().items():
        if name == "release":
            continue
        program = Program(
            name=name,
            argv=("/bin/sh", "-c", f"exec {command}"),
            env=environment,
            folder=ROOT,
            log=logs / f"{name}.log" if logs else None,
        )
        supervisor.keep(program, stage=APPLICATION)


def application_environment(
    environment: Mapping[str, str], *, folder: Path, port: int
) -> dict[str, str]:
    """Return the environment for the processes of the Procfile, on loopback unless it says otherwise."""
    programs = str(Path(sys.executable).parent)
    return {
        "WEB_BIND": LOOPBACK,
        **environment,
        "PATH": os.pathsep.join([programs, environment.get("PATH", os.defpath)]),
        "DATA_DIR": str(folder),
        "PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }


def port_from(environment: Mapping[str, str]) -> int:
    """Return PORT (8000 when unset). Raises CannotStart when it is no port or somebody has it."""
    text = environment.get("PORT") or "8000"
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise CannotStart(f"PORT is {text!r}: it must be a number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, int(text)))
        except OSError as error:
            why = (
                "is taken"
                if error.errno == errno.EADDRINUSE
                else f"cannot be had ({error.strerror})"
            )
            raise CannotStart(f"Port {text} {why}: choose another with PORT=8001.") from error
    return int(text)


def free_port() -> int:
    """Return a port of loopback that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def status_of(path: str, *, port: int) -> int | None:
    """Return the HTTP status of GET `path` on loopback, None while nothing answers there."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line)
