"""Who may see a workspace, and who may change it."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from stores.models import ApiToken, Membership, User, Workspace


@transaction.atomic
def add_member(*, workspace: Workspace, email: str, role: str, password: str) -> None:
    """Give the user of `email` the `role`; `password` ("" keeps the present one) is set if given.

    A new user needs one. Raises django's ValidationError for a password that is too weak.
    """
    user = User.objects.filter(email__iexact=email).first()
    if password:
        validate_password(password, user or User(email=email))
    if user is None:
        user = User.objects.create_user(email, password)
    elif password:
        user.set_password(password)
        user.save(update_fields=["password"])
    if password:
        # Whoever gives a password gives it to the person of this address. Without one somebody else
        # may have signed up with it, who must prove it first.
        EmailAddress.objects.update_or_create(
            user=user, email=user.email, defaults={"verified": True, "primary": True}
        )
    Membership.objects.update_or_create(workspace=workspace, user=user, defaults={"role": role})


def user_of(request: HttpRequest) -> User:
    """Who is logged in, on a page that the login's middleware lets nobody else come to."""
    user: User = request.user  # type: ignore[assignment]  # anonymous too, as far as types know
    return user


def changeable_workspaces(user: User) -> QuerySet[Workspace]:
    """The workspaces that `user` may add stores to: as an owner or operator.

    Staff who came from one shop's admin may add none: they see that store alone.
    """
    mine = Membership.objects.filter(user=user, role__in=Membership.MAY_CHANGE)
    if user.only_store_id is not None:
        mine = mine.none()
    return Workspace.objects.filter(pk__in=mine.values("workspace")).order_by("name", "pk")


def joined_workspaces(user: User) -> QuerySet[Workspace]:
    """The workspaces that `user` sees as a whole, in whatever role."""
    found = Workspace.objects.filter(members=user).order_by("name", "pk")
    return found if user.only_store_id is None else found.none()


def owned_workspaces(user: User) -> QuerySet[Workspace]:
    """The workspaces whose team `user` may change: as an owner, and not as staff of one shop."""
    mine = Membership.objects.filter(user=user, role=Membership.Role.OWNER)
    if user.only_store_id is not None:
        mine = mine.none()
    return Workspace.objects.filter(pk__in=mine.values("workspace")).order_by("name", "pk")


class LastOwner(Exception):
    """Nobody would be left who may change the team."""


@transaction.atomic
def change_role(member: Membership, *, role: str) -> None:
    """Give a member another `role`; "" takes them out of the workspace. Raises LastOwner."""
    owners = Membership.objects.select_for_update().filter(
        workspace=member.workspace_id, role=Membership.Role.OWNER
    )
    if role != Membership.Role.OWNER and [owner.pk for owner in owners] == [member.pk]:
        raise LastOwner
    if role:
        Membership.objects.filter(pk=member.pk).update(role=role)
    else:
        ApiToken.objects.filter(workspace=member.workspace_id, user=member.user_id).delete()
        member.delete()
