"""How a store stands with its buyers' consent, and with what privacy law asks of it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import queries
from dashboard.charts import as_csv
from dashboard.erasure import certifiable, certify
from dashboard.ledger_page import held_by_consent
from dashboard.mappings import consent_in_words
from dashboard.privacy import notices_of, read_asked, requests_of
from dashboard.views.store_page import changeable_store, find_store, may_change, render_in_store


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


@require_safe
def certificate(request: HttpRequest, store_id: int, request_id: int) -> HttpResponse:
    """`/stores/<id>/privacy/<request>/certificate`: the proof of an erasing, as of now."""
    store = changeable_store(request, store_id)
    mine = certifiable().filter(pk__in=notices_of(store).values("pk"))
    notice = get_object_or_404(mine, pk=request_id)
    answer = HttpResponse(certify(notice, now=timezone.now()), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="erasure-{notice.pk}.json"'
    return answer
