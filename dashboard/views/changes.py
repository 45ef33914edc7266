"""What was set, by whom, and when."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.audit.page import read_changes
from dashboard.filters import read_number
from stores.members import user_of


@require_safe
def changes(request: HttpRequest) -> HttpResponse:
    """`/changes/`: who changed what, with the difference, the latest first."""
    before = read_number(request.GET.get("before", ""))
    shown = {
        "page": read_changes(user=user_of(request), before=before),
        "wanted": {"before": before},
        "now": timezone.now(),
    }
    return render(request, "dashboard/changes.html", shown)
