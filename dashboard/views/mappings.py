"""Which of a store's orders go to which dataset, and how: told in words, and changed by a form."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.datasets import datasets
from dashboard.mapping_form import MappingForm
from dashboard.mappings import (
    add_mapping,
    consent_in_words,
    cut_over,
    entries_with,
    gaps_in_words,
    next_place,
    told_mappings,
)
from dashboard.views.store_page import (
    changeable_store,
    find_store,
    may_change,
    render_in_store,
)
from dashboard.worked_example import worked_example
from purchases.mapping import WATCH, RulesError
from shop_webhooks.what_if import MOST_DAYS, what_if
from stores.members import user_of
from stores.models import PixelMapping, Store


@require_safe
def mappings(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/mappings/`: the rules in words, in the order in which they count."""
    store = find_store(request, store_id)
    told = told_mappings(store=store)
    shown = {
        "told": told,
        "gaps": gaps_in_words(told),
        "consent": consent_in_words(store),
        "may_change": may_change(request, store),
    }
    return render_in_store(request, "dashboard/mappings.html", store, shown)


@require_http_methods(["GET", "HEAD", "POST"])
def mapping(request: HttpRequest, store_id: int, mapping_id: int = 0) -> HttpResponse:
    """`/stores/<id>/mappings/<id>/` and `…/new/`: a mapping's form, to try it and to save it."""
    store = changeable_store(request, store_id)
    if mapping_id:
        found = get_object_or_404(_of(store), pk=mapping_id)
    else:
        found = PixelMapping(store=store, position=next_place(store))
    pixels = datasets(user=user_of(request), store=store)
    form = MappingForm(pixels=pixels, mapping=found, data=request.POST or None)
    shown: dict[str, Any] = {"form": form, "mapping": found, "days": MOST_DAYS}
    if request.method == "POST" and form.is_valid():
        _fill(found, form)
        if "try" not in request.POST:
            add_mapping(found) if found.pk is None else found.save()
            messages.success(request, _("Saved. It counts for every order from now on."))
            return redirect("dashboard:mappings", store.pk)
        shown["difference"] = _tried(store, found)
    if (found.pk or "difference" in shown) and _can_be_meant(found):
        shown["example"] = worked_example(store=store, rules=found.rules())
    status = 422 if form.errors else 200
    return render_in_store(request, "dashboard/mapping.html", store, shown, status=status)


@require_POST
def change_mapping(request: HttpRequest, store_id: int, mapping_id: int) -> HttpResponse:
    """`/stores/<id>/mappings/<id>/change`: up, off, only watching, live, or away."""
    store = changeable_store(request, store_id)
    found = get_object_or_404(_of(store), pk=mapping_id)
    match request.POST.get("do"):
        case "up":
            _move_up(store, found)
        case "off":
            found.enabled, found.paused_at = False, None
            found.save(update_fields=["enabled", "paused_at"])
        case "watch" | "live" if _can_be_meant(found):
            _watch_or_send(found, watch=request.POST["do"] == "watch")
        case "remove":
            _remove(store, found)
        case _:
            return HttpResponseBadRequest()
    messages.success(request, _("The mappings are changed."))
    page = "set_up" if request.POST.get("next") == "set_up" else "mappings"
    return redirect(f"dashboard:{page}", store.pk)


def _of(store: Store) -> Any:
    return store.mappings.select_related("pixel", "template", "store")


def _can_be_meant(mapping: PixelMapping) -> bool:
    try:
        mapping.rules()
    except RulesError:
        return False
    return True


def _watch_or_send(mapping: PixelMapping, *, watch: bool) -> None:
    """Watch from now on; or go live: with a cut-over where it has watched, for there others sent."""
    if watch:
        mapping.settings["send_from"] = WATCH
    elif mapping.rules().only_watches:
        mapping.settings["send_from"] = cut_over(timezone.now())
    mapping.enabled, mapping.paused_at = True, None
    mapping.save(update_fields=["enabled", "paused_at", "settings"])


def _fill(mapping: PixelMapping, form: MappingForm) -> None:
    mapping.pixel = form.cleaned_data["pixel"]
    mapping.enabled, mapping.paused_at = form.cleaned_data["enabled"], None
    mapping.settings = form.settings()


def _tried(store: Store, mapping: PixelMapping) -> Any:
    """What the mapping would change for the store's last orders."""
    return what_if(
        store=store,
        mappings=entries_with(mapping, store=store),
        templates={},
        consent=store.consent,
        days=MOST_DAYS,
        now=timezone.now(),
    )


@transaction.atomic
def _remove(store: Store, mapping: PixelMapping) -> None:
    """Those below move up: a fleet file knows no gaps."""
    below = list(store.mappings.select_for_update().filter(position__gt=mapping.position))
    mapping.delete()
    for row in sorted(below, key=lambda row: row.position):
        PixelMapping.objects.filter(pk=row.pk).update(position=row.position - 1)


@transaction.atomic
def _move_up(store: Store, mapping: PixelMapping) -> None:
    """Change places with the one above, if there is one: a place is taken by one at a time."""
    rows = list(store.mappings.select_for_update().order_by("position"))
    at = next(number for number, row in enumerate(rows) if row.pk == mapping.pk)
    if at == 0:
        return
    above, below = rows[at - 1], rows[at]
    above_at, below_at = above.position, below.position
    PixelMapping.objects.filter(pk=below.pk).update(position=rows[-1].position + 1)
    PixelMapping.objects.filter(pk=above.pk).update(position=below_at)
    PixelMapping.objects.filter(pk=below.pk).update(position=above_at)
