"""The page of invitations: a link for a merchant, who then lets the workspace have the shop."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from stores.invitations import LASTS, invite
from stores.members import changeable_workspaces, user_of
from stores.models import Invitation
from stores.workspace_form import WorkspaceForm

MOST_SHOWN = 100


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
    sent = Invitation.objects.visible_to(request.user).filter(workspace__in=workspaces)
    shown = {
        "form": form,
        "link": link,
        "whom": request.POST.get("whom", "") if link else "",
        "sent": sent.select_related("workspace", "store").order_by("-pk")[:MOST_SHOWN],
        "several": len(workspaces) > 1,
        "oldest": now - LASTS,
        "now": now,
    }
    status = 422 if form.is_bound else 200
    return render(request, "dashboard/invitations.html", shown, status=status)


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
