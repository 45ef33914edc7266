"""Every address, as a stranger and as nobody. A new page that is not named in routes.py fails."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from stores.models import Store, User, Workspace
from tests import factories
from tests.dashboard.routes import BUTTONS, WRITES, addresses, named, pages

__all__ = ["addresses"]


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
