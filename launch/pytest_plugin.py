"""Gives a test session its own PostgreSQL and Valkey, before pytest-django reads the settings.

Loaded with `-p launch.pytest_plugin`. A DATABASE_URL or CELERY_BROKER_URL in the environment is
used instead of the embedded one; every other setting of the developer's is taken away, and so is
`.env`, so that the tests see the same world everywhere.
"""

import os
import secrets
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from types import FrameType

import pytest

from launch import data_folder
from launch.environment import without_settings
from launch.postgres import open_cluster, remove_cluster
from launch.process import CannotStart
from launch.supervisor import Supervisor
from launch.terminal import Terminal
from launch.valkey import open_broker

THE_DEVELOPERS_OWN = ("DATABASE_URL", "CELERY_BROKER_URL")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Start the servers. A wrapper, because pytest-django's own hook wants to be first too."""
    if "PYTEST_XDIST_WORKER" not in os.environ:  # a worker inherits the environment and the servers
        _prepare(early_config)
    yield


def pytest_report_header() -> list[str]:
    """Say which servers these tests use."""
    embedded = os.environ.get("CONNECTOR_TESTS_EMBED", "")
    return [f"embedded for these tests: {embedded or 'nothing; the servers of the environment'}"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What could not run is one loud line, never silence."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if reasons:
        told = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
        terminalreporter.write_line(f"NOT RUN: {reasons.total()} – {told}", red=True, bold=True)


def _prepare(config: pytest.Config) -> None:
    kept = {name: os.environ[name] for name in THE_DEVELOPERS_OWN if os.environ.get(name)}
    folder = Path(tempfile.gettempdir(), f"connector-tests-{secrets.token_hex(8)}")
    data_folder.make(folder)
    environment = without_settings(os.environ) | _test_settings(folder) | kept
    os.environ.clear()
    os.environ.update(environment)
    supervisor = Supervisor(terminal=Terminal())

    def clean_up() -> None:
        supervisor.stop()
        remove_cluster(folder / "postgres")
        shutil.rmtree(folder, ignore_errors=True)

    config.add_cleanup(clean_up)
    signal.signal(signal.SIGTERM, _end_session)
    signal.signal(signal.SIGHUP, _end_session)
    try:
        _start_servers(supervisor, folder)
    except CannotStart as error:
        raise pytest.UsageError(str(error)) from error


def _test_settings(folder: Path) -> dict[str, str]:
    return {
        "CONNECTOR_ENV_FILE": "",
        "DATA_DIR": str(folder),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEYS": secrets.token_hex(32),
        "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
        "APP_URL": "http://testserver",
    }


def _start_servers(supervisor: Supervisor, folder: Path) -> None:
    """Start what the environment doesn't name already, both at once, and export their addresses."""
    embedded = [name for name in THE_DEVELOPERS_OWN if name not in os.environ]
    if "CELERY_BROKER_URL" in embedded:
        broker = open_broker(folder=folder)
        supervisor.keep(broker.program(log=folder / "valkey.log"), stage=0)
        os.environ["CELERY_BROKER_URL"] = broker.url
    if "DATABASE_URL" in embedded:
        cluster = open_cluster(folder=folder / "postgres", durable=False)
        supervisor.keep(cluster.program(log=folder / "postgres.log"), stage=0)
        os.environ["DATABASE_URL"] = cluster.url
        supervisor.wait_until(cluster.answers, within=60, what="The start of PostgreSQL")
    if "CELERY_BROKER_URL" in embedded:
        supervisor.wait_until(broker.answers, within=60, what="The start of Valkey")
    os.environ["CONNECTOR_TESTS_EMBED"] = ", ".join(embedded)


def _end_session(number: int, frame: FrameType | None) -> None:
    """Leave by pytest's own door, so that the servers are stopped."""
    pytest.exit(f"ended by {signal.Signals(number).name}", returncode=128 + number)


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(report.longrepr)
