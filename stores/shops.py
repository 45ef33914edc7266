"""What is common to asking a shop's own API, whatever its platform."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from stores.models import Store


class ShopError(Exception):
    """The shop gave no answer to use. `reason` is one of docs/glossary.md; `retry_after` in seconds."""

    def __init__(self, reason: str, *, retry_after: float = 0, location: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.location = location  # where the shop says it lives, unchecked


class OrderPage(Struct, frozen=True, kw_only=True):
    """A page of orders as the shop wrote them; all of them before `read_up_to` have been read."""

    bodies: list[bytes]
    read_up_to: datetime | None  # by the shop's clock; None for an empty page
    complete: bool  # whether nothing follows
    announced: int | None = None  # how many orders the shop says there are from this page on


class ReadChanged(Protocol):
    """Reads the orders of a store that changed since a moment, oldest change first.

    It asks for each page when it is taken, and raises ShopError.
    """

    def __call__(self, *, store: Store, since: datetime) -> Iterator[OrderPage]:
        """The pages, the last one `complete`."""


class ReadPlaced(Protocol):
    """Reads the orders of a store that were placed within a span, oldest first; raises ShopError."""

    def __call__(self, *, store: Store, since: datetime, until: datetime) -> Iterator[OrderPage]:
        """The pages of [since, until), the last one `complete`."""
