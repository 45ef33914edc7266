"""What a store asks of its buyers before Meta is told."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dashboard.consent_form import ConsentForm
from dashboard.mappings import entries_with
from dashboard.views.store_page import changeable_store, render_in_store
from shop_webhooks.what_if import MOST_DAYS, what_if


@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/consent/`: the policy's form, to try it on the last orders and to save it."""
    store = changeable_store(request, store_id)
    form = ConsentForm(store=store, data=request.POST or None)
    shown: dict[str, Any] = {"form": form, "days": MOST_DAYS}
    if form.is_valid():
        wanted = form.cleaned_data["settings"]
        if "try" not in request.POST:
            store.consent = wanted
            store.save(update_fields=["consent"])
            messages.success(request, _("Saved. It counts for every order from now on."))
            return redirect("dashboard:privacy", store.pk)
        shown["difference"] = what_if(
            store=store,
            mappings=entries_with(None, store=store),
            templates={},
            consent=wanted,
            days=MOST_DAYS,
            now=timezone.now(),
        )
    status = 422 if form.errors else 200
    return render_in_store(request, "dashboard/consent.html", store, shown, status=status)
