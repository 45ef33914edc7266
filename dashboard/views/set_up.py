"""The merchant's first five minutes on one page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from conversions.tasks import graph_client
from dashboard.datasets import DatasetForm
from dashboard.set_up import read_set_up
from dashboard.views.store_page import changeable_store, find_store, may_change, render_in_store


@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/set-up/`: from the shop's first word to going live; a POST names the dataset."""
    posted = request.method == "POST"
    store = changeable_store(request, store_id) if posted else find_store(request, store_id)
    form = DatasetForm(request.POST if posted else None, graph=graph_client(), store=store)
    if posted and form.is_valid():
        pixel = form.save()
        told = _("Meta knows dataset %(name)s. Nothing is sent there yet.")
        messages.success(request, told % {"name": pixel.name or pixel.pixel_id})
        return redirect("dashboard:set_up", store.pk)
    shown = {
        "found": read_set_up(store=store, user=request.user),  # type: ignore[arg-type]  # logged in
        "form": form,
        "may_change": may_change(request, store),
        "now": timezone.now(),
    }
    status = 422 if form.errors else 200
    return render_in_store(request, "dashboard/set_up.html", store, shown, status=status)
