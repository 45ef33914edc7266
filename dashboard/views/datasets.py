"""A workspace's datasets on a store's page: one more, a new token, whether it still works."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from conversions.dataset import look_at
from conversions.tasks import graph_client
from dashboard import queries
from dashboard.daily import day_counts
from dashboard.datasets import DatasetForm, TokenForm, give_token
from dashboard.datasets import datasets as datasets_of
from dashboard.flow import flow
from dashboard.views.store_page import (
    changeable_store,
    find_store,
    may_change,
    render_in_store,
)
from stores.members import user_of
from stores.models import Pixel, Store


@require_http_methods(["GET", "HEAD", "POST"])
def datasets(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/datasets/`: those of its workspace, and a form for another one."""
    posted = request.method == "POST"
    store = changeable_store(request, store_id) if posted else find_store(request, store_id)
    if (form := ask_for_dataset(request, store)) is None:
        return redirect("dashboard:mappings", store.pk)
    return _page(request, store, form=form)


def ask_for_dataset(request: HttpRequest, store: Store) -> DatasetForm | None:
    """The form as it is to be shown; None where what was posted has added a dataset."""
    posted = request.POST if request.method == "POST" else None
    form = DatasetForm(posted, graph=graph_client(), store=store)
    if posted is None or not form.is_valid():
        return form
    pixel = form.save()
    told = _("Meta knows dataset %(name)s. Its mapping is off until you go live.")
    messages.success(request, told % {"name": pixel.name or pixel.pixel_id})
    return None


@require_POST
def change_dataset(request: HttpRequest, store_id: int, pixel_id: int) -> HttpResponse:
    """`/stores/<id>/datasets/<id>/change`: a new token, a look at Meta, or away with it."""
    store = changeable_store(request, store_id)
    pixel: Pixel = get_object_or_404(datasets_of(user=user_of(request), store=store), pk=pixel_id)
    name = {"name": pixel.name or pixel.pixel_id}
    match request.POST.get("do"):
        case "token":
            form = TokenForm(request.POST, graph=graph_client(), pixel_id=pixel.pixel_id)
            if not form.is_valid():
                return _page(request, store, token_form=form)
            give_token(pixel, access_token=form.cleaned_data["access_token"], looked=form.looked)
            told = _("Dataset %(name)s has a token that works. What has waited for it goes now.")
            messages.success(request, told % name)
        case "look":
            return _look(request, store, pixel)
        case "resend" | "hold":
            Pixel.objects.filter(pk=pixel.pk).update(ambiguous_sends=request.POST["do"])
            messages.success(request, _("Dataset %(name)s is changed.") % name)
        case "remove" if pixel.removable:  # type: ignore[attr-defined]  # annotated
            pixel.delete()
            messages.success(request, _("Dataset %(name)s is removed.") % name)
        case _:
            return HttpResponseBadRequest()
    return redirect("dashboard:datasets", store.pk)


def _look(request: HttpRequest, store: Store, pixel: Pixel) -> HttpResponse:
    """Ask Meta. What it says against the token is shown, and pauses nothing: that is for a sending."""
    looked = look_at(pixel_id=pixel.pixel_id, access_token=pixel.access_token, graph=graph_client())
    if not looked.reason:
        Pixel.objects.filter(pk=pixel.pk).update(token_expires_at=looked.token_expires_at)
    return _page(request, store, looked_at=pixel.pk, looked=looked)


def _page(
    request: HttpRequest,
    store: Store,
    *,
    form: DatasetForm | None = None,
    token_form: TokenForm | None = None,
    **shown: Any,
) -> HttpResponse:
    graph = graph_client()
    pixels = list(datasets_of(user=user_of(request), store=store))
    forms = {pixel.pixel_id: TokenForm(graph=graph, pixel_id=pixel.pixel_id) for pixel in pixels}
    if token_form:
        forms[token_form.of_pixel] = token_form
    counts = day_counts(store=store, days=queries.DAYS, now=timezone.now())
    around = {
        "flow": flow(counts, pixels=pixels, ledger=reverse("dashboard:ledger", args=[store.pk])),
        "days": queries.DAYS,
        "rows": [(pixel, forms[pixel.pixel_id]) for pixel in pixels],
        "form": form or DatasetForm(graph=graph, store=store),
        "may_change": may_change(request, store),
    }
    wrong = bool((form and form.errors) or (token_form and token_form.errors))
    status = 422 if wrong else 200
    return render_in_store(request, "dashboard/datasets.html", store, around | shown, status=status)
