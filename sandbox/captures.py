"""Captured requests of real shops, made fit to be sent again.

WooCommerce's are whole requests, sent byte for byte as long as they are young enough for Meta; older
ones are moved in time and signed anew. Shopify's are bodies, often in an envelope of its REST API and
years old: each gets the topic it was about, the present time and a signature.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

STILL_YOUNG = timedelta(days=1)  # what a browser has told of is too old after two
AGE_OF_THE_REDATED = timedelta(hours=1)
MOMENT = re.compile(
    rb"(?P<moment>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?P<rest>\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)?"
)
ENVELOPES = (
    "order", "orders", "draft_order", "refund", "refunds", "checkouts", "transactions",
)  # fmt: skip
# What a body was about, by what its file's name says; the first that fits.
TOPICS = {
    "compliance_customers_data_request": "customers/data_request",
    "compliance_customers_redact": "customers/redact",
    "compliance_shop_redact": "shop/redact",
    "appuninstalled|app_uninstalled": "app/uninstalled",
    "scopes_update": "app/scopes_update",
    "bulk_?operations": "bulk_operations/finish",
    "checkoutsdelete": "checkouts/delete",
    "checkout": "checkouts/update",
    "cartscreate": "carts/create",
    "customerscreate": "customers/create",
    "disputes": "disputes/create",
    "draft_?order": "draft_orders/update",
    "orderedited": "orders/edited",
    "tendertransaction": "tender_transactions/create",
    "ordertransactions|transaction_list": "order_transactions/create",
    "refund(_|s|$)(?!ed)": "refunds/create",
    "_shop$": "shop/update",
    "cancel": "orders/cancelled",
    "": "orders/updated",
}


@dataclass(frozen=True, kw_only=True)
class Capture:
    """One request: `headers` as captured for WooCommerce, none for Shopify."""

    file: str
    platform: str
    topic: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    is_signed: bool = True  # as captured, and unchanged since


def woocommerce_captures(folder: Path, *, now: datetime) -> Iterator[Capture]:
    """The requests of `*.http` files, all moved by the same time, so that their order stays."""
    raw = {path.name: path.read_bytes() for path in sorted(folder.glob("*.http"))}
    parts = {name: content.partition(b"\r\n\r\n") for name, content in raw.items()}
    age = now - max(map(_newest, (body for _, _, body in parts.values())))
    shift = timedelta(0) if age < STILL_YOUNG else age - AGE_OF_THE_REDATED
    for name, (head, _, body) in parts.items():
        lines = head.decode("latin-1").split("\r\n")[1:]
        headers = tuple((key, value) for key, _, value in (line.partition(": ") for line in lines))
        topic = dict(headers).get("X-WC-Webhook-Topic", "")
        yield Capture(
            file=name,
            platform="woocommerce",
            topic=topic,
            body=moved(body, by=shift) if topic else body,
            headers=headers,
            is_signed=not shift,
        )


def shopify_captures(folder: Path, *, now: datetime) -> Iterator[Capture]:
    """The bodies of `*.json` files, the first of each, as webhooks of an hour ago."""
    for path in sorted(folder.glob("*.json")):
        body = json.dumps(_unwrapped(json.loads(path.read_bytes()))).encode()
        yield Capture(
            file=path.name,
            platform="shopify",
            topic=_topic(path.stem),
            body=moved(body, by=now - AGE_OF_THE_REDATED - _begun(body)),
        )


def moved(body: bytes, *, by: timedelta) -> bytes:
    """The body with every moment in it later by `by`, each in its own notation."""

    def move(found: re.Match[bytes]) -> bytes:
        text = found["moment"].decode()
        later = datetime.fromisoformat(text) + by
        notation = "%Y-%m-%dT%H:%M:%S" if "T" in text else "%Y-%m-%d %H:%M:%S"
        return later.strftime(notation).encode() + (found["rest"] or b"") + (found["zone"] or b"")

    return MOMENT.sub(move, body) if by else body


def _unwrapped(content: Any) -> Any:
    for name in ENVELOPES:
        if isinstance(content, dict) and name in content and len(content) <= 2:
            inner = content[name]
            return inner[0] if isinstance(inner, list) else inner
    return content


def _topic(stem: str) -> str:
    return next(topic for name, topic in TOPICS.items() if re.search(name, stem.lower()))


def _begun(body: bytes) -> datetime:
    """When the order was made; for a body without `created_at`, the newest moment in it."""
    if found := re.search(rb'"created_at"\s*:\s*"([^"]+)"', body):
        return _newest(found[1])
    return _newest(body)


def _newest(body: bytes) -> datetime:
    moments = [
        datetime.fromisoformat((found["moment"] + (found["zone"] or b"Z")).decode())
        for found in MOMENT.finditer(body)
    ]
    return max(moments, default=datetime.min.replace(tzinfo=UTC))
