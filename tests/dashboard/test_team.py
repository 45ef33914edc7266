"""Who may do what: owners decide, a workspace is never left without one, tokens open and close."""

import pytest
from django.test import Client
from django.utils import timezone

from stores import api_tokens
from stores.models import ApiToken, ConfigChange, Membership, Store, User, Workspace
from tests import factories


@pytest.fixture
def erin(workspace: Workspace) -> Membership:
    return factories.a_member(workspace, "erin", role="analyst").membership_set.get()


def change(page: Client, member: Membership, role: str) -> str:
    answer = page.post(f"/team/members/{member.pk}/change", {"role": role}, follow=True)
    return answer.content.decode()


def test_an_owner_gives_roles_and_takes_them(page: Client, erin: Membership) -> None:
    assert "erin@example.com has a new role." in change(page, erin, "operator")
    assert Membership.objects.get(pk=erin.pk).role == "operator"

    assert "erin@example.com is no longer in the workspace" in change(page, erin, "")
    assert not Membership.objects.filter(pk=erin.pk).exists()


@pytest.mark.parametrize("role", ["", "client", "operator"])
def test_a_workspace_is_never_left_without_an_owner(page: Client, alice: User, role: str) -> None:
    mine = alice.membership_set.get()

    assert "A workspace needs an owner" in change(page, mine, role)
    assert Membership.objects.get(pk=mine.pk).role == "owner"


def test_a_role_that_is_none_changes_nothing(page: Client, erin: Membership) -> None:
    assert page.post(f"/team/members/{erin.pk}/change", {"role": "root"}).status_code == 422
    assert page.post(f"/team/members/{erin.pk}/change").status_code == 422
    assert Membership.objects.get(pk=erin.pk).role == "analyst"


@pytest.mark.parametrize("role", ["operator", "analyst", "client"])
def test_only_owners_see_the_team_and_change_it(
    client: Client, workspace: Workspace, erin: Membership, role: str
) -> None:
    client.force_login(factories.a_member(workspace, "bob", role=role))

    assert "erin@example.com" not in client.get("/team/").content.decode()
    answer = client.post(f"/team/members/{erin.pk}/change", {"role": ""})
    assert answer.status_code == 404
    assert Membership.objects.filter(pk=erin.pk).exists()


def test_a_token_is_shown_once_and_kept_as_a_digest(page: Client, workspace: Workspace) -> None:
    made = page.post("/team/", {"name": "Monday report", "workspace": workspace.pk})
    token = str(made.context["token"])
    kept = ApiToken.objects.get()

    assert token in made.content.decode()
    assert token not in page.get("/team/").content.decode()
    assert token not in str(vars(kept))
    assert kept.last_four == token[-4:]
    assert not kept.may_send


def test_a_token_for_a_workspace_of_others_is_not_made(page: Client) -> None:
    elsewhere = factories.a_workspace("elsewhere")

    answer = page.post("/team/", {"name": "Theirs", "workspace": elsewhere.pk})

    assert answer.status_code == 422
    assert not ApiToken.objects.exists()


def test_who_may_only_read_makes_no_token_that_sends(client: Client, workspace: Workspace) -> None:
    client.force_login(factories.a_member(workspace, "bob", role="client"))

    answer = client.post("/team/", {"name": "Mine", "workspace": workspace.pk, "may_send": "on"})

    assert answer.status_code == 422
    assert "Your role only reads" in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_staff_of_one_shop_see_no_team_and_make_no_token(
    client: Client, workspace: Workspace, store: Store, erin: Membership
) -> None:
    bob = factories.a_member(workspace, "bob")
    User.objects.filter(pk=bob.pk).update(only_store=store)
    client.force_login(bob)

    assert "erin@example.com" not in client.get("/team/").content.decode()
    made = client.post("/team/", {"name": "Mine", "workspace": workspace.pk})
    assert made.status_code == 422
    assert client.post(f"/team/members/{erin.pk}/change", {"role": ""}).status_code == 404


def test_who_made_and_took_back_a_token_is_written_down(page: Client, workspace: Workspace) -> None:
    made = page.post("/team/", {"name": "Monday report", "workspace": workspace.pk})
    kept = ApiToken.objects.get()
    api_tokens.find(str(made.context["token"]), now=timezone.now())  # a use is no change
    page.post(f"/team/tokens/{kept.pk}/revocation")
    written = ConfigChange.objects.filter(kind="stores_apitoken").order_by("pk")

    assert [(each.before is None, each.after is None) for each in written] == [
        (True, False),
        (False, True),
    ]
    assert {each.actor for each in written} == {f"user {kept.user_id}"}
    assert kept.digest not in str([each.after for each in written])
    assert "Token Monday report" in page.get("/changes/").content.decode()


def test_a_token_is_taken_back_by_its_owner_alone(
    page: Client, client: Client, alice: User, workspace: Workspace
) -> None:
    page.post("/team/", {"name": "Monday report", "workspace": workspace.pk})
    token = ApiToken.objects.get()
    colleague = Client()
    colleague.force_login(factories.a_member(workspace, "bob"))

    assert colleague.post(f"/team/tokens/{token.pk}/revocation").status_code == 404
    assert page.post(f"/team/tokens/{token.pk}/revocation").status_code == 302
    assert not ApiToken.objects.exists()


def test_who_is_taken_out_leaves_no_token_behind(
    page: Client, workspace: Workspace, erin: Membership
) -> None:
    api_tokens.issue(
        workspace=workspace, user=erin.user, name="Hers", may_send=False, now=timezone.now()
    )

    change(page, erin, "")

    assert not ApiToken.objects.exists()
