"""Every address, as a stranger and as nobody. A new page that is not named here fails."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from dashboard.models import Alert, AlertChannel, SavedFilter
from stores.models import (
    ApiToken,
    Colleague,
    Invitation,
    KeyHandover,
    Pixel,
    PixelMapping,
    Store,
    User,
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
    "dashboard:morning_mail",
    "dashboard:uninvite",
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


@pytest.mark.parametrize("page", [named(pattern) for pattern in pages()])
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_is_sent_to_the_login(
    client: Client, addresses: dict[str, str], page: str, method: str
) -> None:
    answer = getattr(client, method)(addresses[page])

    assert answer.status_code == 302
    assert answer.headers.get("Location", "/login/").startswith("/login/")


@pytest.mark.parametrize(
    "page", [named(pattern) for pattern in pages() if pattern.pattern.converters]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_nothing(
    client: Client, addresses: dict[str, str], page: str, method: str
) -> None:
    factories.a_member(factories.a_workspace("elsewhere"), "charlie")
    client.force_login(factories.a_user("charlie"))

    answer = getattr(client, method)(addresses[page])

    assert answer.status_code in (404, 405)
    assert "Lyon" not in answer.content.decode()


@pytest.mark.parametrize("page", [named(pattern) for pattern in pages()])
def test_a_colleague_sees_what_alice_sees(
    client: Client, alice: User, workspace: Workspace, addresses: dict[str, str], page: str
) -> None:
    client.force_login(factories.a_member(workspace, "bob"))

    answer = client.get(addresses[page])

    is_button = page in BUTTONS
    # Only the browser that began a hand-over may finish it.
    is_alices_own = page == "woocommerce_handover"
    assert answer.status_code == (405 if is_button else 404 if is_alices_own else 200)


def test_the_stores_page_of_a_stranger_is_empty(client: Client, addresses: dict[str, str]) -> None:
    client.force_login(factories.a_user("charlie"))

    answer = client.get("/")

    assert answer.context["rows"] == []
    assert answer.context["broken_pixels"] == []


def test_an_id_that_no_database_can_hold_is_no_error(page: Client) -> None:
    assert page.get(f"/stores/{10**30}/").status_code == 404


def test_nothing_may_be_framed_and_no_inline_code_may_run(page: Client) -> None:
    answer = page.get("/")

    assert answer["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert " style=" not in answer.content.decode()


@pytest.mark.parametrize("page", [named(pattern) for pattern in pages()])
def test_looking_at_a_page_changes_nothing(
    client: Client, addresses: dict[str, str], store: Store, page: str
) -> None:
    client.force_login(factories.a_member(store.workspace))
    written: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if WRITES.match(sql) and "django_session" not in sql:
            written.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        answer = client.get(addresses[page])

    assert answer.status_code in (200, 302, 404, 405)
    assert written == []
