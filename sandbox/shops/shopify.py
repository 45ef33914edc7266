"""A Shopify shop that delivers webhooks: headers, signature, retries and removed subscriptions.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
https://shopify.dev/docs/apps/build/webhooks/troubleshooting-webhooks
"""

import base64
import hmac
import random
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sandbox.orders import Story
from sandbox.shops.clock import Clock
from sandbox.shops.delivery import Delivery, Wire

RETRIES = 8
# "8 times over 4 hours", exponentially, is all that is said: doubled from 56 s it ends at 3 h 58.
# https://shopify.dev/changelog/updates-to-webhook-retry-mechanism
FIRST_RETRY_AFTER = timedelta(seconds=56)
FAILURES_UNTIL_REMOVAL = 8

_ORDER_ID = re.compile(rb'\s*\{\s*"id"\s*:\s*(\d+)')
_EVENTS_ACTIONS = {"updated": "update", "cancelled": "cancel"}


@dataclass(frozen=True)
class _Retry:
    at: datetime
    number: int  # 1 to RETRIES
    delivery: Delivery


class ShopifyShop:
    """Posts to one address, over one kept-alive connection: a shop per thread, please.

    `family` chooses the header names: `classic` (X-Shopify-…), `events` (shopify-…), or `both`.
    `subscription` is how the topics were declared: those of the `app` (shopify.app.toml) are never
    removed, those of the `shop` (made through GraphQL) are after 8 consecutive failures.
    `seed` makes the ids of webhooks and events repeatable. Set `secret` to rotate it.
    """

    def __init__(
        self,
        domain: str,
        secret: str,
        url: str,
        *,
        api_version: str = "2026-10",
        family: Literal["classic", "events", "both"] = "classic",
        subscription: Literal["app", "shop"] = "app",
        name: str | None = None,
        clock: Clock | None = None,
        seed: int | None = None,
        timeout: float = 5.0,
    ) -> None:
        self.domain = domain
        self.secret = secret
        self.url = url
        self.api_version = api_version
        self.family = family
        self.subscription = subscription
        self.name = name
        self.clock = clock or Clock()
        self.removed_topics: set[str] = set()
        self._random = random.Random(seed)
        self._timeout = timeout
        self._wires: dict[str, Wire] = {}
        self._retries: list[_Retry] = []
        self._failures: dict[str, int] = {}

    def deliver(
        self,
        topic: str,
        body: bytes,
        *,
        webhook_id: str | None = None,
        event_id: str | None = None,
        secret: str | None = None,
        forged: bool = False,
        chunked: bool = False,
        sample: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Delivery:
        """Signs `body` and posts it once; a failure is planned to be retried by `advance`.

        `secret` signs with another one (the previous, say); `forged` with one nobody has. `sample`
        is what the CLI's trigger sends: marked as a test, without event id or name. `headers` are
        sent on top.
        """
        webhook_id = webhook_id or self._uuid()
        event_id = None if sample else event_id or self._uuid()
        key = "nobody's secret" if forged else secret or self.secret
        delivery = Delivery(
            topic=topic,
            delivery_id=webhook_id,
            url=self.url,
            headers=[
                *_COMMON_HEADERS,
                *self._own_headers(topic, body, webhook_id, event_id, signature(key, body)),
                *(headers or {}).items(),
            ],
            body=body,
            chunked=chunked,
        )
        if topic not in self.removed_topics:
            self._attempt(delivery, retries_so_far=0)
        return delivery

    def redeliver(self, delivery: Delivery) -> Delivery:
        """The very same request again, webhook id included, as happens without any failure too."""
        again = Delivery(
            topic=delivery.topic,
            delivery_id=delivery.delivery_id,
            url=delivery.url,
            headers=delivery.headers,
            body=delivery.body,
            chunked=delivery.chunked,
        )
        self._attempt(again, retries_so_far=0)
        return again

    def tell(self, story: Story) -> list[Delivery]:
        """Delivers every step of a story in its order; steps of one action share their event id."""
        event_ids = {step.action: self._uuid() for step in story.steps}
        return [
            self.deliver(step.topic, step.body, event_id=event_ids[step.action])
            for step in story.steps
        ]

    def advance(self, by: timedelta) -> list[Delivery]:
        """Moves the clock on and sends the retries that fall due meanwhile, in their order."""
        until = self.clock.now() + by
        retried = []
        while due := [retry for retry in self._retries if retry.at <= until]:
            retry = min(due, key=lambda each: each.at)
            self._retries.remove(retry)
            self.clock.advance(retry.at - self.clock.now())
            self._attempt(retry.delivery, retries_so_far=retry.number)
            retried.append(retry.delivery)
        self.clock.advance(until - self.clock.now())
        return retried

    @property
    def waiting(self) -> list[Delivery]:
        """The failed deliveries that will be retried, the next one first."""
        return [retry.delivery for retry in sorted(self._retries, key=lambda retry: retry.at)]

    def close(self) -> None:
        """Ends the kept connections."""
        for wire in self._wires.values():
            wire.close()

    def _attempt(self, delivery: Delivery, *, retries_so_far: int) -> None:
        # A retry goes where the first attempt went, with its body, whatever changed since.
        answer = self._wire(delivery.url).post(
            delivery.headers, delivery.body, chunked=delivery.chunked
        )
        delivery.answers.append(answer)
        delivery.succeeded = answer.status is not None and 200 <= answer.status < 300
        if delivery.succeeded:
            self._failures[delivery.topic] = 0
            return
        if retries_so_far < RETRIES:
            wait = FIRST_RETRY_AFTER * 2**retries_so_far
            self._retries.append(_Retry(self.clock.now() + wait, retries_so_far + 1, delivery))
        self._count_failure(delivery.topic)

    def _count_failure(self, topic: str) -> None:
        self._failures[topic] = self._failures.get(topic, 0) + 1
        if self.subscription == "shop" and self._failures[topic] >= FAILURES_UNTIL_REMOVAL:
            self.removed_topics.add(topic)
            self._retries = [each for each in self._retries if each.delivery.topic != topic]

    def _wire(self, url: str) -> Wire:
        if url not in self._wires:
            # Connected within a second, answered within five:
            # https://shopify.dev/docs/apps/build/webhooks/best-practices
            self._wires[url] = Wire(
                url, keep_alive=True, timeout=self._timeout, connect_timeout=1.0
            )
        return self._wires[url]

    def _own_headers(
        self, topic: str, body: bytes, webhook_id: str, event_id: str | None, signed: str
    ) -> list[tuple[str, str]]:
        moment = self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")
        triggered_at = f"{moment}{self._random.randrange(1000):03d}Z"  # nanoseconds
        order_id = _order_id(topic, body)
        classic = {
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": signed,
            "X-Shopify-Shop-Domain": self.domain,
            "X-Shopify-API-Version": self.api_version,
            "X-Shopify-Webhook-Id": webhook_id,
            "X-Shopify-Triggered-At": triggered_at,
            "X-Shopify-Event-Id": event_id,
            "X-Shopify-Name": self.name if event_id else None,
            "X-Shopify-Order-Id": order_id,
            "X-Shopify-Test": None if event_id else "true",
        }
        resource, _, action = topic.partition("/")
        events = {
            "shopify-topic": resource.capitalize().removesuffix("s"),
            "shopify-action": _EVENTS_ACTIONS.get(action, action),
            "shopify-hmac-sha256": signed,
            "shopify-shop-domain": self.domain,
            "shopify-api-version": self.api_version,
            "shopify-webhook-id": webhook_id,
            "shopify-triggered-at": triggered_at,
            "shopify-event-id": event_id,
            "shopify-handle": self.name or topic.replace("/", "-"),
            "shopify-resource-id": f"gid://shopify/Order/{order_id}" if order_id else None,
        }
        chosen = {"classic": classic, "events": events, "both": classic | events}[self.family]
        return [(name, value) for name, value in chosen.items() if value is not None]

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def signature(secret: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over the bytes as sent."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


_COMMON_HEADERS = (
    ("Content-Type", "application/json"),
    ("User-Agent", "Shopify-Captain-Hook"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "gzip;q=1.0,deflate;q=0.6,identity;q=0.3"),
)


def _order_id(topic: str, body: bytes) -> str | None:
    match = _ORDER_ID.match(body) if topic.startswith("orders/") else None
    return match[1].decode() if match else None
