"""Reads a shop's orders back: what a webhook has not told, the shop still knows.

https://developer.woocommerce.com/docs/apis/rest-api/v3/orders/
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from stores.models import Store
from stores.shops import OrderPage, ShopError
from stores.woocommerce.client import json_of
from stores.woocommerce.probe import rest_of

PER_PAGE = 100
# The shop's times are whole seconds, and "after" leaves the second itself out.
RESOLUTION = timedelta(seconds=1)


class _Dated(Struct):
    date_created_gmt: str
    date_modified_gmt: str


def read_changed(*, store: Store, since: datetime) -> Iterator[OrderPage]:
    """The orders that changed after `since`, oldest change first; a page is asked for when taken."""
    return _pages(store, after=since, by="modified")


def read_placed(*, store: Store, since: datetime, until: datetime) -> Iterator[OrderPage]:
    """The orders that were placed in [since, until), oldest first; a page is asked for when taken."""
    return _pages(store, after=_second(since) - RESOLUTION, by="date", before=_iso(until))


def _pages(
    store: Store, *, after: datetime, by: Literal["modified", "date"], before: str = ""
) -> Iterator[OrderPage]:
    """Pages by moment, not by number: an order that changes while we read moves to the end, and by
    number the one after it would be skipped. The last second of a page is read again."""
    rest = rest_of(store)
    after, page = _second(after), 1
    names = ("modified_after", "modified_before") if by == "modified" else ("after", "before")
    field = "date_modified_gmt" if by == "modified" else "date_created_gmt"
    while True:
        limits = {names[0]: _iso(after)} | ({names[1]: before} if before else {})
        answer = rest.ask("GET", "/wc/v3/orders", _query(limits, by, page))
        try:
            bodies = msgspec.json.decode(json_of(answer), type=list[Raw])
            moments = [_moment(body, field) for body in bodies]
        except (msgspec.MsgspecError, ValueError):
            raise ShopError("unreadable_answer_of_shop") from None
        complete = len(bodies) < PER_PAGE
        yield OrderPage(
            bodies=[bytes(body) for body in bodies],
            read_up_to=moments[-1] if moments else None,
            complete=complete,
            announced=_announced(answer.headers.get("x-wp-total", "")),
        )
        if complete:
            return
        # More orders of one second than fit on a page: only then go on by number.
        next_after = moments[-1] - RESOLUTION
        after, page = (next_after, 1) if next_after > after else (after, page + 1)


def _query(limits: dict[str, str], by: str, page: int) -> dict[str, str]:
    """Dates in UTC and without a Z: with one, WordPress would shift them by the shop's offset.

    No `_fields`: an order is to read the same, to the byte, as in a webhook.
    """
    return limits | {
        "dates_are_gmt": "true",
        "orderby": by,
        "order": "asc",
        "status": "any",
        "per_page": str(PER_PAGE),
        "page": str(page),
    }


def _moment(body: Raw, field: str) -> datetime:
    text = getattr(msgspec.json.decode(body, type=_Dated), field)
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _announced(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None
