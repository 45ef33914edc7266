from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from stores.models import User
from tests import factories

THROTTLED = "Too many tries. Please wait 15 minutes, then try again."


@pytest.fixture(autouse=True)
def no_failures_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice(db: None) -> User:
    return factories.a_user("alice")


@pytest.mark.parametrize("email", ["alice@example.com", " Alice@Example.COM "])
def test_a_user_logs_in_with_the_e_mail_in_any_case(
    client: Client, alice: User, email: str
) -> None:
    answer = log_in(client, email=email)

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/").status_code == 200


def test_then_leads_to_the_page_that_was_asked_for(client: Client, alice: User) -> None:
    asked = client.get("/stores/1/?state=rejected")
    answer = log_in(client, next="/stores/1/?state=rejected")

    assert asked["Location"] == "/login/?next=/stores/1/%3Fstate%3Drejected"
    assert answer["Location"] == "/stores/1/?state=rejected"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:0"])
def test_never_leads_to_another_site(client: Client, alice: User, elsewhere: str) -> None:
    assert log_in(client, next=elsewhere)["Location"] == "/"


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com", "no address"])
def test_a_wrong_password_and_an_unknown_user_hear_the_same(
    client: Client, alice: User, email: str
) -> None:
    answer = log_in(client, email=email, password="wrong")

    assert (answer.status_code, errors(answer)) == (
        200,
        ["This e-mail address and this password don't belong together. Please try again."],
    )


def test_an_inactive_user_stays_out(client: Client, alice: User) -> None:
    User.objects.update(is_active=False)

    answer = log_in(client)

    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session


def test_after_five_failures_even_the_right_password_waits(client: Client, alice: User) -> None:
    tries = [log_in(client, password="wrong").status_code for _number in range(5)]
    answer = log_in(client, email="ALICE@example.com")

    assert tries == [200] * 5
    assert (answer.status_code, errors(answer)) == (429, [THROTTLED])


def test_other_users_and_other_addresses_are_not_held_up(client: Client, alice: User) -> None:
    factories.a_user("bob")
    for _number in range(5):
        log_in(client, password="wrong")

    assert log_in(Client(), email="bob@example.com").status_code == 302
    assert log_in(Client(REMOTE_ADDR="203.0.113.9")).status_code == 302


def test_a_success_forgives_the_failures_before_it(client: Client, alice: User) -> None:
    for _number in range(4):
        log_in(client, password="wrong")
    log_in(Client())

    assert [log_in(Client(), password="wrong").status_code for _number in range(5)] == [200] * 5


def test_an_empty_password_forgives_nothing(client: Client, alice: User) -> None:
    for _number in range(4):
        log_in(client, password="wrong")
    log_in(client, password="")
    log_in(client, password="wrong")

    assert log_in(client).status_code == 429


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(
    client: Client, alice: User, settings: Any
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for number in range(5):
        said = f"198.51.100.{number}, 203.0.113.9"  # the first part is the visitor's invention
        log_in(client, password="wrong", headers={"X-Forwarded-For": said})

    same = log_in(client, headers={"X-Forwarded-For": "203.0.113.9"})
    other = log_in(client, headers={"X-Forwarded-For": "203.0.113.10"})

    assert (same.status_code, other.status_code) == (429, 302)


def test_the_admins_own_login_has_the_same_throttle(client: Client, alice: User) -> None:
    User.objects.update(is_staff=True)
    for _number in range(5):
        log_in(client, password="wrong", door="/admin/login/")

    at_the_admin = log_in(client, door="/admin/login/")
    at_the_front = log_in(client)

    assert errors(at_the_admin) == [THROTTLED]
    assert at_the_front.status_code == 429


def test_logging_out_needs_a_press_and_leads_to_the_login(client: Client, alice: User) -> None:
    client.force_login(alice)

    followed_link = client.get("/logout/")
    pressed = client.post("/logout/")

    assert followed_link.status_code == 405
    assert (pressed.status_code, pressed["Location"]) == (302, "/login/")
    assert client.get("/")["Location"] == "/login/?next=/"


def log_in(
    client: Client,
    *,
    email: str = "alice@example.com",
    password: str = factories.PASSWORD,
    door: str = "/login/",
    headers: dict[str, str] | None = None,
    **fields: str,
) -> Any:
    given = {"username": email, "password": password, **fields}
    return client.post(door, given, headers=headers)


def errors(answer: Any) -> list[str]:
    return list(answer.context["form"].non_field_errors())
