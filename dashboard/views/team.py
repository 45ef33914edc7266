"""The page of the team: who may do what, and the tokens by which programs come in."""

from __future__ import annotations

from smtplib import SMTPException
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from stores.accounts.colleagues import LASTS, invite_colleague, mail_invitation
from stores.accounts.limits import may_still
from stores.api_tokens import issue
from stores.members import (
    LastOwner,
    change_role,
    changeable_workspaces,
    joined_workspaces,
    owned_workspaces,
    user_of,
)
from stores.models import ApiToken, Colleague, Membership, User
from stores.workspace_form import WorkspaceForm

ROLES = {
    "owner": gettext_lazy("Owner: everything, and the team"),
    "operator": gettext_lazy("Operator: sets up, and sends"),
    "analyst": gettext_lazy("Analyst: reads, without personal data"),
    "client": gettext_lazy("Client: reads only"),
}


class TokenForm(WorkspaceForm):
    """What the token is for, and whether it may send."""

    name = forms.CharField(
        label=gettext_lazy("What it is for"),
        max_length=100,
        widget=forms.TextInput(
            {"placeholder": gettext_lazy("Monday report"), "autocomplete": "off"}
        ),
    )
    may_send = forms.BooleanField(
        label=gettext_lazy("It may also have orders sent again"), required=False
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean(self) -> dict[str, Any]:
        """The fields. A token that may send is for who may; its use asks again."""
        cleaned = super().clean() or self.cleaned_data
        may = cleaned.get("workspace") in changeable_workspaces(self._user)
        if cleaned.get("may_send") and not may:
            self.add_error("may_send", _("Your role only reads: so does your token."))
        return cleaned


class ColleagueForm(WorkspaceForm):
    """Whom to ask in, and as what."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"), widget=forms.EmailInput({"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=ROLES.items(), initial="analyst")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def team(request: HttpRequest) -> HttpResponse:
    """`/team/`: the members, to owners; and one's own tokens, one of which is shown as it is made."""
    user, token = user_of(request), ""
    form = TokenForm(request.POST or None, workspaces=joined_workspaces(user), user=user)
    if form.is_valid():
        token = issue(**form.cleaned_data, user=user, now=timezone.now())
        form = TokenForm(workspaces=joined_workspaces(user), user=user)
    return _page(request, form=form, token=token)


@never_cache
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """`/team/invitations/`: ask a colleague in; the link is shown now, and mailed."""
    user, owned = user_of(request), owned_workspaces(user_of(request))
    if not owned:
        raise Http404
    form = ColleagueForm(request.POST, workspaces=owned, prefix="colleague")
    link = ""
    if form.is_valid() and not may_still(request, "invite"):
        form.add_error(None, _("Those were many invitations for one day. Go on tomorrow."))
    elif form.is_valid():
        asked = form.cleaned_data
        link = invite_colleague(**asked, invited_by=user, now=timezone.now())
        try:
            mail_invitation(to=asked["email"], link=link, workspace=asked["workspace"], who=user)
        except (OSError, SMTPException):
            messages.warning(request, _("The mail did not go out: pass the link on yourself."))
        form = ColleagueForm(workspaces=owned, prefix="colleague")
    return _page(request, colleague_form=form, link=link)


def _page(request: HttpRequest, **given: Any) -> HttpResponse:
    user = user_of(request)
    workspaces, owned = joined_workspaces(user), owned_workspaces(user)
    members = Membership.objects.filter(workspace__in=owned)
    tokens = ApiToken.objects.visible_to(user).filter(user=user)
    shown = {
        "form": TokenForm(workspaces=workspaces, user=user),
        "colleague_form": ColleagueForm(workspaces=owned, prefix="colleague"),
        "tokens": tokens.select_related("workspace").order_by("-pk"),
        "members": members.select_related("user", "workspace").order_by(
            "workspace__name", "user__email"
        ),
        "colleagues": Colleague.objects.filter(
            workspace__in=owned, created_at__gt=timezone.now() - LASTS
        ).select_related("workspace"),
        "roles": ROLES.items(),
        "several": len(workspaces) > 1,
        "now": timezone.now(),
    } | given
    wrong = any(isinstance(each, forms.Form) and each.is_bound for each in given.values())
    return render(request, "dashboard/team.html", shown, status=422 if wrong else 200)


@require_POST
def uninvite(request: HttpRequest, colleague_id: int) -> HttpResponse:
    """`/team/invitations/<id>/revocation`: the link opens nothing any more."""
    theirs = Colleague.objects.filter(workspace__in=owned_workspaces(user_of(request)))
    found = get_object_or_404(theirs, pk=colleague_id)
    found.delete()
    messages.success(
        request, _("The invitation of %(email)s is taken back.") % {"email": found.email}
    )
    return redirect("dashboard:team")


@require_POST
def change_member(request: HttpRequest, member_id: int) -> HttpResponse:
    """`/team/members/<id>/change`: another role, or none."""
    theirs = Membership.objects.filter(workspace__in=owned_workspaces(user_of(request)))
    member = get_object_or_404(theirs.select_related("user"), pk=member_id)
    role = request.POST.get("role", "?")
    if role not in ("", *ROLES):
        return HttpResponse(status=422)
    try:
        change_role(member, role=role)
    except LastOwner:
        messages.warning(request, _("A workspace needs an owner: make somebody else one first."))
    else:
        said = (
            _("%(email)s has a new role.")
            if role
            else _("%(email)s is no longer in the workspace, and their tokens are gone.")
        )
        messages.success(request, said % {"email": member.user.email})
    return redirect("dashboard:team")


@require_POST
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """`/team/tokens/<id>/revocation`: from now on it opens nothing."""
    mine = ApiToken.objects.visible_to(request.user).filter(user=user_of(request))
    found = get_object_or_404(mine, pk=token_id)
    found.delete()
    messages.success(
        request, _("The token “%(name)s” opens nothing any more.") % {"name": found.name}
    )
    return redirect("dashboard:team")
