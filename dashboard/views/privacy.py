"""How a store stands with its buyers' consent, and with what privacy law asks of it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import queries
from dashboard.charts import as_csv
from dashboard.ledger_page import held_by_consent
from dashboard.mappings import consent_in_words
from dashboard.privacy import read_asked, requests_of
from dashboard.views.store_page import find_store, may_change, render_in_store


@require_safe
def privacy(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/privacy/`: who was asked and said what, what is kept, and what was asked of us."""
    store = find_store(request, store_id)
    asked = read_asked(store=store, now=timezone.now())
    if request.GET.get("format"):
        if asked is None:
            raise Http404
        return as_csv(asked.plot.table, name=f"{store.key}-consent")
    shown = {
        "asked": asked,
        "held": held_by_consent(store=store, now=timezone.now()),
        "days": queries.DAYS,
        "policy": consent_in_words(store),
        "requests": requests_of(store),
        "may_change": may_change(request, store),
    }
    return render_in_store(request, "dashboard/privacy.html", store, shown)
