"""A store's orders, and one order's journey."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from conversions.models import State
from dashboard import ledger_page, queries
from dashboard.filters import PERIODS, read_ledger_filter
from dashboard.journey import order_journey
from dashboard.views.store_page import find_store, render_in_store, zone_of
from stores.members import user_of


@require_safe
def ledger(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/`: the store's orders and what became of them; its filters are in the address."""
    store = find_store(request, store_id)
    wanted, now = read_ledger_filter(request.GET), timezone.now()
    counts = ledger_page.ledger_counts(store=store, wanted=wanted, now=now)
    shown = {
        "wanted": wanted,
        "page": ledger_page.ledger(store=store, wanted=wanted, now=now),
        "all_orders": counts["orders"],
        "chips": [(state, counts[state]) for state in State.values],
        "reasons": ledger_page.ledger_reasons(store=store, wanted=wanted, now=now),
        "pixels": queries.pixels_of(store=store),
        "periods": PERIODS,
        "broken_pixels": queries.broken_pixels(user=user_of(request), store=store),
        "now": now,
    }
    return render_in_store(request, "dashboard/ledger.html", store, shown)


@require_safe
def order(request: HttpRequest, store_id: int, order_id: str) -> HttpResponse:
    """`/stores/<id>/orders/<order id>/`: why this order reached Meta, or did not."""
    store = find_store(request, store_id)
    with zone_of(store):  # its sentences name times
        journey = order_journey(store=store, order_id=order_id)
    if journey is None:
        raise Http404
    return render_in_store(request, "dashboard/order.html", store, {"journey": journey})
