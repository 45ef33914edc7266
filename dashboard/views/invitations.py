"""The page of invitations: a link for a merchant, who then lets the workspace have the shop."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.charts import Table, as_csv
from stores.invitations import LASTS, invite
from stores.members import changeable_workspaces, user_of
from stores.models import Invitation, Workspace
from stores.workspace_form import WorkspaceForm

MOST_SHOWN = 100
MOST_AT_ONCE = 500


class InvitationForm(WorkspaceForm):
    """For whom, and in whose name where there are several."""

    whom = forms.CharField(
        label=gettext_lazy("Shop or person"),
        max_length=200,
        widget=forms.TextInput({"placeholder": "Boutique Lyon", "autocomplete": "off"}),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitations(request: HttpRequest) -> HttpResponse:
    """`/invitations/`: make a link, which is shown this once, and see what became of the others."""
    workspaces = changeable_workspaces(user_of(request))
    if not workspaces:
        raise PermissionDenied
    form, now, link = (
        InvitationForm(request.POST or None, workspaces=workspaces),
        timezone.now(),
        "",
    )
    if form.is_valid():
        given = form.cleaned_data
        link = invite(**given, invited_by=user_of(request), now=now)
        form = InvitationForm(workspaces=workspaces)
    whom = request.POST.get("whom", "") if link else ""
    return _page(request, workspaces, form=form, link=link, whom=whom)


def _page(request: HttpRequest, workspaces: QuerySet[Workspace], **given: Any) -> HttpResponse:
    now = timezone.now()
    sent = Invitation.objects.visible_to(request.user).filter(workspace__in=workspaces)
    shown = {
        "form": InvitationForm(workspaces=workspaces),
        "many": ManyForm(workspaces=workspaces, prefix="many"),
        "sent": sent.select_related("workspace", "store").order_by("-pk")[:MOST_SHOWN],
        "several": len(workspaces) > 1,
        "oldest": now - LASTS,
        "now": now,
    } | given
    wrong = any(isinstance(each, forms.Form) and each.is_bound for each in given.values())
    return render(request, "dashboard/invitations.html", shown, status=422 if wrong else 200)


class ManyForm(WorkspaceForm):
    """Many at once: a shop or person in each line."""

    many = forms.CharField(
        label=gettext_lazy("Shops or persons, one in each line"),
        max_length=MOST_AT_ONCE * 210,
        widget=forms.Textarea({"rows": 6, "autocomplete": "off"}),
    )

    def clean_many(self) -> list[str]:
        """The lines, without empty ones. Raises ValidationError."""
        found = [line.strip() for line in self.cleaned_data["many"].splitlines() if line.strip()]
        if len(found) > MOST_AT_ONCE:
            raise forms.ValidationError(_("These are more than %s lines.") % MOST_AT_ONCE)
        if any(len(line) > 200 for line in found):
            raise forms.ValidationError(_("A line is longer than 200 characters."))
        return found


@never_cache
@require_POST
def invite_many(request: HttpRequest) -> HttpResponse:
    """`/invitations/many`: a link for each line, as a CSV file that is made this once."""
    workspaces = changeable_workspaces(user_of(request))
    if not workspaces:
        raise PermissionDenied
    form = ManyForm(request.POST, workspaces=workspaces, prefix="many")
    if not form.is_valid():
        return _page(request, workspaces, many=form)
    now, user = timezone.now(), user_of(request)
    links = [
        [
            whom,
            invite(workspace=form.cleaned_data["workspace"], whom=whom, invited_by=user, now=now),
        ]
        for whom in form.cleaned_data["many"]
    ]
    return as_csv(Table(headings=[_("Shop or person"), _("Link")], rows=links), name="invitations")


@require_POST
def revoke_invitation(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """`/invitations/<id>/revocation`: the link leads nowhere any more."""
    mine = Invitation.objects.visible_to(request.user).filter(
        workspace__in=changeable_workspaces(user_of(request)), joined_at=None
    )
    found = get_object_or_404(mine, pk=invitation_id)
    found.delete()
    messages.success(request, _("The invitation of %(whom)s is taken back.") % {"whom": found.whom})
    return redirect("dashboard:invitations")
