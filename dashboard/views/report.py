"""A month for the store's owner, as a page and as a PDF."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.client_report import months, read_report
from dashboard.client_report_pdf import as_pdf, headings, proof
from dashboard.views.store_page import find_store, render_in_store, zone_of


@require_safe
def report(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/report/`: of this month, or of `?month=2026-10`; with `?format=pdf` the file."""
    store = find_store(request, store_id)
    with zone_of(store):
        choices = {month.strftime("%Y-%m"): month for month in months(now=timezone.localtime())}
        chosen = request.GET.get("month", "")
        month = choices.get(chosen, next(iter(choices.values())))
        found = read_report(store=store, month=month, now=timezone.now())
        if request.GET.get("format") == "pdf":
            answer = HttpResponse(as_pdf(found), content_type="application/pdf")
            name = f"{store.key}-{month:%Y-%m}.pdf"
            answer["Content-Disposition"] = f'attachment; filename="{name}"'
            return answer
        shown = {
            "report": found,
            "month": month,
            "months": choices.items(),
            "headings": headings(),
            "proof": proof(found),
        }
    return render_in_store(request, "dashboard/report.html", store, shown)
