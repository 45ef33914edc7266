"""One plain function per model: a row that is valid and says nothing of itself unless asked to.

The cast: Alice and Bob, her colleague, work for Acme; Charlie is a stranger.
"""

import functools
import itertools
import json
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password

from conversions.models import (
    AttemptedEvent,
    ConfigVersion,
    ConversionEvent,
    SendAttempt,
    State,
)
from purchases.mapping import Rules
from shop_webhooks.models import WebhookDelivery
from stores.models import Membership, Pixel, PixelMapping, Store, User, Workspace

PASSWORD = "correct horse battery"
numbers = itertools.count(100_001)  # none that a test would write by hand


def a_user(name: str = "alice") -> User:
    """The user `name`@example.com, whose address is proved, with the password `PASSWORD`; made once,
    then found again."""
    user, new = User.objects.get_or_create(
        email=f"{name}@example.com", defaults={"password": hashed_password()}
    )
    if new:
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


@functools.cache
def hashed_password() -> str:
    """Hashed once: it takes as long as it has to, and most tests never check it."""
    return make_password(PASSWORD)


def a_workspace(slug: str = "acme", **fields: Any) -> Workspace:
    return Workspace.objects.create(slug=slug, **{"name": slug.title(), **fields})


def a_member(workspace: Workspace, name: str = "alice", *, role: str = "owner") -> User:
    """The user `name`, as a member of the workspace."""
    user = a_user(name)
    Membership.objects.create(workspace=workspace, user=user, role=role)
    return user


def a_store(workspace: Workspace, **fields: Any) -> Store:
    key = fields.pop("key", f"store-{next(numbers)}")
    given = {
        "name": key.title(),
        "platform": Store.Platform.SHOPIFY,
        "domain": f"{key}.myshopify.com",
        "url": f"https://{key}.example",
    }
    return Store.objects.create(workspace=workspace, key=key, **(given | fields))


def a_pixel(workspace: Workspace, **fields: Any) -> Pixel:
    given = {"pixel_id": f"100000000{next(numbers)}", "name": "Main", "access_token": "a-token"}
    return Pixel.objects.create(workspace=workspace, **(given | fields))


def a_mapping(store: Store, pixel: Pixel, **fields: Any) -> PixelMapping:
    given = {"position": store.mappings.count()}
    return PixelMapping.objects.create(store=store, pixel=pixel, **(given | fields))


def a_delivery(store: Store | None, **fields: Any) -> WebhookDelivery:
    given = {
        "delivery_key": secrets.token_bytes(16),
        "topic": "orders/paid",
        "state": WebhookDelivery.State.RECORDED,
        "order_id": str(next(numbers)),
    }
    return WebhookDelivery.objects.create(store=store, **(given | fields))


def an_event(store: Store, pixel: Pixel, **fields: Any) -> ConversionEvent:
    """An event of an order of its own, placed a minute ago and accepted, unless told otherwise."""
    placed_at = fields.get("event_time") or datetime.now(UTC) - timedelta(minutes=1)
    order_id = fields.pop("order_id", str(next(numbers)))
    state = fields.get("state", State.ACCEPTED)
    accepted = state == State.ACCEPTED
    given = {
        "order_name": f"#{order_id}",
        "event_name": "Purchase",
        "event_id": "" if state in (State.WAITING, State.SKIPPED) else order_id,
        "state": state,
        "value": Decimal("46.08"),
        "currency": "EUR",
        "event_time": placed_at,
        "order_updated_at": placed_at,
        "received_at": placed_at + timedelta(seconds=2),
        "not_before": placed_at + timedelta(seconds=3),
        "cut_off": placed_at + timedelta(days=7) - timedelta(hours=1),
        "accepted_at": placed_at + timedelta(seconds=6) if accepted else None,
        "attempts": 1 if accepted else 0,
        "fbtrace_id": "Atrace0123456789" if accepted else "",
    }
    return ConversionEvent.objects.create(
        store=store, pixel=pixel, order_id=order_id, **(given | fields)
    )


def a_config_version(rules: Rules) -> str:
    """The rules, kept for the pages that tell of them; their version."""
    given = {"rules": json.loads(msgspec.json.encode(rules))}
    ConfigVersion.objects.get_or_create(version=rules.version, defaults=given)
    return rules.version


def an_attempt(*events: ConversionEvent, **fields: Any) -> SendAttempt:
    """A request that carried the events; it was answered, and accepted, within 0.4 s."""
    started_at = fields.pop("started_at", events[0].not_before + timedelta(seconds=1))
    given = {
        "pixel": events[0].pixel,
        "lease_token": uuid.uuid4(),
        "started_at": started_at,
        "finished_at": started_at + timedelta(seconds=0.4),
        "event_count": len(events),
        "outcome": SendAttempt.Outcome.ACCEPTED,
        "http_status": 200,
        "fbtrace_id": "Atrace0123456789",
    }
    attempt = SendAttempt.objects.create(**(given | fields))
    AttemptedEvent.objects.bulk_create(
        AttemptedEvent(attempt=attempt, event=event) for event in events
    )
    return attempt
