"""Tokens of programs: made once, shown once, kept as a digest."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db.models import Q

from stores.models import ApiToken, Membership, User, Workspace
from stores.secrets import digest

PREFIX = "cnt_"  # so that a scanner of repositories knows one when it sees it
USE_IS_NOTED_EVERY = timedelta(minutes=1)


def issue(*, workspace: Workspace, user: User, name: str, may_send: bool, now: datetime) -> str:
    """Make a token that acts as `user` in `workspace`; returns it, which nobody can be told again."""
    token = PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(
        workspace=workspace,
        user=user,
        name=name,
        may_send=may_send,
        digest=digest(token),
        last_four=token[-4:],
        created_at=now,
    )
    return token


def find(token: str, *, now: datetime) -> ApiToken | None:
    """The token, if it has any force: its user is a member, may log in, and sees the whole workspace."""
    known = ApiToken.objects.select_related("workspace", "user")
    found: ApiToken | None = known.filter(
        digest=digest(token), user__is_active=True, user__only_store=None
    ).first()
    if found is None or role_of(found) is None:
        return None
    lately = Q(used_at=None) | Q(used_at__lt=now - USE_IS_NOTED_EVERY)
    ApiToken.objects.filter(lately, pk=found.pk).update(used_at=now)
    return found


def may_send(token: ApiToken) -> bool:
    """Whether the token may have events sent: it was made for that, and its user's role allows it."""
    return token.may_send and role_of(token) in Membership.MAY_CHANGE


def role_of(token: ApiToken) -> str | None:
    """The role that its user has in its workspace now, or None."""
    mine = Membership.objects.filter(user=token.user_id, workspace=token.workspace_id)
    return mine.values_list("role", flat=True).first()
