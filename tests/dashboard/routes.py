"""Every address of the site behind the login, and what of Acme's each one is about."""

import re
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from dashboard.audit.sealing import public_key
from dashboard.models import Alert, AlertChannel, SavedFilter
from shop_webhooks.models import ShopNotice
from stores.models import (
    ApiToken,
    Colleague,
    Invitation,
    KeyHandover,
    Pixel,
    PixelMapping,
    Store,
    Workspace,
)
from tests import factories

NOW = timezone.now()
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|MERGE|TRUNCATE)\b", re.IGNORECASE)
# Doors that are open, or have a lock of their own (the admin: is_staff; webhooks: a signature; the
# hand-over of a key: a state that is used once; an invitation: its link; what is framed in Shopify's
# admin: a session token, see tests/stores/shopify/test_embedded.py).
OPEN = {"healthz", "readyz", "metrics", "woocommerce_callback", "join", "invited"}
OTHER_LOCKS = ("admin/", "api/", "webhooks/", "collect/", "shopify/")
# Pages of other packages than the dashboard.
BUTTONS = {
    "language",
    "dashboard:resumption",
    "dashboard:settlement",
    "dashboard:check",
    "dashboard:draw_up_balance",
    "dashboard:change_dataset",
    "dashboard:save_filter",
    "dashboard:acknowledge",
    "dashboard:change_channel",
    "dashboard:remove_filter",
    "dashboard:change_mapping",
    "dashboard:revocation",
    "dashboard:change_member",
    "dashboard:revoke_token",
    "dashboard:invite",
    "dashboard:invite_many",
    "dashboard:morning_mail",
    "dashboard:uninvite",
    "dashboard:forget",
    "dashboard:hand_over",
}
OUTSIDE = {
    "language",
    "connect_shopify",
    "connect_woocommerce",
    "woocommerce_handover",
    "new_workspace",
}


def pages() -> Iterator[URLPattern]:
    """Every pattern of the site that is behind the login."""

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[URLPattern]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            elif pattern.lookup_str.startswith("allauth."):
                continue  # of one's own account: test_architecture.py names those without a login
            elif not route.startswith(OTHER_LOCKS) and (pattern.name or route) not in OPEN:
                yield pattern

    yield from walk(get_resolver().url_patterns, "")


def named(pattern: URLPattern) -> str:
    return str(pattern.name) if pattern.name in OUTSIDE else f"dashboard:{pattern.name}"


@pytest.fixture
def addresses(workspace: Workspace, store: Store, pixel: Pixel) -> dict[str, str]:
    """The address of every page, for what belongs to Alice."""
    event = factories.an_event(store, pixel, order_id="1042")
    known = {"store_id": store.pk, "pixel_id": pixel.pk, "event_id": event.pk, "order_id": "1042"}
    known["colleague_id"] = Colleague.objects.create(
        workspace=workspace, email="dora@example.com", role="client", invited_by=factories.a_user()
    ).pk
    mapping = PixelMapping.objects.create(store=store, pixel=pixel, position=7)
    known["mapping_id"] = mapping.pk
    known["handover_id"] = KeyHandover.objects.create(
        workspace=workspace, user=factories.a_user(), url="https://kitchen.example"
    ).pk
    known["alert_id"] = Alert.objects.create(
        workspace=workspace, cause="rejects", store=store, opened_at=NOW, seen_at=NOW
    ).pk
    known["channel_id"] = AlertChannel.objects.create(workspace=workspace, kind="members").pk
    known["filter_id"] = SavedFilter.objects.create(
        user=factories.a_user(), store=store, name="Mine", query="state=waiting"
    ).pk
    known["invitation_id"] = Invitation.objects.create(
        workspace=workspace, invited_by=factories.a_user(), whom="Boutique Lyon"
    ).pk
    known["member_id"] = (
        factories.a_member(workspace, "erin", role="analyst").membership_set.get().pk
    )
    public_key()
    known["request_id"] = ShopNotice.objects.create(
        shop=store.domain,
        topic="customers/redact",
        notice_key=b"x" * 16,
        done_at=NOW,
        outcome="erased_1",
        orders=["7"],
    ).pk
    known["token_id"] = ApiToken.objects.create(
        workspace=workspace, user=factories.a_user(), name="Reports"
    ).pk
    return {
        named(pattern): reverse(
            named(pattern),
            kwargs={name: known[name] for name in pattern.pattern.converters},
        )
        for pattern in pages()
    }
