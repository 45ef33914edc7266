"""The page of the team: who may do what, and the tokens by which programs come in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from stores.api_tokens import issue
from stores.members import (
    LastOwner,
    change_role,
    changeable_workspaces,
    joined_workspaces,
    owned_workspaces,
    user_of,
)
from stores.models import ApiToken, Membership, User
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
        widget=forms.TextInput({"placeholder": "Monday report", "autocomplete": "off"}),
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


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def team(request: HttpRequest) -> HttpResponse:
    """`/team/`: the members, to owners; and one's own tokens, one of which is shown as it is made."""
    user, now, token = user_of(request), timezone.now(), ""
    workspaces = joined_workspaces(user)
    form = TokenForm(request.POST or None, workspaces=workspaces, user=user)
    if form.is_valid():
        token = issue(**form.cleaned_data, user=user, now=now)
        form = TokenForm(workspaces=workspaces, user=user)
    tokens = ApiToken.objects.visible_to(user).filter(user=user)
    members = Membership.objects.filter(workspace__in=owned_workspaces(user))
    shown = {
        "form": form,
        "token": token,
        "tokens": tokens.select_related("workspace").order_by("-pk"),
        "members": members.select_related("user", "workspace").order_by(
            "workspace__name", "user__email"
        ),
        "roles": ROLES.items(),
        "several": len(workspaces) > 1,
        "now": now,
    }
    return render(request, "dashboard/team.html", shown, status=422 if form.is_bound else 200)


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
