"""The platforms that can be connected: each is a module of three functions.

Adding one: a module that satisfies `Shop`, a line in `PLATFORMS`, a folder of payloads in
`tests/payloads/`; the shared conformance tests then run by themselves (docs/adding-a-platform.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Protocol

from purchases.order import Order
from purchases.shops import shopify, woocommerce
from purchases.shops.delivery import DeliveryHead, NotAnOrder


class Shop(Protocol):
    """What a platform's module offers."""

    def read_headers(self, headers: Mapping[str, str]) -> DeliveryHead:
        """Read the delivery's headers; missing ones leave "" behind. Never raises."""

    def verify(self, body: bytes, *, head: DeliveryHead, secrets: Sequence[str]) -> bool:
        """Whether one of `secrets` (current, then previous) has signed the raw `body`."""

    def parse_order(self, body: bytes, *, topic: str, zone: tzinfo) -> Order | NotAnOrder:
        """Read the body. `zone` is the store's, for moments without one.

        Raises UnreadableOrder, and nothing else, whatever the bytes.
        """


PLATFORMS: dict[str, Shop] = {"shopify": shopify, "woocommerce": woocommerce}
