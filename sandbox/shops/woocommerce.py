"""A WooCommerce store that delivers webhooks: signature, ping, and switching off what fails.

It never retries. The rules are those of `WC_Webhook` (class-wc-webhook.php, WooCommerce 11):
https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/class-wc-webhook.php
"""

import base64
import hashlib
import hmac
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.orders import Story
from sandbox.shops.clock import Clock
from sandbox.shops.delivery import Answer, Delivery, Wire

USER_AGENT = "WooCommerce/11.0.1 Hookshot (WordPress/7.1)"
TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored")
FAILURES_TOLERATED = 6  # the seventh in a row switches the webhook off

# What wp_specialchars_decode() with ENT_QUOTES turns back, and nothing else.
_DECODED_ENTITIES = re.compile(
    r"&(?:amp|lt|gt|quot|#0*(?:34|38|39|60|62)|#[xX]0*2[267]);", re.ASCII
)


@dataclass
class Webhook:
    """One webhook of the store, which is for one topic, as its settings page shows it."""

    webhook_id: int
    topic: str
    active: bool = True
    failure_count: int = 0
    pending_delivery: bool = False  # created, and its ping not answered with 200 yet


class WooCommerceStore:
    """Posts to one delivery address, a new connection each time.

    `source` is the store's home address as the header tells it (unsigned); `webhook_id` is the id
    of the first webhook, for order.created; the other topics follow. `timeout` is in seconds.
    """

    def __init__(
        self,
        source: str,
        secret: str,
        delivery_url: str,
        *,
        webhook_id: int = 1,
        clock: Clock | None = None,
        timeout: float = 60.0,
    ) -> None:
        self.source = source
        self.secret = secret
        self.delivery_url = delivery_url
        self.clock = clock or Clock()
        self.webhooks = {
            topic: Webhook(webhook_id=webhook_id + n, topic=topic) for n, topic in enumerate(TOPICS)
        }
        self._timeout = timeout

    def create_webhook(self, topic: str) -> Answer:
        """Makes the webhook of `topic` anew, active and counting from zero, and sends its ping."""
        webhook = Webhook(webhook_id=self._next_id(), topic=topic, pending_delivery=True)
        self.webhooks[topic] = webhook
        return self._ping(webhook)

    def ping(self, topic: str) -> Answer:
        """What saving the webhook of `topic` sends while its address is new."""
        return self._ping(self.webhook(topic))

    def deliver(
        self,
        topic: str,
        body: bytes,
        *,
        secret: str | None = None,
        forged: bool = False,
        chunked: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Delivery:
        """Signs `body` and posts it, once and for all; nothing is sent by a disabled webhook.

        `secret` signs with another one (the previous, say); `forged` with one nobody has.
        `headers` are sent on top.
        """
        webhook = self.webhook(topic)
        key = "nobody's secret" if forged else secret or self.secret
        delivery_id = self._delivery_id(webhook)
        resource, _, event = topic.partition(".")
        delivery = Delivery(
            topic=topic,
            delivery_id=delivery_id,
            url=self.delivery_url,
            headers=[
                ("User-Agent", USER_AGENT),
                ("Accept", "*/*"),
                ("Accept-Encoding", "deflate, gzip, br, zstd"),
                ("Content-Type", "application/json"),
                ("X-WC-Webhook-Source", self.source),
                ("X-WC-Webhook-Topic", topic),
                ("X-WC-Webhook-Resource", resource),
                ("X-WC-Webhook-Event", event),
                ("X-WC-Webhook-Signature", signature(key, body)),
                ("X-WC-Webhook-ID", str(webhook.webhook_id)),
                ("X-WC-Webhook-Delivery-ID", delivery_id),
                ("Connection", "close"),
                *(headers or {}).items(),
            ],
            body=body,
            chunked=chunked,
        )
        if webhook.active:
            self._attempt(webhook, delivery)
        return delivery

    def tell(self, story: Story) -> list[Delivery]:
        """Delivers every step of a story in its order."""
        return [self.deliver(step.topic, step.body) for step in story.steps]

    def webhook(self, topic: str) -> Webhook:
        """The webhook of `topic`; one of a topic not seen before is made, silently."""
        if topic not in self.webhooks:
            self.webhooks[topic] = Webhook(webhook_id=self._next_id(), topic=topic)
        return self.webhooks[topic]

    def enable(self, topic: str) -> None:
        """PUT {"status": "active"}. The count stays: the next failure disables it again."""
        self.webhook(topic).active = True

    def _attempt(self, webhook: Webhook, delivery: Delivery) -> None:
        answer = self._wire().post(delivery.headers, delivery.body, chunked=delivery.chunked)
        delivery.answers.append(answer)
        # Up to 302 is success, and 301 and 302 are not followed: a redirecting door loses orders.
        delivery.succeeded = answer.status is not None and 200 <= answer.status <= 302
        if delivery.succeeded:
            webhook.failure_count = 0
        elif webhook.failure_count < FAILURES_TOLERATED:
            webhook.failure_count += 1
        else:
            webhook.active = False
        if webhook.pending_delivery:  # every delivery saves the webhook, and saving pings
            self._ping(webhook)

    def _ping(self, webhook: Webhook) -> Answer:
        headers = [
            ("User-Agent", USER_AGENT),
            ("Accept", "*/*"),
            ("Accept-Encoding", "deflate, gzip, br, zstd"),
            ("Connection", "close"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ]
        answer = self._wire().post(headers, f"webhook_id={webhook.webhook_id}".encode())
        if answer.status == 200:
            webhook.pending_delivery = False
        return answer

    def _wire(self) -> Wire:
        return Wire(self.delivery_url, keep_alive=False, timeout=self._timeout)

    def _next_id(self) -> int:
        return max(webhook.webhook_id for webhook in self.webhooks.values()) + 1

    def _delivery_id(self, webhook: Webhook) -> str:
        # wp_hash() of the webhook and the second: two orders in one second share it.
        message = f"{webhook.webhook_id}{int(self.clock.now().timestamp())}"
        return hmac.new(self.source.encode(), message.encode(), hashlib.md5).hexdigest()


def signature(secret: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over the bytes as sent, with the secret's HTML entities decoded."""
    key = _DECODED_ENTITIES.sub(lambda entity: html.unescape(entity[0]), secret)
    return base64.b64encode(hmac.digest(key.encode(), body, "sha256")).decode()
