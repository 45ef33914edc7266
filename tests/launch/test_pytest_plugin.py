"""The plugin, in a pytest of its own."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
Wait = Callable[..., None]

HOSTILE = {
    "DEBUG": "1",
    "PGOPTIONS": "--nonsense",
    "META_APP_SECRET": "production",
    "HTTP_PROXY": "http://127.0.0.1:9",
}


def pytest_of_its_own(folder: Path, tests: str, **environment: str) -> subprocess.Popen[str]:
    (folder / "test_it.py").write_text(textwrap.dedent(tests))
    (folder / "tmp").mkdir()
    (folder / "tmp").chmod(0o755)
    arguments = ["-p", "launch.pytest_plugin", "-p", "no:django", "-p", "no:randomly"]
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", folder, *arguments],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(folder / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_tests_get_servers_and_none_of_the_developers_settings(folder: Path) -> None:
    tests = """
        import os
        import psycopg
        import pytest
        from launch.sockets import ask
        from pathlib import Path

        def test_the_servers_answer():
            with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            socket = os.environ["CELERY_BROKER_URL"].removeprefix("redis+socket://")
            assert ask(Path(socket), b"PING\\r\\n") == b"+PONG\\r\\n"

        def test_the_settings_are_the_tests_own():
            names = ("DEBUG", "PGOPTIONS", "META_APP_SECRET", "HTTP_PROXY")
            assert [os.environ.get(name) for name in names] == [None] * 4
            assert os.environ["CONNECTOR_ENV_FILE"] == ""
            assert len(os.environ["SECRET_KEY"]) >= 50

        @pytest.mark.parametrize("number", [1, 2])
        def test_what_cannot_run(number):
            pytest.skip("no browser")

        @pytest.mark.skip(reason="no broker")
        def test_what_cannot_run_either():
            pass
    """

    process = pytest_of_its_own(folder, tests, **HOSTILE)
    said, _ = process.communicate(timeout=100)

    assert process.returncode == 0, said
    assert "embedded for these tests: DATABASE_URL, CELERY_BROKER_URL\n" in said
    assert "NOT RUN: 3 – no browser (2); no broker (1)\n" in said
    assert list((folder / "tmp").glob("connector-*")) == []


def test_servers_of_the_environment_are_used_instead(folder: Path) -> None:
    tests = """
        import os

        def test_them():
            assert os.environ["DATABASE_URL"] == "postgres://db.example/x"
            assert os.environ["CELERY_BROKER_URL"] == "redis://broker.example"
    """

    process = pytest_of_its_own(
        folder,
        tests,
        DATABASE_URL="postgres://db.example/x",
        CELERY_BROKER_URL="redis://broker.example",
    )
    said, _ = process.communicate(timeout=100)

    assert process.returncode == 0, said
    assert "embedded for these tests: nothing; the servers of the environment\n" in said


def test_a_terminated_session_leaves_nothing(folder: Path, eventually: Wait) -> None:
    tests = """
        import signal
        from pathlib import Path

        def test_it():
            Path("here").touch()
            signal.pause()
    """
    process = pytest_of_its_own(folder, tests)
    eventually((folder / "here").exists, within=60)

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=100)

    assert process.returncode == 128 + signal.SIGTERM
    assert list((folder / "tmp").glob("connector-*")) == []
