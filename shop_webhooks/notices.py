"""What Shopify tells of a shop and of its customers' rights: kept, carried out, and proved.

A notice is kept before it is acted upon, like a delivery. Its signature covers the body alone: which
shop it means is read there, and must agree with the header.
https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.dateparse import parse_datetime

from conversions import visits
from conversions.models import BrowserVisit, ConversionEvent
from purchases.shops.delivery import DeliveryHead
from purchases.shops.shopify import shop_domain
from shop_webhooks import erasing
from shop_webhooks.inbox import delivery_key
from shop_webhooks.models import ShopNotice
from stores.models import Pixel, ShopifyInstallation, Store, User
from stores.secrets import CannotOpen, master, new_store_key
from stores.shopify import installing
from stores.sql import rows

log = structlog.get_logger(__name__)

MUST_BE_DONE_WITHIN = timedelta(days=30)
SEALED_FOR = "shop_notice.body"
DATA_REQUEST, CUSTOMER_REDACT = "customers/data_request", "customers/redact"

KEEP = """
INSERT INTO shop_webhooks_shopnotice (shop, topic, notice_key, triggered_at, due_at, body)
VALUES (%s, %s, %s, %s, statement_timestamp() + %s, %s) ON CONFLICT DO NOTHING RETURNING id
"""


def store_notice(*, head: DeliveryHead, body: bytes) -> bool:
    """Keep the notice once, however often it comes; True if it is new."""
    key = delivery_key(head=head, body=body)
    due = MUST_BE_DONE_WITHIN if head.topic in COMPLIANCE else None
    sealed = master().seal(body, purpose=SEALED_FOR)
    values = (head.shop, head.topic, key, _moment(head.triggered_at), due, sealed)
    return bool(rows(KEEP, values))


def ask_to_forget(store: Store, *, order_ids: Sequence[str], email: str) -> ShopNotice:
    """Keep a customer's wish, of which the store's merchant tells us by their orders or `email`; to be
    carried out like Shopify's."""
    said = {"orders_to_redact": list(order_ids), "customer": {"email": email}}
    return ShopNotice.objects.create(
        shop=store.domain,
        store=store,
        topic=CUSTOMER_REDACT,
        notice_key=secrets.token_bytes(16),
        due_at=Now() + MUST_BE_DONE_WITHIN,
        body=master().seal(msgspec.json.encode(said), purpose=SEALED_FOR),
    )


def carry_out_all(*, now: datetime) -> int:
    """Carry out what is not done yet, in the order in which it came; returns how many."""
    undone = ShopNotice.objects.filter(done_at=None).order_by("pk").values_list("pk", flat=True)
    return sum(carry_out(pk, now=now) for pk in undone)


@transaction.atomic
def carry_out(pk: int, *, now: datetime) -> bool:
    """Carry one notice out, unless it is done, or somebody is at it; whether it was done here."""
    undone = ShopNotice.objects.select_for_update(skip_locked=True, of=("self",))
    notice = undone.filter(pk=pk, done_at=None).first()
    return notice is not None and _carry_out(notice, now=now)


def export(notice: ShopNotice, stores: QuerySet[Store] | None = None) -> dict[str, Any]:
    """What we hold, in `stores` or in all that were the shop's, of the customer that a
    `customers/data_request` names. Raises CannotOpen."""
    said = _read(notice)
    stores = stores_of(notice) if stores is None else stores
    order_ids = [str(number) for number in said.get("orders_requested") or ()]
    found = erasing.deliveries_of(stores, order_ids=order_ids, customer=said.get("customer") or {})
    kept = [
        {"order": delivery.order_id, "received_at": delivery.received_at, "body": msgspec.Raw(body)}
        for delivery, body in found
    ]
    order_ids += [delivery.order_id for delivery, _body in found if delivery.order_id]
    told = BrowserVisit.objects.filter(store__in=stores, order_id__in=order_ids)
    events = ConversionEvent.objects.filter(store__in=stores, order_id__in=order_ids)
    ledger = events.values("order_id", "order_name", "pixel__pixel_id", "state", "accepted_at")
    return {
        "shop": notice.shop,
        "request": notice.pk,
        "deliveries": kept,
        "browser": [msgspec.to_builtins(visit) for visit in visits.opened(told)],
        "ledger": list(ledger),
    }


def answered(notice: ShopNotice, *, now: datetime) -> None:
    """The merchant has been given the export."""
    _close(notice, "exported", now=now)


def _carry_out(notice: ShopNotice, *, now: datetime) -> bool:
    try:
        said = _read(notice)
    except (CannotOpen, msgspec.DecodeError):
        log.error("notice.unreadable", notice=notice.pk, topic=notice.topic)
        return False
    named = said.get("shop_domain") or said.get("myshopify_domain") or notice.shop
    if notice.store_id is None and shop_domain(str(named)) != notice.shop:
        _close(notice, "another_shop", now=now)
        return True
    outcome = TOPICS[notice.topic](notice, said, now)
    if outcome == "waits_for_export":
        return False
    _close(notice, outcome, now=now)
    log.info("notice.done", notice=notice.pk, topic=notice.topic, outcome=outcome)
    return True


def _close(notice: ShopNotice, outcome: str, *, now: datetime) -> None:
    notice.done_at, notice.outcome, notice.body = now, outcome, None
    notice.save(update_fields=["done_at", "outcome", "body", "orders"])


def _read(notice: ShopNotice) -> dict[str, Any]:
    body = master().open(bytes(notice.body or b""), purpose=SEALED_FOR)
    said = msgspec.json.decode(body)
    return said if isinstance(said, dict) else {}


def _uninstalled(notice: ShopNotice, said: dict[str, Any], now: datetime) -> str:
    return installing.uninstall(notice.shop, triggered_at=notice.triggered_at, now=now)


def _rescoped(notice: ShopNotice, said: dict[str, Any], now: datetime) -> str:
    return installing.rescope(notice.shop, said.get("current"), triggered_at=notice.triggered_at)


def _shop_changed(notice: ShopNotice, said: dict[str, Any], now: datetime) -> str:
    store = installing.connected_store(notice.shop)
    if store is None:
        return "not_installed"
    installing.set_facts(
        store,
        name=said.get("name"),
        time_zone=said.get("iana_timezone"),
        host=said.get("domain"),
    )
    return "noted"


def _data_requested(notice: ShopNotice, said: dict[str, Any], now: datetime) -> str:
    """The merchant has 30 days to answer; where nothing is held, there is nothing to hand over."""
    held = export(notice)
    return "waits_for_export" if held["deliveries"] or held["ledger"] else "nothing_held"


def _customer_redacted(notice: ShopNotice, said: dict[str, Any], now: datetime) -> str:
    """Bodies and payloads go; the ledger's rows hold no person."""
    erased = erasing.forget(
        stores_of(notice),
        order_ids=[str(number) for number in said.get("orders_to_redact") or ()],
        customer=said.get("customer") or {},
    )
    notice.orders = list(erased.orders)
    return f"erased_{erased.records}"


def _shop_redacted(notice: ShopNotice, said: dict[str, Any], now: datetime) -> str:
    """Two days after the uninstall. A shop that has the app again is left alone."""
    installation = ShopifyInstallation.objects.filter(
        store__domain=notice.shop, state__in=("active", "needs_merchant")
    )
    if installation.exists():
        return "installed_again"
    stores = list(Store.objects.filter(shopify__isnull=False, domain=notice.shop))
    notice.orders = [erasing.ALL]
    erased = erasing.forget_all(
        Store.objects.filter(pk__in=[each.pk for each in stores]), before=now
    )
    erased += User.objects.filter(only_store__in=stores).delete()[1].get("stores.User", 0)
    for store in stores:
        if store.shopify.made_workspace:  # an agency's datasets are the agency's
            Pixel.objects.filter(workspace=store.workspace_id).update(access_token="")
        # With its key goes whatever a backup still holds of its shoppers.
        Store.objects.filter(pk=store.pk).update(
            name=store.key, access_token="", sealed_key=new_store_key()
        )
    return f"erased_{erased}"


def stores_of(notice: ShopNotice) -> QuerySet[Store]:
    """Whose orders it is about: the store whose merchant told us, or all that were Shopify's shop."""
    if notice.store_id:
        return Store.objects.filter(pk=notice.store_id)
    return Store.objects.filter(platform=Store.Platform.SHOPIFY, domain=notice.shop)


def _moment(said: str) -> datetime | None:
    """Shopify writes nanoseconds."""
    whole, _, fraction = said.removesuffix("Z").partition(".")
    try:
        return parse_datetime(f"{whole}.{fraction[:6] or '0'}+00:00")
    except ValueError:
        return None


Act = Callable[[ShopNotice, dict[str, Any], datetime], str]

COMPLIANCE: dict[str, Act] = {
    DATA_REQUEST: _data_requested,
    CUSTOMER_REDACT: _customer_redacted,
    "shop/redact": _shop_redacted,
}
TOPICS: dict[str, Act] = COMPLIANCE | {
    "app/uninstalled": _uninstalled,
    "app/scopes_update": _rescoped,
    "shop/update": _shop_changed,
}
