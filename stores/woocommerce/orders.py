"""Reads a shop's orders back: what a webhook has not told, the shop still knows.

https://developer.woocommerce.com/docs/apis/rest-api/v3/orders/
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Raw, Struct

from stores.models import Store
from stores.shops import ChangedOrders, ShopError
from stores.woocommerce.client import json_of
from stores.woocommerce.probe import rest_of

PER_PAGE = 100
# The shop's times are whole seconds, and "after" leaves the second itself out.
RESOLUTION = timedelta(seconds=1)


class _Dated(Struct):
    date_modified_gmt: str


def read_changed(*, store: Store, since: datetime) -> Iterator[ChangedOrders]:
    """The orders that changed after `since`, oldest change first; a page is asked for when taken.

    Pages by the moment of the change, not by number: an order that changes while we read moves to the
    end, and by number the one after it would be skipped. The last second of a page is read again.
    """
    rest = rest_of(store)
    after, page = since.astimezone(UTC).replace(microsecond=0), 1
    while True:
        answer = rest.ask("GET", "/wc/v3/orders", _query(after, page))
        try:
            bodies = msgspec.json.decode(json_of(answer), type=list[Raw])
            changes = [_changed_at(body) for body in bodies]
        except (msgspec.MsgspecError, ValueError):
            raise ShopError("unreadable_answer_of_shop") from None
        complete = len(bodies) < PER_PAGE
        yield ChangedOrders(
            bodies=[bytes(body) for body in bodies],
            read_up_to=changes[-1] if changes else None,
            complete=complete,
        )
        if complete:
            return
        # More orders of one second than fit on a page: only then go on by number.
        next_after = changes[-1] - RESOLUTION
        after, page = (next_after, 1) if next_after > after else (after, page + 1)


def _query(after: datetime, page: int) -> dict[str, str]:
    """Dates in UTC and without a Z: with one, WordPress would shift them by the shop's offset.

    No `_fields`: an order is to read the same, to the byte, as in a webhook.
    """
    return {
        "modified_after": after.strftime("%Y-%m-%dT%H:%M:%S"),
        "dates_are_gmt": "true",
        "orderby": "modified",
        "order": "asc",
        "status": "any",
        "per_page": str(PER_PAGE),
        "page": str(page),
    }


def _changed_at(body: Raw) -> datetime:
    text = msgspec.json.decode(body, type=_Dated).date_modified_gmt
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
