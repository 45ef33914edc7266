"""`member` lets a person see a workspace."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from stores.models import Membership, User
from tests.factories import PASSWORD, a_member, a_workspace

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def workspace():
    return a_workspace("acme")


@pytest.fixture
def type_in(monkeypatch):
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def member(*options):
    out = io.StringIO()
    call_command("member", *options, stdout=out)
    return out.getvalue()


def test_a_new_person_gets_the_role_and_the_password_that_was_given(type_in):
    type_in("a long and windy road\n")

    said = member("Alice@Example.com", "--role", "owner", "--password-stdin")

    user = User.objects.get()
    assert said == "Alice@Example.com is owner of acme\n"
    assert user.email == "alice@example.com"
    assert user.check_password("a long and windy road") is True
    assert Membership.objects.get(user=user).role == "owner"


def test_without_a_password_and_a_terminal_one_is_made_up_and_printed_once(type_in):
    type_in("")

    told = json.loads(member("alice@example.com", "--role", "client", "--json"))

    assert User.objects.get().check_password(told["password"]) is True
    assert (told["workspace"], told["role"], told["new"]) == ("acme", "client", True)


def test_a_second_time_changes_the_role_and_keeps_the_password(workspace, type_in):
    type_in("")
    user = a_member(workspace, "alice", role="owner")

    said = member("alice@example.com", "--role", "analyst")

    user.refresh_from_db()
    assert said == "alice@example.com is analyst of acme\n"
    assert Membership.objects.get().role == "analyst"
    assert user.check_password(PASSWORD) is True


@pytest.mark.parametrize(
    ("email", "password", "message"),
    [
        ("bob@example.com", "short", "This password is too short."),
        ("bob@example.com", "", "There is no password on standard input."),
        ("not an address", "a long and windy road", "Enter a valid email address."),
    ],
)
def test_what_cannot_be_accepted_makes_nobody(type_in, email, password, message):
    type_in(password)

    with pytest.raises(CommandError, match=message) as caught:
        member(email, "--role", "owner", "--password-stdin")

    assert caught.value.returncode == 2
    assert User.objects.count() == 0


def test_an_unknown_workspace_is_refused_with_those_there_are():
    with pytest.raises(CommandError) as caught:
        member("bob@example.com", "--role", "owner", "--workspace", "nope")

    assert str(caught.value) == "There is no workspace 'nope'. The workspaces here: acme."
