"""A WooCommerce shop with a plug-in in it, run by PHP's own web server: for a browser, on loopback."""

import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PHP = shutil.which("php") or ""
FOLDER = Path(__file__).parent


class WordPress:
    """One shop; its orders stand in `folder`. WP Consent API is there where it has a `consent_type`."""

    def __init__(self, *, plugin: Path, folder: Path, consent_type: str = "optin") -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._environment = os.environ | {
            "PLUGIN": str(plugin),
            "ORDERS": str(folder),
            "CONSENT_TYPE": consent_type,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """By name, as browsers like it best."""
        return f"http://localhost:{self.port}"

    def cart(self, order: dict[str, Any]) -> None:
        """What the next checkout with this order's id will sell."""
        kept = {key: order[key] for key in ("id", "order_key", "total", "currency")}
        paid = {"date_paid": order.get("date_paid")}
        (self.folder / f"{order['id']}.cart").write_text(json.dumps(kept | paid))

    def meta(self, order_id: int) -> dict[str, str]:
        """What the plug-in has noted on the order; {} before it is made."""
        file = self.folder / f"{order_id}.json"
        return dict(json.loads(file.read_text())["meta"]) if file.exists() else {}

    def __enter__(self) -> Self:
        log = (self.folder / "php.log").open("ab")
        command = [PHP, "-d", "display_errors=stderr", "-d", "error_reporting=-1"]
        with log:
            self._process = subprocess.Popen(
                [*command, "-S", f"localhost:{self.port}", str(FOLDER / "wordpress.php")],
                cwd=FOLDER, env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 10
        while not self._answers():
            if time.monotonic() > deadline:
                raise TimeoutError((self.folder / "php.log").read_text())
            time.sleep(0.05)  # PHP does not say when it listens
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()

    def complaints(self) -> list[str]:
        """PHP's own words, down to a notice."""
        lines = (self.folder / "php.log").read_text().splitlines()
        return [line for line in lines if "PHP " in line and "Development Server" not in line]

    def _answers(self) -> bool:
        try:
            socket.create_connection(("localhost", self.port), timeout=1).close()
        except OSError:
            return False
        return True
