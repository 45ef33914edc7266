"""The merchant's first five minutes on one page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from dashboard.set_up import read_set_up
from dashboard.views.datasets import ask_for_dataset
from dashboard.views.store_page import (
    changeable_store,
    find_store,
    may_change,
    render_in_store,
)
from stores.members import user_of


@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/set-up/`: from the shop's first word to going live; a POST names the dataset."""
    posted = request.method == "POST"
    store = changeable_store(request, store_id) if posted else find_store(request, store_id)
    if (form := ask_for_dataset(request, store)) is None:
        return redirect("dashboard:set_up", store.pk)
    shown = {
        "found": read_set_up(store=store, user=user_of(request)),
        "form": form,
        "may_change": may_change(request, store),
    }
    status = 422 if form.errors else 200
    return render_in_store(request, "dashboard/set_up.html", store, shown, status=status)
