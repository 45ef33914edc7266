"""Whether what the shop sold and what the ledger says add up."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from dashboard.balance_sheet import read_sheet
from dashboard.balancing import balance_soon
from dashboard.charts import as_csv
from dashboard.tasks import balance_shops
from dashboard.views.store_page import changeable_store, find_store, may_change, render_in_store


@require_safe
def balance(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/balance/`: the shop's own orders against the ledger, down to the single order."""
    store = find_store(request, store_id)
    subject, term = request.GET.get("of", ""), request.GET.get("term", "")
    sheet = read_sheet(store=store, subject=subject, term=term, now=timezone.now())
    if request.GET.get("format") == "csv":
        if sheet.orders:
            return as_csv(sheet.orders.table, name=f"{store.key}-balance-{term}")
        if sheet.plot:
            return as_csv(sheet.plot.table, name=f"{store.key}-balance")
        raise Http404
    around = {"sheet": sheet, "may_change": may_change(request, store)}
    return render_in_store(request, "dashboard/balance.html", store, around)


@require_POST
def draw_up_balance(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/balance/run`: read the shop's orders and compare them, in the background."""
    store = changeable_store(request, store_id)
    balance_soon(store)
    balance_shops.ring()
    messages.success(request, _("We are reading the shop's orders. This page tells what we find."))
    return redirect("dashboard:balance", store.pk)
