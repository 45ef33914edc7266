"""What the shop is and has: settings, keys, orders, webhooks, the books of what it was asked.

The rules here and beside are those of WooCommerce 11 (plugins/woocommerce/includes, src):
https://developer.woocommerce.com/docs/apis/rest-api/v3/
"""

import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.orders import Story
from sandbox.orders.woocommerce import write
from sandbox.shops import WooCommerceStore
from sandbox.shops.woocommerce import Webhook

PERMISSIONS = ("read", "write", "read_write")
WALLS = ("", "challenge", "maintenance", "login", "forbidden")
_Order = dict[str, Any]


@dataclass
class Settings:
    """How the shop is built and set; every one is a fault that real shops have, or a trait."""

    name: str = "Sandbox Kitchen"
    utc_offset: float = -3.0  # hours; the plain date fields are in it
    time_zone: str = ""  # a name, or "" where only the offset is set
    sees_tls: bool = True  # False: TLS ends at a proxy, and WordPress is not told
    strips_authorization: bool = False  # the web server keeps the header to itself
    plain_permalinks: bool = False
    wall: str = ""  # what answers in place of the shop, one of WALLS
    woocommerce: bool = True  # whether the plug-in is active
    notices: bool = False  # PHP complains before each JSON answer
    redirects_to: str = ""  # another address that every request is sent to
    wp_cron: bool = True
    delivers: bool = True  # False: its queue does not run, and no webhook leaves
    plugins: tuple[str, ...] = ("woocommerce/woocommerce.php",)


@dataclass
class Key:
    """A REST key; it can do what its owner may."""

    key_id: int
    consumer_key: str
    consumer_secret: str
    permissions: str = "read_write"
    owner_may: bool = True  # whether its owner still manages the shop


@dataclass
class Hook:
    """A webhook made by REST. `sender` signs, posts, counts failures and switches itself off."""

    hook_id: int
    name: str
    topic: str
    delivery_url: str
    sender: WooCommerceStore
    paused: bool = False

    @property
    def status(self) -> str:
        """As the REST API says it."""
        if self.paused:
            return "paused"
        return "active" if self.sender.webhook(self.topic).active else "disabled"


@dataclass(kw_only=True)
class Fault:
    """Answers in place of the shop: the next `times` requests whose path begins with `path`."""

    path: str = "/"
    times: int = 1
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    hangs_up: bool = False


class Shop:
    """One shop. `routes` lead from public addresses to where they live here: our site's, above all."""

    def __init__(self, *, home: str, routes: Mapping[str, str], settings: Settings) -> None:
        self.home = home
        self.routes = dict(routes)
        self.settings = settings
        self.lock = threading.RLock()
        self.keys: list[Key] = []
        self.orders: dict[int, _Order] = {}
        self.hooks: dict[int, Hook] = {}
        self.faults: list[Fault] = []
        self.requests: list[dict[str, Any]] = []
        self.nonces: set[tuple[str, str]] = set()
        self._next_id = 1

    def next_id(self) -> int:
        """Keys and webhooks share a counter here; nobody may depend on it."""
        with self.lock:
            self._next_id += 1
            return self._next_id

    def make_key(self, permissions: str = "read_write") -> Key:
        """What Settings → Advanced → REST API → Add key makes."""
        key = Key(
            key_id=self.next_id(),
            consumer_key=f"ck_{secrets.token_hex(20)}",
            consumer_secret=f"cs_{secrets.token_hex(20)}",
            permissions=permissions,
        )
        with self.lock:
            self.keys.append(key)
        return key

    def make_hook(self, *, name: str, topic: str, delivery_url: str, secret: str) -> Hook:
        """Active at once, whatever was asked for, and pinged."""
        hook_id = self.next_id()
        sender = WooCommerceStore(f"{self.home}/", secret, self.routed(delivery_url), timeout=10)
        sender.webhooks = {topic: Webhook(webhook_id=hook_id, topic=topic, pending_delivery=True)}
        hook = Hook(hook_id, name, topic, delivery_url, sender)
        with self.lock:
            self.hooks[hook_id] = hook
        if self.settings.delivers:
            sender.ping(topic)
        return hook

    def keep(self, order: Mapping[str, Any], *topics: str) -> None:
        """Write the order down, and deliver it on `topics` as it is now."""
        with self.lock:
            self.orders[int(order["id"])] = dict(order)
        self.deliver(int(order["id"]), topics)

    def touch(self, order_id: int, at: datetime, **changes: Any) -> None:
        """Something happens to an order: it changes, and is delivered as updated."""
        moments = {"date_modified_gmt": _text(at), "date_modified": _text(at + self.offset)}
        self.keep(self.orders[order_id] | changes | moments, "order.updated")

    def deliver(self, order_id: int, topics: Iterable[str]) -> None:
        """The body is written now, not when the thing happened."""
        if not self.settings.delivers:
            return
        body = write(self.orders[order_id])
        for topic in topics:
            for hook in tuple(self.hooks.values()):
                if hook.topic == topic and not hook.paused:
                    hook.sender.deliver(topic, body)

    def tell(self, story: Story, *, json: Any) -> None:
        """A story of sandbox.orders, as this shop's own: step by step."""
        for step in story.steps:
            order = json(step.body)
            if isinstance(order, dict) and "date_modified_gmt" in order:
                self.keep(order, step.topic)

    @property
    def offset(self) -> timedelta:
        """Of the shop's clock from UTC."""
        return timedelta(hours=self.settings.utc_offset)

    def routed(self, url: str) -> str:
        """Where `url` lives on this machine."""
        for public, here in self.routes.items():
            if url.startswith(public):
                return here + url.removeprefix(public)
        return url

    def take_fault(self, path: str) -> Fault | None:
        """The fault that strikes a request, used up by one."""
        with self.lock:
            for fault in self.faults:
                if path.startswith(fault.path):
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                    return fault
        return None


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
