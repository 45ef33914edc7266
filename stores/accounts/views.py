"""The doors of an account that allauth does not know: an invitation, and a workspace of one's own."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from stores.accounts.colleagues import find_invited, join_colleagues, remember
from stores.accounts.forms import WorkspaceNameForm
from stores.accounts.limits import may_still
from stores.accounts.workspaces import open_workspace
from stores.members import user_of
from stores.models import User


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invited(request: HttpRequest, token: str) -> HttpResponse:
    """`/invited/<token>/`: who asks whom in, and as what; the press of a button joins."""
    found = find_invited(token, now=timezone.now())
    if found is None:
        return render(request, "stores/too_late.html", status=404)
    user = request.user if isinstance(request.user, User) else None
    fits = user is not None and user.only_store_id is None and user.email.lower() == found.email
    if request.method == "POST":
        if user is None or not fits:
            return HttpResponse(status=403)
        if join_colleagues(found, user):
            messages.success(
                request, _("You are now in %(name)s.") % {"name": found.workspace.name}
            )
        return redirect("dashboard:stores")
    if user is None:
        remember(request, token)
    shown = {"invited": found, "fits": fits}
    return render(request, "accounts/invited.html", shown)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_workspace(request: HttpRequest) -> HttpResponse:
    """`/workspaces/new/`: for who is in none, or runs another shop."""
    user = user_of(request)
    if user.only_store_id is not None:
        return HttpResponse(status=403)
    form = WorkspaceNameForm(request.POST or None)
    if form.is_valid() and not may_still(request, "new_workspace"):
        form.add_error("workspace", _("Those were many workspaces for one day. Go on tomorrow."))
    elif form.is_valid():
        open_workspace(name=form.cleaned_data["workspace"], owner=user)
        return redirect("dashboard:stores")
    return render(
        request, "accounts/new_workspace.html", {"form": form}, status=422 if form.is_bound else 200
    )
