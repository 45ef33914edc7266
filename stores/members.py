"""Who may see a workspace: making a user if need be, and giving a role."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from stores.models import Membership, User, Workspace


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
    Membership.objects.update_or_create(workspace=workspace, user=user, defaults={"role": role})
