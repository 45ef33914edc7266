"""The load: shops that sell, sign, send again what was not taken, and remember what was."""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chaos.fleet import Shop
from chaos.history import Sold
from sandbox.orders import Platform, Step, Story, stories
from sandbox.shops import ShopifyShop, WooCommerceStore
from sandbox.shops.delivery import Delivery, Wire

# Shopify tries eight times within four hours; here its clock runs sixty times as fast.
SHOP_SECONDS = 60.0
# WooCommerce itself would wait for a minute, and a row has less.
WOOCOMMERCE_WAITS = 10.0
ON_TIME = 1.0  # seconds, for the share of webhooks that were acknowledged

# Not among them: orders that are taken back while they are sold, which may rightly end either way.
KINDS: dict[str, tuple[str, ...]] = {
    "shopify": (
        *("card", "updated_first", "bank_transfer", "cash_on_delivery", "captured", "unpaid"),
        *("cancelled", "test", "pos", "zero_total", "gift_card", "renewal"),
    ),
    "woocommerce": (
        *("card", "consented", "created_twice", "cash_on_delivery", "bank_transfer"),
        *("failed_then_paid", "pending", "failed", "cancelled", "zero_total", "renewal"),
    ),
}
# Every delivery of theirs shows a paid order: one that was acknowledged is enough.
PAID_AT_ONCE = {
    "card",
    "updated_first",
    "consented",
    "created_twice",
    "pos",
    "gift_card",
    "renewal",
}
# What the shop did when Meta had the purchase already.
AFTERWARDS = frozenset(
    ("accepted", f"{what}_after_send") for what in ("cancelled", "refunded", "refunded_in_part")
)
ENDS = {
    "purchase": ("accepted", ""),
    "unpaid": ("waiting", "payment"),
    "cancelled": ("skipped", "cancelled"),
    "test": ("skipped", "test_order"),
    "zero_value": ("skipped", "zero_value"),
}


@dataclass
class Order:
    """One story, and its deliveries so far."""

    shop: Shop
    story: Story
    deliveries: list[Delivery] = field(default_factory=list)
    acknowledged_at: float = 0.0

    def sold(self, also: frozenset[tuple[str, str]]) -> Sold:
        """What the checker is to know of it; a purchase may end in `also` too."""
        kept = [delivery for delivery in self.deliveries if delivery.succeeded]
        is_told = len(kept) == len(self.deliveries) >= len(self.story.steps) or (
            kept and self.story.kind in PAID_AT_ONCE
        )
        ends = {ENDS[self.story.expect]}
        if self.story.expect == "purchase":
            ends |= also | AFTERWARDS
        return Sold(
            store=self.shop.key,
            order_id=self.story.order_id,
            kind=self.story.kind,
            pixels=self.shop.pixels,
            may_end=frozenset(ends) if is_told else None,
            acknowledged_at=self.acknowledged_at,
        )


@dataclass(frozen=True)
class Answered:
    """One request of a shop."""

    at: float  # seconds of time.monotonic(), at its end
    status: int | None
    seconds: float


def sign(order: Order, url: str) -> list[Delivery]:
    """The deliveries of an order's steps, signed and not sent: see `post`."""
    shop = order.shop
    if shop.platform == "shopify":
        shopify = ShopifyShop(shop.domain, shop.secret, url)
        shopify.removed_topics = {step.topic for step in order.story.steps}
        return [shopify.deliver(step.topic, step.body) for step in order.story.steps]
    woocommerce = WooCommerceStore(shop.url, shop.secret, url)
    for step in order.story.steps:
        woocommerce.webhook(step.topic).active = False
    return [woocommerce.deliver(step.topic, step.body) for step in order.story.steps]


def post(delivery: Delivery) -> None:
    """Send a delivery, once more or at last, from any thread."""
    answer = Wire(delivery.url, keep_alive=False, timeout=WOOCOMMERCE_WAITS).post(
        delivery.headers, delivery.body
    )
    delivery.answers.append(answer)
    delivery.succeeded = delivery.succeeded or answer.status == 200


Telling = Callable[[Sequence[Order]], Iterator[tuple[Order, Step]]]


class Till(threading.Thread):
    """One shop, on a thread and a connection of its own."""

    def __init__(
        self,
        shop: Shop,
        url: str,
        *,
        orders: Sequence[Order],
        seconds: float,
        telling: Telling,
        over: threading.Event,
    ) -> None:
        super().__init__(name=shop.key, daemon=True)
        self.orders = orders
        self.answers: list[Answered] = []
        self._shop, self._over, self._seconds = shop, over, seconds
        self._steps = list(telling(orders))
        self._waiting: dict[int, Order] = {}
        self._retried_at = time.monotonic()
        if shop.platform == "shopify":
            self._shopify = ShopifyShop(shop.domain, shop.secret, url, seed=shop.place)
        else:
            self._woocommerce = WooCommerceStore(
                shop.url, shop.secret, url, timeout=WOOCOMMERCE_WAITS
            )

    def run(self) -> None:
        """Sell at an even pace, then go on until nothing waits to be sent again."""
        begun = time.monotonic()
        for number, (order, step) in enumerate(self._steps):
            due = begun + self._seconds * number / len(self._steps)
            while (left := due - time.monotonic()) > 0 and not self._over.is_set():
                self._over.wait(min(left, 0.25))
                self._retry()
            if self._over.is_set():
                return
            self._deliver(order, step)
        while self._waits() and not self._over.wait(0.25):
            self._retry()

    def _waits(self) -> bool:
        return self._shop.platform == "shopify" and bool(self._shopify.waiting)

    def _deliver(self, order: Order, step: Step) -> None:
        if self._shop.platform == "shopify":
            delivery = self._shopify.deliver(step.topic, step.body)
        else:
            self._woocommerce.enable(step.topic)  # its owner looks after it
            delivery = self._woocommerce.deliver(step.topic, step.body)
        order.deliveries.append(delivery)
        self._waiting[id(delivery)] = order
        self._note(delivery)

    def _retry(self) -> None:
        """What Shopify would send again by now, on its faster clock; WooCommerce never does."""
        if self._shop.platform == "shopify":
            now = time.monotonic()
            passed, self._retried_at = now - self._retried_at, now
            for delivery in self._shopify.advance(timedelta(seconds=passed * SHOP_SECONDS)):
                self._note(delivery)

    def _note(self, delivery: Delivery) -> None:
        order, last = self._waiting[id(delivery)], delivery.answers[-1]
        self.answers.append(Answered(time.monotonic(), last.status, last.elapsed))
        if delivery.succeeded and not order.acknowledged_at:
            order.acknowledged_at = time.time()


class Market:
    """All shops, selling."""

    def __init__(self, tills: Sequence[Till], over: threading.Event) -> None:
        self._tills, self._over = tills, over
        for till in tills:
            till.start()

    @property
    def orders(self) -> list[Order]:
        """All that were sold, or were to be."""
        return [order for till in self._tills for order in till.orders]

    def is_closed(self) -> bool:
        """Whether all is sold and nothing waits to be sent again."""
        return not any(till.is_alive() for till in self._tills)

    def close(self) -> None:
        """Stop selling, whatever is left."""
        self._over.set()
        for till in self._tills:
            till.join()

    def on_time(self, since: float, until: float) -> float | None:
        """The share of requests in a stretch of time.monotonic() that were taken within a second."""
        made = self.answers(since, until)
        taken = [a for a in made if a.status == 200 and a.seconds <= ON_TIME]
        return len(taken) / len(made) if made else None

    def answers(self, since: float, until: float) -> list[Answered]:
        """The requests that ended in a stretch of time.monotonic()."""
        return [a for till in self._tills for a in till.answers if since <= a.at <= until]


def invent(
    shop: Shop, *, count: int, seed: int, kinds: Sequence[str] = (), ago: timedelta = timedelta()
) -> list[Order]:
    """So many orders of a shop, placed in the hours before `ago`."""
    platform: Platform = "shopify" if shop.platform == "shopify" else "woocommerce"
    offered = KINDS[platform]
    told = stories(
        platform=platform,
        count=count,
        now=datetime.now(UTC) - ago,
        seed=(seed * 10 + shop.place) % 1000,
        kinds=[kind for kind in kinds if kind in offered] or offered,
    )
    return [Order(shop, story) for story in told]


def nothing(orders: Sequence[Order]) -> Iterator[tuple[Order, Step]]:
    """The row sends them itself."""
    return iter(())


def shuffled(orders: Sequence[Order]) -> Iterator[tuple[Order, Step]]:
    """Every step at a place of its own: many orders come from their last webhook to their first."""
    steps = list(in_their_order(orders))
    random.Random(len(steps)).shuffle(steps)
    yield from steps


def each_step_again(orders: Sequence[Order]) -> Iterator[tuple[Order, Step]]:
    """All steps of all orders, and the same again backwards."""
    steps = list(in_their_order(orders))
    yield from steps
    yield from reversed(steps)


def in_their_order(orders: Sequence[Order]) -> Iterator[tuple[Order, Step]]:
    """One order after the other, each from its first webhook to its last."""
    for order in orders:
        for step in order.story.steps:
            yield order, step


@contextlib.contextmanager
def open_market(
    orders: dict[str, list[Order]],
    urls: dict[str, str],
    *,
    seconds: float,
    telling: Telling = in_their_order,
) -> Iterator[Market]:
    """Let the shops sell `orders` (by shop) within `seconds`."""
    over = threading.Event()
    tills = [
        Till(of[0].shop, urls[key], orders=of, seconds=seconds, telling=telling, over=over)
        for key, of in orders.items()
        if of
    ]
    market = Market(tills, over)
    try:
        yield market
    finally:
        market.close()
