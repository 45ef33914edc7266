"""Invitations: an agency's link, by which a merchant lets the agency's workspace have the shop.

Only the digest of a link is kept: whoever reads the database can join nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse

from stores.models import Invitation, Store, User, Workspace
from stores.secrets import digest

LASTS = timedelta(days=14)


class TooLate(Exception):
    """The invitation was used, taken back, or is too old."""


def invite(*, workspace: Workspace, whom: str, invited_by: User, now: datetime) -> str:
    """Make an invitation; returns its link, which nobody can be told again."""
    token = secrets.token_urlsafe(32)
    Invitation.objects.create(
        workspace=workspace,
        whom=whom,
        invited_by=invited_by,
        token_digest=digest(token),
        created_at=now,
    )
    return f"{settings.APP_URL}{reverse('join', kwargs={'token': token})}"


def find(*, now: datetime, **known: object) -> Invitation:
    """The one that is known by its `token`, or by its `pk`, while it is open. Raises TooLate."""
    if "token" in known:
        known = {"token_digest": digest(str(known["token"]))}
    still = Invitation.objects.filter(joined_at=None, created_at__gt=now - LASTS, **known)
    found: Invitation | None = still.select_related("workspace").first()
    if found is None:
        raise TooLate
    return found


def join(invitation: Invitation, connect: Callable[[], Store], *, now: datetime) -> Store:
    """The store that `connect` makes; the invitation is used up, unless that fails. Raises TooLate."""
    mine = Invitation.objects.filter(pk=invitation.pk)
    if not mine.filter(joined_at=None).update(joined_at=now):
        raise TooLate  # one who was faster has it
    try:
        store = connect()
    except Exception:  # whatever it was is the caller's to tell; the merchant may try again
        mine.update(joined_at=None)
        raise
    mine.update(store=store)
    return store
