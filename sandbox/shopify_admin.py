"""A stand-in for Shopify's side of an app on loopback: tokens, GraphQL Admin, and the admin itself.

In tests:

    with ShopifyAdmin(client_id="key", client_secret="secret") as shopify:
        shopify.shop("lyon.myshopify.com")
        settings.SHOPIFY_ADMIN_URL = shopify.template

By hand: `python -m sandbox.shopify_admin --port 8200 --client-id key --client-secret secret
--shop lyon.myshopify.com`, then read `GET /_sandbox/`.
"""

import argparse
import signal
import threading
from types import TracebackType
from typing import Any, Self

from sandbox.shopify.admin_api import add_subscription
from sandbox.shopify.control import put_order
from sandbox.shopify.server import AdminServer
from sandbox.shopify.world import Call, Fault, Shop, World

SCOPES = "read_orders,write_pixels,read_customer_events"


class ShopifyAdmin:
    """The server in a thread of this process, on a port of its own unless one is named."""

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        app_url: str = "http://127.0.0.1:8000/shopify",
        scopes: str = SCOPES,
        public: bool = True,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.world = World(
            client_id=client_id,
            client_secret=client_secret,
            app_url=app_url.rstrip("/"),
            scopes=scopes,
            public=public,
        )
        self._server = AdminServer(host=host, port=port, world=self.world)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.02},
            name="shopify-admin",
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
        self.world.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The base address, such as http://127.0.0.1:43210."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def template(self) -> str:
        """What SHOPIFY_ADMIN_URL must be."""
        return f"{self.url}/{{shop}}"

    @property
    def app_bridge(self) -> str:
        """What SHOPIFY_APP_BRIDGE_URL must be."""
        return f"{self.url}/app-bridge.js"

    # Setting up

    def shop(self, domain: str, **facts: Any) -> Shop:
        """Make a shop known (see `world.Shop`), with the app installed."""
        return self.world.shop(domain, **facts)

    def order(self, shop: str, order: dict[str, Any]) -> None:
        """Take an order in, as its webhook writes it."""
        put_order(self.world, shop=shop, order=order)

    def subscription(self, shop: str, *, topic: str, uri: str) -> None:
        """Leave a subscription of the shop's own behind."""
        add_subscription(self.world, self.world.shops[shop], topic=topic, uri=uri)

    def session_token(self, shop: str, **claims: Any) -> str:
        """A session token of the shop's admin."""
        return self.world.session_token(shop, **claims)

    def uninstall(self, shop: str) -> None:
        """Remove the app from the shop."""
        self.world.uninstall(shop)

    def pass_time(self, seconds: float) -> None:
        """Put the clock forward."""
        self.world.offset += seconds

    # Misbehaving

    def fault(self, where: str, kind: str = "answer", **details: Any) -> None:
        """Misbehave: the fields of `world.Fault`."""
        self.world.faults.append(Fault(where=where, kind=kind, **details))  # type: ignore[arg-type]  # checked by its reader

    # Reading the books

    def calls(self, where: str, what: str | None = None) -> list[Call]:
        """The requests to `where` (token, graphql), of one kind or of all."""
        with self.world.lock:
            return [
                call
                for call in self.world.calls
                if call.where == where and what in (None, call.what)
            ]


def main() -> None:
    """Serve until SIGINT or SIGTERM; exit 2 for a host that is not loopback or a busy port."""
    options = _parser().parse_args()
    try:
        shopify = ShopifyAdmin(
            client_id=options.client_id,
            client_secret=options.client_secret,
            app_url=options.app_url,
            host=options.host,
            port=options.port,
        )
    except (OSError, ValueError) as error:
        _parser().error(f"cannot serve on {options.host}:{options.port}: {error}")
    for domain in options.shop:
        shopify.shop(domain)
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    with shopify:
        print(f"Shopify stand-in on {shopify.url} (its doors: {shopify.url}/_sandbox/)", flush=True)
        done.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sandbox.shopify_admin", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--host", default="127.0.0.1", help="loopback only (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (%(default)s)")
    parser.add_argument("--client-id", required=True, help="of the app")
    parser.add_argument("--client-secret", required=True, help="of the app")
    parser.add_argument(
        "--app-url", default="http://127.0.0.1:8000/shopify", help="of the app (%(default)s)"
    )
    parser.add_argument("--shop", action="append", default=[], help="known from the start")
    return parser


if __name__ == "__main__":
    main()
