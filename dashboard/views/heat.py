"""The agency's view: all stores by day."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.charts import as_csv
from dashboard.heat import read_heat
from stores.members import changeable_workspaces, user_of


@require_safe
def heat(request: HttpRequest) -> HttpResponse:
    """`/fleet/`: how complete each store's days are, the most at risk first."""
    found = read_heat(user=user_of(request), now=timezone.now())
    if request.GET.get("format"):
        return as_csv(found.table, name="fleet")
    may_change = changeable_workspaces(user_of(request)).exists()
    shown = {"heat": found, "may_change": may_change}
    return render(request, "dashboard/heat.html", shown)
