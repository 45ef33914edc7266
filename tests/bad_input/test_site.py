"""H, O, A, X: odd requests to the site itself, and what it lets out."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from stores.models import Membership, User
from tests import factories
from tests.pipeline import a_kept_order, an_order, read_all


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=pytest.mark.case(case))
        for case, paths in {
            "H28": ("/%00", "/..%2f..%2f", "/%c0%ae%c0%ae/", "/webhooks/%00", "/stores/%00/"),
            "A20": (
                "/.git/config",
                "/.env",
                "/docs",
                "/static/../manage.py",
                "/static/%2e%2e/manage.py",
            ),
        }.items()
        for path in paths
    ],
)
def test_an_address_that_leads_nowhere_leads_nowhere(db: None, path: str) -> None:
    answer = Client().get(path)

    assert answer.status_code in (302, 404)
    assert "/login/" in answer.headers.get("Location", "/login/")
    assert b"SECRET" not in answer.content


@pytest.mark.case("A20")
def test_health_tells_nothing_more_for_being_asked_verbosely(db: None) -> None:
    assert Client().get("/healthz?verbose").content == Client().get("/healthz").content


@pytest.mark.case("A22")
def test_no_other_site_may_read_an_answer(acme: SimpleNamespace) -> None:
    client = Client()
    client.force_login(factories.a_member(acme.workspace))
    for path in ("/", "/login/", f"/stores/{acme.lyon.pk}/", "/api/v1/ledger"):
        answer = client.options(path, headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.case("A21")
def test_a_page_that_fails_tells_nothing_of_the_inside(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(factories.a_member(acme.workspace))

    def fails(*given: object, **named: object) -> None:
        raise RuntimeError("token EAA-acme of zoe@example.com at postgres://u:p@db")

    monkeypatch.setattr("dashboard.views.home.read_home", fails)
    answer = client.get(f"/stores/{acme.lyon.pk}/")

    assert answer.status_code == 500
    for word in ("EAA-acme", "zoe@example.com", "postgres", "Traceback", settings.SECRET_KEY):
        assert word not in answer.content.decode()


@pytest.mark.case("O17")
def test_a_session_that_somebody_planted_is_not_the_one_after_the_login(db: None) -> None:
    client = Client()
    user = factories.a_user()
    client.get("/login/")
    session = client.session
    session["planted"] = "1"
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = planted

    client.post("/login/", {"login": user.email, "password": factories.PASSWORD})

    assert client.session.session_key != planted
    assert client.get("/").status_code == 200


@pytest.mark.case("A09")
@pytest.mark.parametrize("path", ["/signup/", "/workspaces/new/", "/team/", "/alerts/morning"])
def test_a_field_that_a_form_does_not_have_changes_nothing(
    acme: SimpleNamespace, settings: Any, path: str
) -> None:
    settings.SIGN_UP = settings.SENDS_MAIL = True
    client = Client()
    rita = factories.a_member(acme.workspace, "rita", role="client")
    if path != "/signup/":
        client.force_login(rita)
    client.post(
        path,
        {
            "email": "new@example.com",
            "password1": "a-long-enough-pass-4711",
            "workspace": "Mine" if path != "/team/" else acme.workspace.pk,
            "name": "x",
            "is_staff": "1",
            "is_superuser": "1",
            "role": "owner",
            "user": "1",
            "only_store": "",
            "status": "sent",
            "created_at": "2001-01-01",
        },
    )

    assert not User.objects.filter(is_staff=True).exists()
    assert Membership.objects.get(user=rita, workspace=acme.workspace).role == "client"


@pytest.mark.case("X02", "X03", "J27", "V34", "J28")
def test_what_an_order_is_called_is_text_wherever_it_is_shown(acme: SimpleNamespace) -> None:
    evil = "</script><script>alert(1)</script>\u202e<img src=x onerror=alert(2)>"
    client = Client()
    client.force_login(factories.a_member(acme.workspace))
    acme.lyon.name = evil
    acme.lyon.save()
    a_kept_order(acme.lyon, an_order(1001, name=evil, note=evil, email=f"{evil}@example.com"))
    read_all()

    for page in ("", "orders/", "orders/1001/", "preview/", "report/", "deliveries/"):
        told = client.get(f"/stores/{acme.lyon.pk}/{page}").content.decode()
        assert "<script>alert" not in told
        assert "<img src=x" not in told
    assert "<script>alert" not in client.get("/").content.decode()


@pytest.mark.case("X08")
def test_a_path_cannot_write_a_line_of_the_log(db: None, caplog: pytest.LogCaptureFixture) -> None:
    Client().get("/stores/1%0aERROR fake/")

    assert all("\nERROR fake" not in record.getMessage() for record in caplog.records)


@pytest.mark.case("A17")
@pytest.mark.parametrize(
    "query",
    [
        "?page=" + "9" * 12,
        "?before=" + "9" * 30,
        "?q=" + "x" * 5_000,
        "?days=" + "9" * 9,
        "?state=%00",
    ],
)
def test_a_question_beyond_all_measure_has_an_answer(acme: SimpleNamespace, query: str) -> None:
    client = Client()
    client.force_login(factories.a_member(acme.workspace))

    for page in ("orders/", "deliveries/", "balance/", "speed/", "report/", "preview/"):
        assert client.get(f"/stores/{acme.lyon.pk}/{page}{query}").status_code in (200, 404)


@pytest.mark.case("H02")
@pytest.mark.parametrize(
    "method", ["TRACE", "CONNECT", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]
)
def test_a_webhook_is_posted_and_nothing_else(acme: SimpleNamespace, method: str) -> None:
    answer = Client().generic(method, acme.kitchen.webhook_path, b"{}")

    assert answer.status_code == 405
    if method != "HEAD":
        assert json.loads(answer.content)["error"]["code"] == "method_not_allowed"
