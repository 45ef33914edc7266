"""The page where an agency changes many stores at once: a plan first, then the deed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from conversions.tasks import graph_client
from dashboard import bulk
from dashboard.bulk_form import ACTIONS, BulkForm
from stores.members import user_of
from stores.models import Pixel, User


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def change_many(request: HttpRequest) -> HttpResponse:
    """`/fleet/changes/`: the plan for what is asked; with `carry_out`, done.

    A token is not planned: only Meta can say what it opens, and it would have to be kept meanwhile.
    """
    user = user_of(request)
    form = BulkForm(request.POST or None, user=user, initial={"days": 1})
    shown: dict[str, Any] = {"form": form}
    if form.is_valid():
        asked = form.cleaned_data
        done = asked["do"] == "token" or "carry_out" in request.POST
        lines = _lines(user, asked, carry_out=done)
        shown |= {
            "lines": lines,
            "done": done,
            "changes": sum(line.changes for line in lines),
            "action": ACTIONS[asked["do"]],
            "asked": asked,
        }
    status = 422 if form.errors else 200
    return render(request, "dashboard/bulk.html", shown, status=status)


def _lines(user: User, asked: dict[str, Any], *, carry_out: bool) -> Sequence[bulk.Line]:
    stores = list(asked["stores"])
    match asked["do"]:
        case "pause":
            return bulk.pause(stores, carry_out=carry_out)
        case "resume":
            return bulk.resume(stores, carry_out=carry_out)
        case "template":
            return bulk.use_template(stores, asked["template"], carry_out=carry_out)
        case "again":
            now = timezone.now()
            since = now - timedelta(days=asked["days"])
            return bulk.send_again(stores, since=since, until=now, carry_out=carry_out)
        case _:
            pixels = Pixel.objects.visible_to(user).filter(mappings__store__in=stores)
            return bulk.renew_token(
                list(pixels.distinct().order_by("name", "pixel_id")),
                asked["access_token"],
                graph=graph_client(),
            )
