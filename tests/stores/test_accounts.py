"""Accounts: sign-up, the proof of an address, the forgotten password, the second factor, colleagues."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail
from django.test import Client
from django.urls import get_resolver

from stores.models import Colleague, Membership, User, Workspace
from tests import factories

COLLEAGUE = {"colleague-email": "x@example.com", "colleague-role": "analyst"}
GOOD = "a-long-enough-pass-4711"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def mails(settings: Any) -> None:
    assert get_resolver().url_patterns  # made once, and by the settings of that moment
    settings.SIGN_UP = settings.SENDS_MAIL = True
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True


def sign_up(client: Client, email: str, **fields: str) -> Any:
    return client.post("/signup/", {"email": email, "password1": GOOD, **fields}, follow=True)


def code_in(message: Any) -> str:
    found = re.search(r"^[A-Z0-9]{4}-[A-Z0-9]{4}$", message.body, re.MULTILINE)
    assert found, message.body
    return found[0]


def test_a_stranger_signs_up_proves_the_address_and_owns_a_workspace(client: Client) -> None:
    sign_up(client, "New@Shop.example", workspace="Boutique Zoé")
    shut = client.get("/").status_code
    [message] = mail.outbox
    done = client.post("/confirm-email/", {"code": code_in(message)}, follow=True)

    assert (shut, message.to) == (302, ["new@shop.example"])
    assert done.redirect_chain[-1] == ("/", 302)
    [member] = Membership.objects.filter(user__email="new@shop.example")
    assert (member.role, member.workspace.slug, member.workspace.name) == (
        "owner",
        "boutique-zoe",
        "Boutique Zoé",
    )


def test_an_address_that_is_not_proved_opens_nothing_with_the_right_password(
    client: Client,
) -> None:
    sign_up(client, "new@shop.example", workspace="Boutique")
    other = Client()
    other.post("/login/", {"login": "new@shop.example", "password": GOOD})

    assert other.get("/")["Location"].startswith("/login/")


def test_signing_up_with_a_known_address_looks_the_same_and_tells_its_owner(client: Client) -> None:
    factories.a_user("alice")
    known = sign_up(client, "alice@example.com", workspace="Mine")
    fresh = sign_up(Client(), "new@shop.example", workspace="Mine")

    assert known.redirect_chain == fresh.redirect_chain
    assert not Workspace.objects.filter(name="Mine", members__email="alice@example.com").exists()
    assert mail.outbox[0].to == ["alice@example.com"]


def test_two_workspaces_of_one_name_have_addresses_of_their_own(client: Client) -> None:
    sign_up(client, "a@shop.example", workspace="Boutique")
    sign_up(Client(), "b@shop.example", workspace="Boutique")

    assert set(Workspace.objects.filter(name="Boutique").values_list("slug", flat=True)) == {
        "boutique",
        "boutique-2",
    }


@pytest.mark.parametrize(("sign_up_open", "sends_mail"), [(False, True), (True, False)])
def test_an_installation_that_is_shut_or_proves_no_address_takes_no_strangers(
    client: Client, settings: Any, sign_up_open: bool, sends_mail: bool
) -> None:
    settings.SIGN_UP, settings.SENDS_MAIL = sign_up_open, sends_mail

    answer = sign_up(client, "new@shop.example", workspace="Mine")

    assert "By invitation" in answer.content.decode()
    assert "Make an account" not in client.get("/login/").content.decode()
    assert not User.objects.exists()


def test_a_forgotten_password_is_set_anew_once_and_ends_the_other_sessions(
    client: Client, settings: Any
) -> None:
    settings.APP_URL = "https://connector.example"
    alice = factories.a_user("alice")
    elsewhere = Client()
    elsewhere.force_login(alice)

    client.post("/password/reset/", {"email": "alice@example.com"}, headers={"Host": "localhost"})
    [message] = mail.outbox
    link = re.search(r"https://connector\.example(/password/reset/key/\S+)", message.body)
    assert link, message.body
    form = client.get(link[1], follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": GOOD, "password2": GOOD})
    again = Client().get(link[1], follow=True)

    alice.refresh_from_db()
    assert alice.check_password(GOOD)
    assert elsewhere.get("/")["Location"].startswith("/login/")
    assert "form" not in (again.context or {}) or "password1" not in again.content.decode()


def test_a_reset_for_nobody_answers_as_for_somebody(client: Client) -> None:
    factories.a_user("alice")
    answers = [
        client.post("/password/reset/", {"email": email})
        for email in ("alice@example.com", "nobody@example.com")
    ]

    assert [(each.status_code, each["Location"]) for each in answers] == [
        (302, "/password/reset/done/")
    ] * 2


def test_a_second_factor_is_asked_for_at_the_login_and_sealed_in_the_database(
    client: Client,
) -> None:
    alice = factories.a_user("alice")
    enter(client, alice)
    asked_again = client.get("/second-factor/totp/activate/")["Location"]
    page = client.post(asked_again, {"password": factories.PASSWORD}, follow=True)
    secret = page.context["form"].secret
    client.post("/second-factor/totp/activate/", {"code": now_of(secret)})
    [kept] = Authenticator.objects.filter(type="totp")

    other = Client()
    first = enter(other, alice)
    shut = other.get("/").status_code
    wrong = other.post("/second-factor/authenticate/", {"code": "000000"})
    recovery = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    other.post("/second-factor/authenticate/", {"code": recovery})

    assert secret not in str(kept.data)
    assert (first["Location"].split("?")[0], shut) == ("/second-factor/authenticate/", 302)
    assert wrong.status_code == 200
    assert other.get("/").status_code == 200


def test_changing_the_password_asks_for_the_present_one_and_tells_the_owner(client: Client) -> None:
    alice = factories.a_user("alice")
    enter(client, alice)
    given = {"oldpassword": "wrong", "password1": GOOD, "password2": GOOD}
    refused = client.post("/password/change/", given)
    client.post("/password/change/", given | {"oldpassword": factories.PASSWORD})

    alice.refresh_from_db()
    assert refused.status_code == 200
    assert alice.check_password(GOOD)
    assert client.get("/").status_code == 200  # one's own session lives on
    assert [message.to for message in mail.outbox] == [["alice@example.com"]]


def test_other_sessions_are_seen_and_ended(client: Client) -> None:
    alice = factories.a_user("alice")
    enter(client, alice)
    elsewhere = Client(HTTP_USER_AGENT="An old telephone")
    enter(elsewhere, alice)

    page = client.get("/sessions/").content.decode()
    client.post("/sessions/")

    assert "An old telephone" in page
    assert elsewhere.get("/")["Location"].startswith("/login/")
    assert client.get("/").status_code == 200


def test_a_password_is_kept_with_argon2() -> None:
    assert factories.a_user("alice").password.startswith("argon2$argon2id$")


# --- Colleagues ---


@pytest.fixture
def workspace() -> Workspace:
    made = factories.a_workspace("acme")
    factories.a_member(made, "alice")
    return made


@pytest.fixture
def link(client: Client, workspace: Workspace) -> str:
    client.force_login(User.objects.get(email="alice@example.com"))
    given = {"colleague-workspace": workspace.pk, **COLLEAGUE, "colleague-email": "Bob@Example.com"}
    shown = client.post("/team/invitations/", given)
    client.logout()
    mail.outbox.clear()
    found = re.search(r"/invited/[\w-]+/", shown.content.decode())
    assert found, shown.content.decode()
    return found[0]


def test_an_invited_colleague_signs_up_with_the_address_and_joins_by_a_press(
    client: Client, link: str, settings: Any
) -> None:
    settings.SIGN_UP = False
    page = client.get(link).content.decode()
    wrong = sign_up(client, "other@example.com")
    sign_up(client, "bob@example.com", next=link)
    back = client.post("/confirm-email/", {"code": code_in(mail.outbox[-1])})
    before = Membership.objects.filter(user__email="bob@example.com").count()
    joined = client.post(link, follow=True)

    assert "alice@example.com asks bob@example.com into the workspace" in page
    assert "The invitation is for bob@example.com." in wrong.content.decode()
    assert (back["Location"], before) == (link, 0)
    assert "You are now in" in joined.content.decode()
    assert Membership.objects.get(user__email="bob@example.com").role == "analyst"
    assert client.get(link).status_code == 404  # used


def test_the_link_lets_nobody_else_in(client: Client, link: str) -> None:
    client.force_login(factories.a_user("carol"))

    answer = client.post(link)

    assert answer.status_code == 403
    assert Client().post(link).status_code == 403
    assert Colleague.objects.count() == 1


def test_an_invitation_lowers_no_role_that_one_has(client: Client, link: str) -> None:
    bob = factories.a_user("bob")
    workspace = Workspace.objects.get()
    Membership.objects.create(workspace=workspace, user=bob, role="operator")
    client.force_login(bob)
    client.post(link)

    assert Membership.objects.get(user=bob).role == "operator"


def test_an_invitation_is_over_after_a_week_and_when_it_is_taken_back(
    client: Client, link: str
) -> None:
    from datetime import timedelta

    from django.utils import timezone

    Colleague.objects.update(created_at=timezone.now() - timedelta(days=8))
    old = client.get(link).status_code
    Colleague.objects.update(created_at=timezone.now())
    client.force_login(User.objects.get(email="alice@example.com"))
    client.post(f"/team/invitations/{Colleague.objects.get().pk}/revocation")

    assert old == 404
    assert client.get(link).status_code == 404


def test_only_an_owner_invites(client: Client, workspace: Workspace) -> None:
    bob = factories.a_user("bob")
    Membership.objects.create(workspace=workspace, user=bob, role="operator")
    client.force_login(bob)

    answer = client.post("/team/invitations/", COLLEAGUE)

    assert answer.status_code == 404
    assert not Colleague.objects.exists()


def test_a_day_has_so_many_invitations_and_workspaces_for_one_person(
    client: Client, workspace: Workspace, settings: Any
) -> None:
    """Else a stranger's sign-up would be a way to mail the world."""
    settings.ACCOUNT_RATE_LIMITS |= {"invite": "2/d/user", "new_workspace": "2/d/user"}
    client.force_login(User.objects.get(email="alice@example.com"))
    given = COLLEAGUE | {"colleague-workspace": workspace.pk}
    for number in range(4):
        client.post("/team/invitations/", given | {"colleague-email": f"x{number}@example.com"})
        last = client.post("/workspaces/new/", {"workspace": f"Number {number}"})

    assert len(mail.outbox) == Colleague.objects.count() == 2
    assert Workspace.objects.filter(name__startswith="Number").count() == 2
    assert "Go on tomorrow." in last.content.decode()


def test_who_has_no_workspace_opens_one(client: Client) -> None:
    client.force_login(factories.a_user("dora"))
    page = client.get("/").content.decode()
    client.post("/workspaces/new/", {"workspace": "Dora's"})

    assert "/workspaces/new/" in page
    assert Membership.objects.get(user__email="dora@example.com").workspace.name == "Dora's"


def enter(client: Client, user: User) -> Any:
    return client.post("/login/", {"login": user.email, "password": factories.PASSWORD})


def now_of(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return format_hotp_value(hotp_value(secret, counter))


def test_the_operators_command_vouches_for_an_address_only_with_a_password(
    workspace: Workspace,
) -> None:
    from stores.members import add_member

    squatter = factories.a_user("eve")
    EmailAddress.objects.filter(user=squatter).update(verified=False)
    add_member(workspace=workspace, email="eve@example.com", role="client", password="")
    add_member(workspace=workspace, email="finn@example.com", role="client", password=GOOD)

    assert not EmailAddress.objects.get(email="eve@example.com").verified
    assert EmailAddress.objects.get(email="finn@example.com").verified
