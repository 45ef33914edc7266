"""The product as it is deployed, with a fault proxy before its broker and one before Meta."""

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import requests

from chaos import fleet
from chaos.keeper import Keeper
from chaos.meta import Meta
from chaos.proxy import Proxy
from launch import data_folder
from launch.environment import forget_libpq, without_settings
from launch.postgres import open_cluster, remove_cluster
from launch.process import Program
from launch.stack import ROOT, application_environment, free_port, told_to_others
from launch.valkey import open_broker

STARTING_TAKES = 90.0  # seconds at most; crash recovery is part of it
WORKERS = ("worker-1", "worker-2")


class Installation:
    """Three tenants' shops and datasets, one web server, two workers, beat, and all they need."""

    def __init__(self, *, folder: Path) -> None:
        self.folder = folder
        self.keep_logs = False
        self.keeper = Keeper()
        self.broker = open_broker(folder=folder)
        self.cluster = open_cluster(folder=folder / "postgres")
        graph_port = free_port()
        self.meta = Meta(port=graph_port)
        self.to_meta = Proxy(graph_port)
        self.to_broker = Proxy(str(self.broker.socket))
        self.port = free_port()
        self.skipped = 0.0  # seconds that the clocks of the database and of Meta were moved on
        self.environment = application_environment(
            without_settings(os.environ) | fleet.environment() | self._settings(),
            folder=folder,
            port=self.port,
        )
        self._graph = Program(
            name="graph",
            argv=(sys.executable, "-m", "sandbox.graph_api", "--port", str(graph_port)),
            env=self.environment,
            folder=ROOT,
            log=folder / "graph.log",
        )

    def _settings(self) -> dict[str, str]:
        return {
            "CONNECTOR_ENV_FILE": "",
            "APP_URL": f"http://127.0.0.1:{self.port}",
            "META_GRAPH_URL": f"http://127.0.0.1:{self.to_meta.port}",
            "CELERY_BROKER_URL": f"redis://127.0.0.1:{self.to_broker.port}/0",
            "SHOPIFY_API_SECRET": fleet.SHOPIFY_SECRET,
            "LOG_FORMAT": "json",
            "SWEEP_EVERY_SECONDS": "1",
            "WEB_CONCURRENCY": "2",
            "WORKER_CONCURRENCY": "8",
            "SEND_SLOTS": "6",
        }

    # Living

    def begin(self) -> None:
        """Start everything and set the tenants up."""
        self._start_servers()
        self.manage("migrate", "--verbosity", "0")
        for tenant in fleet.PIXELS:
            file = self.folder / f"{tenant}.yaml"
            file.write_text(fleet.fleet_file(tenant))
            self.manage("apply", str(file))
        self.start_application()

    def _start_servers(self) -> None:
        self.keeper.keep(self.broker.program(log=self.folder / "valkey.log"))
        self.keeper.keep(self.cluster.program(log=self.folder / "postgres.log"))
        self.keeper.keep(self._graph)
        for answers in (self.broker.answers, self.cluster.answers, self.meta.answers):
            self.keeper.wait_until(answers, within=STARTING_TAKES, what="The start of a server")

    def start_application(self, **changes: str) -> None:
        """Start web, workers and beat, with `changes` to their settings, instead of those that run."""
        for name in ("web", *WORKERS, "beat"):
            self.start(name, **changes)
        self.wait_until_ready()

    def start(self, name: str, **changes: str) -> None:
        """Start `web`, `beat`, or a worker of any name, as the Procfile does."""
        command = procfile()[name.partition("-")[0]]
        self.keeper.keep(
            Program(
                name=name,
                argv=("/bin/sh", "-c", f"exec {command}"),
                env=self.environment | changes,
                folder=ROOT,
                log=self.folder / f"{name}.log",
            )
        )

    def wait_until_ready(self) -> None:
        """Until deliveries can be kept."""
        self.keeper.wait_until(self.is_ready, within=STARTING_TAKES, what="A 200 of /readyz")

    def is_ready(self) -> bool:
        """Whether `/readyz` says so."""
        try:
            return requests.get(self.url("/readyz"), timeout=5).ok
        except requests.RequestException:
            return False

    def end(self) -> None:
        """Stop everything."""
        self.keeper.stop()
        self.to_meta.close()
        self.to_broker.close()

    def clear_away(self) -> None:
        """Remove the database, and the folder unless its logs are to be looked at."""
        remove_cluster(self.folder / "postgres")
        if not self.keep_logs:
            shutil.rmtree(self.folder, ignore_errors=True)

    # Asking

    def url(self, path: str) -> str:
        """An address of the web server."""
        return f"http://127.0.0.1:{self.port}{path}"

    def webhook_urls(self) -> dict[str, str]:
        """Where each shop delivers, by its key."""
        found = self.sql("SELECT key, platform, webhook_token FROM stores_store")
        return {
            key: self.url(
                "/webhooks/shopify/" if platform == "shopify" else f"/webhooks/woocommerce/{token}/"
            )
            for key, platform, token in found
        }

    def sql(self, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Ask (or tell) the database. Raises psycopg.Error."""
        with self.connect() as connection:
            done = connection.execute(statement, values)
            return done.fetchall() if done.description else []

    def connect(self) -> psycopg.Connection:
        """A connection of our own, committing each statement."""
        return psycopg.connect(self.cluster.url, autocommit=True, connect_timeout=5)

    def manage(self, *words: str) -> str:
        """One of the product's commands; what it printed. Raises CalledProcessError."""
        done = self.run(*words)
        done.check_returncode()
        return done.stdout

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One of the product's commands, however it ends."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    # Between two rows

    def forget(self) -> None:
        """No delivery, no event, no fault, and the clocks right again; tenants and processes stay."""
        self.to_meta.clear()
        self.to_broker.clear()
        tables = ", ".join(self._tables("conversions\\_%", "shop\\_webhooks\\_%"))
        self.keeper.wait_until(
            lambda: self._emptied(tables), within=60, what="The emptying of the tables"
        )
        # A row that failed may have left a request on its way, which is not the next one's.
        self.keeper.wait_until(
            lambda: not self.to_meta.busy(), within=60, what="The end of a request to Meta"
        )
        self.meta.begin()
        self.skipped = 0.0

    def repair(self) -> None:
        """As after `begin`, whatever a row that failed has left broken."""
        self.to_meta.clear()
        self.to_broker.clear()
        for name in self.keeper.names:
            if name.startswith("worker") and name not in WORKERS:
                self.keeper.drop(name)
        self._start_servers()
        self.start_application()

    def skip(self, seconds: float, *, if_so: Callable[[], bool] = lambda: True) -> bool:
        """Let so much time have passed for the database and for Meta, if nobody is at work.

        Every moment that the product's tables hold lies so much further back, which is the same as a
        clock that went on; Meta's stand-in is told. `if_so` is asked while nobody can take a turn;
        returns its answer.
        """
        columns: dict[str, list[str]] = {}
        for table, column in self.sql(MOMENTS):
            columns.setdefault(table, []).append(column)
        with self.connect() as connection, connection.transaction():
            connection.execute(
                "SET LOCAL session_replication_role = replica"
            )  # append-only ones too
            connection.execute("SET LOCAL lock_timeout = '20s'")
            connection.execute("LOCK TABLE conversions_pixelqueue IN EXCLUSIVE MODE")
            if not if_so():
                return False
            for table, names in sorted(columns.items()):
                moved = ", ".join(
                    f"{name} = {name} - %(by)s * interval '1 second'" for name in names
                )
                connection.execute(f"UPDATE {table} SET {moved}", {"by": seconds})
            self.meta.set_clock(ahead=self.skipped + seconds)
        self.skipped += seconds
        return True

    def _emptied(self, tables: str) -> bool:
        """Empty the tables; False if a sweep was in the way, and it is to be tried again."""
        try:
            with self.connect() as connection, connection.transaction():
                connection.execute("SET LOCAL lock_timeout = '5s'")
                connection.execute(f"TRUNCATE {tables}")
                connection.execute("UPDATE stores_pixel SET broken_reason = '', broken_at = NULL")
        except psycopg.OperationalError:
            return False
        return True

    def _tables(self, *patterns: str) -> list[str]:
        found = self.sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE ANY(%s)",
            [list(patterns)],
        )
        return sorted(name for (name,) in found)


MOMENTS = """
SELECT table_name, column_name FROM information_schema.columns
JOIN pg_tables ON tablename = table_name AND schemaname = table_schema
WHERE table_schema = 'public' AND data_type = 'timestamp with time zone'
  AND table_name ~ '^(conversions|shop_webhooks|stores_pixel)'
  AND column_name <> 'order_updated_at'  -- the shop's own, and compared with nothing but its like
"""


@contextlib.contextmanager
def installed() -> Iterator[Installation]:
    """An installation in a folder of its own; gone afterwards, unless its logs are to be kept."""
    forget_libpq(os.environ)
    folder = Path(tempfile.gettempdir(), f"connector-chaos-{secrets.token_hex(4)}")
    data_folder.make(folder)
    with contextlib.ExitStack() as stack:
        installation = Installation(folder=folder)
        stack.callback(installation.clear_away)
        stack.callback(installation.end)
        addresses = {"database_url": installation.cluster.url}
        app_url = installation.url("")
        stack.enter_context(told_to_others(folder=folder, addresses=addresses, app_url=app_url))
        installation.begin()
        yield installation


def procfile() -> dict[str, str]:
    """The command lines by name."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line)
