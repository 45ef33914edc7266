"""How long a login lasts, who must have a second factor, and that the trail tells of logins."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client

from stores.accounts import presence
from stores.models import ConfigChange
from tests import factories

MINUTE = 60


@pytest.fixture
def alice(acme: SimpleNamespace, client: Client) -> Client:
    """Her browser, logged in."""
    factories.a_member(acme.workspace)
    enter(client)
    return client


def enter(client: Client, password: str = factories.PASSWORD) -> None:
    client.post("/login/", {"login": "alice@example.com", "password": password})


def let_pass(client: Client, minutes: int, *names: str) -> None:
    """Let so many minutes pass since what `names` say."""
    session = client.session
    for name in names:
        session[name] = int(time.time()) - minutes * MINUTE
    session.save()


@pytest.mark.parametrize(
    ("minutes", "since", "status"),
    [
        (29, [presence.SEEN], 200),
        (31, [presence.SEEN], 302),
        (12 * 60 - 1, [presence.BEGAN], 200),
        (12 * 60 + 1, [presence.BEGAN], 302),
    ],
)
def test_half_an_hour_of_nothing_or_twelve_hours_of_anything_end_a_login(
    alice: Client, minutes: int, since: list[str], status: int
) -> None:
    let_pass(alice, minutes, *since)

    answer = alice.get("/")

    assert answer.status_code == status
    assert ("_auth_user_id" in alice.session) == (status == 200)
    if status == 302:
        assert answer["Location"] == "/login/?next=/"
        assert "You have been logged out" in alice.get("/login/").content.decode()


def test_whoever_goes_on_stays_in(alice: Client) -> None:
    for _time in range(3):
        let_pass(alice, 20, presence.SEEN)
        assert alice.get("/").status_code == 200


def test_a_page_that_looks_for_news_by_itself_keeps_nobody_in(alice: Client) -> None:
    let_pass(alice, 20, presence.SEEN)
    before = alice.session[presence.SEEN]

    assert alice.get("/", headers={"Sec-Fetch-Mode": "cors"}).status_code == 200
    assert alice.session[presence.SEEN] == before

    assert alice.get("/", headers={"Sec-Fetch-Mode": "navigate"}).status_code == 200
    assert alice.session[presence.SEEN] > before


def test_a_press_after_the_end_changes_nothing(alice: Client, acme: SimpleNamespace) -> None:
    let_pass(alice, 31, presence.SEEN)

    answer = alice.post(f"/stores/{acme.lyon.pk}/consent/", {"policy": "required"})

    acme.lyon.refresh_from_db()
    assert (answer.status_code, acme.lyon.consent) == (302, {})


def test_no_browser_keeps_a_page_of_somebodys(alice: Client) -> None:
    assert "no-store" in alice.get("/")["Cache-Control"]
    assert not alice.get("/").has_header("Clear-Site-Data")
    assert alice.post("/logout/")["Clear-Site-Data"] == '"cache", "storage"'


def test_the_trail_tells_of_each_login_and_of_what_was_refused(alice: Client) -> None:
    enter(Client(), "wrong")
    enter(Client(), "wrong again")

    said = ConfigChange.objects.filter(kind="login").order_by("pk")
    page = alice.get("/changes/").content.decode()

    assert [change.after["outcome"] for change in said] == ["let_in", "refused", "refused"]
    assert page.count("Login") >= 3
    assert "wrong" not in page


class TestDemanded:
    @pytest.fixture(autouse=True)
    def demanded(self, settings: Any) -> None:
        settings.SECOND_FACTOR_REQUIRED = True

    @pytest.mark.parametrize("role", ["owner", "operator"])
    def test_who_may_change_anything_is_led_to_a_second_factor(
        self, acme: SimpleNamespace, client: Client, role: str
    ) -> None:
        user = factories.a_member(acme.workspace, role=role)
        enter(client)

        shut = [client.get(path) for path in ("/", f"/stores/{acme.lyon.pk}/", "/admin/")]
        assert {answer.status_code for answer in shut} == {302}
        assert shut[0]["Location"] == "/second-factor/totp/activate/"
        assert client.get("/logout/").status_code == 200

        TOTP.activate(user, generate_totp_secret())
        assert client.get("/").status_code == 200

    @pytest.mark.parametrize("role", ["analyst", "client"])
    def test_who_only_reads_may_do_without(
        self, acme: SimpleNamespace, client: Client, role: str
    ) -> None:
        factories.a_member(acme.workspace, role=role)
        enter(client)

        assert client.get("/").status_code == 200

    def test_staff_of_the_installation_are_asked_too(self, db: None, client: Client) -> None:
        staff = factories.a_user("staff")
        staff.is_staff = staff.is_superuser = True
        staff.save()
        client.force_login(staff)

        assert client.get("/admin/")["Location"] == "/second-factor/totp/activate/"
