"""`make run` and `make demo` as processes, with a stand-in for the product and the real servers."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from launch.stack import free_port, status_of

Wait = Callable[..., None]


def starts(data: Path, role: str) -> list[str]:
    file = data / f"{role}.starts"
    return file.read_text().splitlines() if file.exists() else []


def said_until(process: "subprocess.Popen[str]", beginning: str) -> str:
    """What it has said so far, once a line begins so: the web server answers before it is announced."""
    said = ""
    for line in process.stdout or ():
        said += line
        if line.startswith(beginning):
            return said
    pytest.fail(f"It ended without {beginning!r}: {said}")


def test_run_serves_and_leaves_nothing_when_it_is_asked_to_stop(
    project: Any, eventually: Wait
) -> None:
    port = free_port()
    (project.root / ".env").write_text("FROM_ENV_FILE=it\n")
    data = project.root / ".data"

    run = project.start("launch.run", PORT=str(port), PGPORT="1", PGOPTIONS="--nonsense")
    said = said_until(run, "Connector is at")
    eventually(lambda: status_of("/healthz", port=port) == 200)
    stack = json.loads((data / "stack.json").read_text())
    with psycopg.connect(stack["database_url"]) as connection:
        database = connection.execute("SELECT current_database()").fetchone()
    mode = (data / "stack.json").stat().st_mode & 0o777
    run.terminate()
    with run.stdout as rest:
        said += rest.read()

    assert run.wait(timeout=60) == 0
    assert database == ("connector",)
    assert sorted(stack) == ["app_url", "broker_url", "database_url"]
    assert stack["app_url"] == f"http://127.0.0.1:{port}"
    assert mode == 0o600
    assert f"Connector is at http://127.0.0.1:{port} – Ctrl-C stops everything.\n" in said
    assert "web       web sees it\n" in said
    assert said.endswith("Everything is stopped.\n")
    assert project.left() == []
    assert not (data / "stack.json").exists()


def test_a_killed_run_takes_everything_along_and_the_next_one_starts(
    project: Any, eventually: Wait
) -> None:
    port = free_port()
    first = project.start("launch.run", PORT=str(port))
    eventually(lambda: status_of("/", port=port) == 200)

    first.kill()
    first.communicate()
    second = project.start("launch.run", PORT=str(port))  # at once, while the servers still stop
    eventually(lambda: len(starts(project.root / ".data", "web")) == 2)
    eventually(lambda: status_of("/", port=port) == 200)
    second.kill()
    second.communicate()

    eventually(lambda: project.left() == [])


def test_a_second_run_in_the_same_folder_is_refused_in_a_sentence(
    project: Any, eventually: Wait
) -> None:
    port = free_port()
    first = project.start("launch.run", PORT=str(port))
    eventually(lambda: status_of("/", port=port) == 200)

    second = project.start("launch.run", PORT=str(free_port()))
    said, _ = second.communicate(timeout=60)
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)

    assert second.returncode == 1
    assert said == (
        f"Something is running in {project.root}/.data already (make run?): stop it first, or set "
        "DATA_DIR to another folder.\n"
    )
    assert first.returncode == 0


def test_with_servers_of_your_own_nothing_embedded_starts(project: Any, eventually: Wait) -> None:
    port = free_port()
    run = project.start(
        "launch.run",
        PORT=str(port),
        DATABASE_URL="postgres://db.example/connector",
        CELERY_BROKER_URL="redis://broker.example",
    )
    eventually(lambda: status_of("/", port=port) == 200)
    made = {entry.name for entry in (project.root / ".data").iterdir()}
    run.terminate()
    run.communicate(timeout=60)

    assert made & {"postgres", "postgres.log", "valkey.log", "valkey.sock", "stack.json"} == set()


def test_a_killed_web_process_comes_back(project: Any, eventually: Wait) -> None:
    port = free_port()
    data = project.root / "elsewhere"
    run = project.start(
        "launch.run", PORT=str(port), DATA_DIR="elsewhere", DATABASE_URL="x", CELERY_BROKER_URL="y"
    )
    eventually(lambda: status_of("/", port=port) == 200)

    os.kill(int(starts(data, "web")[0]), signal.SIGKILL)
    eventually(lambda: len(starts(data, "web")) == 2)
    eventually(lambda: status_of("/", port=port) == 200)
    run.terminate()
    said, _ = run.communicate(timeout=60)

    assert "web ended (killed by SIGKILL); starting it again.\n" in said
    assert "worker ended" not in said


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_refused_in_a_sentence(project: Any, port: str) -> None:
    run = project.start("launch.run", PORT=port)

    said, _ = run.communicate(timeout=60)

    assert (run.returncode, said) == (
        1,
        f"PORT is {port!r}: it must be a number from 1 to 65535.\n",
    )


def test_a_busy_port_is_refused_in_a_sentence(project: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]

        run = project.start("launch.run", PORT=str(port))
        said, _ = run.communicate(timeout=60)

    assert (run.returncode, said) == (
        1,
        f"Port {port} is taken: choose another with PORT=8001.\n",
    )


def test_a_release_that_fails_ends_the_run_in_a_sentence(project: Any) -> None:
    procfile = project.root / "Procfile"
    procfile.write_text(procfile.read_text().replace("stand_in.py release", "-c 'exit(5)'"))

    run = project.start(
        "launch.run", PORT=str(free_port()), DATABASE_URL="x", CELERY_BROKER_URL="y"
    )
    said, _ = run.communicate(timeout=60)

    assert (run.returncode, said) == (
        1,
        "The database could not be brought up to date (exit code 5): see above.\n",
    )


def test_the_demo_ends_with_the_scenarios_exit_code_and_ignores_settings(project: Any) -> None:
    (project.root / ".env").write_text("DATABASE_URL=postgres://production.example/connector\n")
    (project.root / "scenario.code").write_text("3")
    port = free_port()

    demo = project.start(
        "launch.demo", PORT=str(port), META_GRAPH_URL="https://graph.example", http_proxy="x:1"
    )
    said, _ = demo.communicate(timeout=120)

    told = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    assert demo.returncode == 3
    assert told["CONNECTOR_URL"] == f"http://127.0.0.1:{port}"
    assert told["META_GRAPH_URL"] == told["GRAPH_URL"]
    assert told["META_GRAPH_URL"].startswith("http://127.0.0.1:")
    assert told["DATABASE_URL"] == "None"
    assert said.endswith("True\n")
    assert project.left() == []


def test_the_demo_begins_with_nothing_each_time(project: Any) -> None:
    (project.root / "scenario.code").write_text("0")
    data = project.root / ".data/demo"
    data.mkdir(parents=True)
    for name in ("lock", "web.starts"):  # as an earlier demo leaves them
        (data / name).write_text("1\n")

    demo = project.start("launch.demo", DEMO_EXIT="1")
    demo.communicate(timeout=120)

    assert demo.returncode == 0
    assert len(starts(data, "web")) == 1


def test_the_demo_empties_no_folder_that_it_did_not_make(project: Any) -> None:
    precious = project.root / "mine/demo/precious"
    precious.parent.mkdir(parents=True)
    precious.touch()

    demo = project.start("launch.demo", DATA_DIR="mine")
    said, _ = demo.communicate(timeout=60)

    assert demo.returncode == 1
    assert said == (f"{precious.parent} holds something that no demo has made: set DATA_DIR.\n")
    assert precious.exists()


def test_the_demo_stays_when_there_is_a_terminal_until_it_is_asked_to_stop(
    project: Any, eventually: Wait
) -> None:
    (project.root / "scenario.code").write_text("0")
    port = free_port()
    ours, theirs = os.openpty()
    demo = subprocess.Popen(
        [sys.executable, "-m", "launch.demo"],
        cwd=project.root,
        env={"PATH": os.environ["PATH"], "PORT": str(port)},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    while b"Ctrl-C stops everything" not in said:
        said += os.read(ours, 4096)

    demo.send_signal(signal.SIGINT)

    assert demo.wait(timeout=60) == 0
    assert f"The dashboard is at http://127.0.0.1:{port}".encode() in said
    os.close(ours)
