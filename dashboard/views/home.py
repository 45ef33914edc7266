"""A store's home page."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.charts import as_csv
from dashboard.filters import read_number
from dashboard.home import read_home
from dashboard.views.store_page import find_store, render_in_store, zone_of
from stores.members import user_of


@require_safe
def home(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/`: one sentence, what needs a person, and what became of each day's orders."""
    store, now = find_store(request, store_id), timezone.now()
    with zone_of(store):  # its sentences name times
        pixel = read_number(request.GET.get("pixel", ""))
        found = read_home(store=store, user=user_of(request), pixel=pixel, now=now)
    if request.GET.get("format") == "csv":
        return as_csv(found.plot.table, name=f"{store.key}-days")
    return render_in_store(request, "dashboard/home.html", store, {"home": found, "now": now})
