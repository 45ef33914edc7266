"""A stand-in for a WooCommerce shop on loopback: its hand-over of keys, REST API and webhooks.

In tests:

    with WooCommerceShop(certificate=…) as shop:
        key = shop.key()
        shop.sell(story)          # kept, and delivered by the webhooks that were made through REST
        shop.change(wall="challenge")

By hand: `python -m sandbox.woocommerce_store --port 8200`, then read `GET /_sandbox/`.
"""

import argparse
import json
import signal
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox.orders import Story
from sandbox.tls import server_context
from sandbox.woocommerce.server import ShopServer
from sandbox.woocommerce.shop import Fault, Key, Settings, Shop


class WooCommerceShop:
    """The shop in a thread of this process; https where it is given a `certificate`.

    `routes` say where public addresses live on this machine, as the proxy in front of our own site
    would: {"https://connector.example": "http://127.0.0.1:8000"}. `settings` are those of `Settings`.
    """

    def __init__(
        self,
        *,
        certificate: Path | None = None,
        port: int = 0,
        routes: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        context = server_context(certificate) if certificate else None
        self._server = ShopServer(port=port, tls=context)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        settings = {"sees_tls": certificate is not None} | settings
        self.shop = Shop(home=self.url, routes=routes or {}, settings=Settings(**settings))
        self._server.shop = self.shop
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.02},
            name="woocommerce",
            daemon=True,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def key(self, permissions: str = "read_write") -> Key:
        """A REST key of the shop's manager."""
        return self.shop.make_key(permissions)

    def change(self, **settings: Any) -> None:
        """Change some of the `Settings`."""
        for name, value in settings.items():
            if not hasattr(self.shop.settings, name):
                raise ValueError(f"no such setting: {name}")
            setattr(self.shop.settings, name, value)

    def fail(self, **fault: Any) -> None:
        """Script a `Fault`."""
        self.shop.faults.append(Fault(**fault))

    def sell(self, *stories: Story) -> None:
        """Let the stories happen: kept as orders, and delivered by the webhooks there are."""
        for story in stories:
            self.shop.tell(story, json=json.loads)

    def touch(self, order_id: int | str, at: datetime, **changes: Any) -> None:
        """Change an order, and deliver it as updated."""
        self.shop.touch(int(order_id), at, **changes)

    @property
    def orders(self) -> dict[int, dict[str, Any]]:
        """The orders by id, as REST would show them."""
        return self.shop.orders

    @property
    def webhooks(self) -> dict[str, str]:
        """The status of each webhook by its topic."""
        return {hook.topic: hook.status for hook in self.shop.hooks.values()}

    def asked(self, path: str) -> int:
        """How many requests were made to addresses that begin with `path`."""
        return sum(request["path"].startswith(path) for request in self.shop.requests)


def main() -> None:
    """Serve until interrupted; prints the address and a key."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.woocommerce_store", description="A WooCommerce shop on loopback."
    )
    parser.add_argument("--port", type=int, default=8200)
    parser.add_argument("--certificate", type=Path, help="key and certificate in PEM: https")
    parser.add_argument(
        "--route",
        action="append",
        default=[],
        metavar="PUBLIC=HERE",
        help="where a public address lives on this machine; may be repeated",
    )
    options = parser.parse_args()
    routes = dict(route.split("=", 1) for route in options.route)
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    signal.signal(signal.SIGINT, lambda *_: over.set())
    with WooCommerceShop(port=options.port, certificate=options.certificate, routes=routes) as shop:
        key = shop.key()
        print(f"{shop.url}  {key.consumer_key}  {key.consumer_secret}", flush=True)
        over.wait()


if __name__ == "__main__":
    main()
