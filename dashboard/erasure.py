"""The certificate of an erasing: signed, and to be checked by anybody, without us.

It names the request, the orders by number, and how much was erased; it names no person.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db.models import Q, QuerySet
from msgspec import Struct

from conversions.models import ConversionEvent
from dashboard.audit.sealing import public_key, sign
from shop_webhooks.erasing import ALL, Left, forget, forget_all, left_of
from shop_webhooks.models import ShopNotice
from shop_webhooks.notices import stores_of
from stores.models import Store

FORMAT = "connector-erasure/1"
TOPICS = ("customers/redact", "shop/redact")


class Broken(Exception):
    """This is no certificate, or it was changed, or another key has signed it."""


class Certificate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was asked, what was done, and what was found to be left, at once afterwards and today."""

    format: str
    request: int
    shop: str
    store: str  # "workspace/key" where one store's merchant has asked; "" where Shopify has, of the shop
    topic: str
    orders: Sequence[str]
    asked_at: str
    erased_at: str
    records: int
    left: Left
    checked_at: str
    public_key: str
    signature: str = ""


def orders_called(store: Store, name: str) -> list[str]:
    """The ids of the store's orders that the ledger knows by this number or name: `1001`, `#1001`."""
    name = name.strip()
    known = ConversionEvent.objects.filter(store=store)
    named = Q(order_id=name) | Q(order_name__in=[name, f"#{name}"])
    return sorted(set(known.filter(named).values_list("order_id", flat=True)))


def certifiable() -> QuerySet[ShopNotice]:
    """The requests by which something was erased, or nothing was there to erase."""
    return ShopNotice.objects.filter(topic__in=TOPICS, outcome__startswith="erased_").defer("body")


def certify(notice: ShopNotice, *, now: datetime) -> bytes:
    """The certificate as it is handed out: one JSON document."""
    stores = stores_of(notice)
    bare = Certificate(
        format=FORMAT,
        request=notice.pk,
        shop=notice.shop,
        store=f"{notice.store.workspace.slug}/{notice.store.key}" if notice.store else "",
        topic=notice.topic,
        orders=list(notice.orders),
        asked_at=notice.received_at.isoformat(),
        erased_at=notice.done_at.isoformat() if notice.done_at else "",
        records=int(notice.outcome.removeprefix("erased_")),
        left=left_of(stores, orders=notice.orders, before=notice.done_at or now),
        checked_at=now.isoformat(),
        public_key=public_key(),
    )
    signed = msgspec.structs.replace(bare, signature=sign(_signed_text(bare)))
    return msgspec.json.format(msgspec.json.encode(signed), indent=2)


def read_certificate(raw: bytes, *, key: str = "") -> Certificate:
    """The certificate, if its signature is that of its own text (and of `key`). Raises Broken."""
    try:
        found = msgspec.json.decode(raw, type=Certificate)
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(found.public_key))
        public.verify(bytes.fromhex(found.signature), _signed_text(found))
    except (msgspec.DecodeError, ValueError):
        raise Broken(f"This is no certificate of the form {FORMAT}.") from None
    except InvalidSignature:
        raise Broken("The certificate was changed after it was signed.") from None
    if found.format != FORMAT:
        raise Broken(f"This is no certificate of the form {FORMAT}.")
    if key and key.lower() != found.public_key:
        raise Broken(f"It was signed by another key: {found.public_key}.")
    return found


def erase_again(certificate: Certificate) -> int:
    """After a backup was restored: forget once more what the certificate says was forgotten."""
    workspace, _slash, key = certificate.store.partition("/")
    stores = (
        Store.objects.filter(workspace__slug=workspace, key=key)
        if certificate.store
        else Store.objects.filter(platform=Store.Platform.SHOPIFY, domain=certificate.shop)
    )
    if ALL in certificate.orders:
        return forget_all(stores, before=datetime.fromisoformat(certificate.erased_at))
    return forget(stores, order_ids=certificate.orders, customer={}).records


def _signed_text(certificate: Certificate) -> bytes:
    bare = msgspec.structs.replace(certificate, signature="")
    return msgspec.json.encode(bare, order="sorted")
