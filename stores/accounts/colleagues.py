"""Colleagues: a workspace asks a person in, by the address that they prove to be theirs.

Only the digest of a link is kept. The link alone opens nothing: who joins has logged in, with the
address that was invited.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from stores.models import Colleague, Membership, User, Workspace
from stores.secrets import digest

LASTS = timedelta(days=7)
_KEY = "invited"


def invite_colleague(
    *, workspace: Workspace, email: str, role: str, invited_by: User, now: datetime
) -> str:
    """Ask `email` in; returns the link, which nobody can be told again. An earlier one for the same
    address is void."""
    token = secrets.token_urlsafe(32)
    Colleague.objects.update_or_create(
        workspace=workspace,
        email=email.lower(),
        defaults={
            "role": role,
            "invited_by": invited_by,
            "created_at": now,
            "token_digest": digest(token),
        },
    )
    return f"{settings.APP_URL}{reverse('invited', kwargs={'token': token})}"


def mail_invitation(*, to: str, link: str, workspace: Workspace, who: User) -> None:
    """Send the link to the colleague, if this installation sends mail. Raises OSError, SMTPException."""
    if not settings.SENDS_MAIL:
        return
    words = {"who": who.email, "workspace": workspace.name, "link": link, "to": to}
    subject = _("Connector: come into %(workspace)s") % words
    body = _(
        "%(who)s asks you into the workspace %(workspace)s. Open this within a week, and log in or make"
        " an account as %(to)s:\n\n%(link)s\n\nIf you don't know why, do nothing."
    )
    send_mail(" ".join(subject.split()), body % words, None, [to])


def find_invited(token: str, *, now: datetime) -> Colleague | None:
    """Whom the link of `token` invites, while it holds."""
    still = Colleague.objects.filter(token_digest=digest(token), created_at__gt=now - LASTS)
    return still.select_related("workspace", "invited_by").first()


def remember(request: HttpRequest, token: str) -> None:
    """The visitor came by this link: they may sign up."""
    request.session[_KEY] = token


def invitation_of(request: HttpRequest | None) -> Colleague | None:
    """The invitation by which the visitor came, while it holds."""
    token = request.session.get(_KEY, "") if request else ""
    return find_invited(token, now=timezone.now()) if token else None


@transaction.atomic
def join_colleagues(invited: Colleague, user: User) -> bool:
    """Make `user` a member; the invitation is used up. False where it was already, or taken back.

    An invitation never lowers what one may already do: who is a member keeps their role.
    """
    if not Colleague.objects.filter(pk=invited.pk, email=user.email.lower()).delete()[0]:
        return False
    Membership.objects.get_or_create(
        workspace=invited.workspace, user=user, defaults={"role": invited.role}
    )
    return True
