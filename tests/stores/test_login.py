from typing import Any

import pytest
from django.test import Client

from stores.models import User
from tests import factories

THROTTLED = "Too many tries. Please wait 15 minutes, then try again."


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


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
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

    assert answer["Location"] == "/inactive/"
    assert "_auth_user_id" not in client.session


def test_after_five_failures_even_the_right_password_waits(client: Client, alice: User) -> None:
    tries = [log_in(client, password="wrong").status_code for _number in range(5)]
    answer = log_in(client, email="ALICE@example.com")

    assert tries == [200] * 5
    assert (answer.status_code, errors(answer)) == (200, [THROTTLED])


def test_other_users_and_other_addresses_are_not_held_up(client: Client, alice: User) -> None:
    factories.a_user("bob")
    for _number in range(5):
        log_in(client, password="wrong")

    assert log_in(Client(), email="bob@example.com").status_code == 302
    assert log_in(Client(REMOTE_ADDR="203.0.113.9")).status_code == 302


def test_a_success_forgives_nothing_and_costs_nothing(client: Client, alice: User) -> None:
    """Else who knows one password could try another's for ever."""
    for _number in range(4):
        log_in(client, password="wrong")
    log_in(Client())
    log_in(Client(), password="wrong")

    assert errors(log_in(Client())) == [THROTTLED]


def test_twenty_tries_are_all_that_an_account_takes_from_whatever_addresses(
    client: Client, alice: User
) -> None:
    for number in range(20):
        log_in(Client(REMOTE_ADDR=f"203.0.113.{number}"), password="wrong")

    assert errors(log_in(Client(REMOTE_ADDR="198.51.100.1"))) == [THROTTLED]


def test_an_empty_password_forgives_nothing(client: Client, alice: User) -> None:
    for _number in range(4):
        log_in(client, password="wrong")
    log_in(client, password="")
    log_in(client, password="wrong")

    assert errors(log_in(client)) == [THROTTLED]


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(
    client: Client, alice: User, settings: Any
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for number in range(5):
        said = f"198.51.100.{number}, 203.0.113.9"  # the first part is the visitor's invention
        log_in(client, password="wrong", headers={"X-Forwarded-For": said})

    same = log_in(client, headers={"X-Forwarded-For": "203.0.113.9"})
    other = log_in(client, headers={"X-Forwarded-For": "203.0.113.10"})

    assert (errors(same), other.status_code) == ([THROTTLED], 302)


def test_the_admin_has_no_door_of_its_own(client: Client, alice: User) -> None:
    User.objects.update(is_staff=True)
    answer = client.get("/admin/login/?next=/admin/")
    log_in(client)

    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/login/")
    assert client.get("/admin/").status_code == 200


def test_logging_out_needs_a_press_and_leads_to_the_login(client: Client, alice: User) -> None:
    client.force_login(alice)

    followed_link = client.get("/logout/")
    still_in = client.get("/").status_code
    pressed = client.post("/logout/")

    assert followed_link.status_code == 200  # asks
    assert still_in == 200
    assert (pressed.status_code, pressed["Location"]) == (302, "/login/")
    assert client.get("/")["Location"] == "/login/?next=/"


def log_in(
    client: Client,
    *,
    email: str = "alice@example.com",
    password: str = factories.PASSWORD,
    headers: dict[str, str] | None = None,
    **fields: str,
) -> Any:
    given = {"login": email, "password": password, **fields}
    return client.post("/login/", given, headers=headers)


def errors(answer: Any) -> list[str]:
    return list(answer.context["form"].non_field_errors())
