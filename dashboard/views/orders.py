"""A store's orders, and one order's journey."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from conversions.models import State
from dashboard import ledger_page, queries
from dashboard.filters import PERIODS, as_query, read_ledger_filter
from dashboard.journey import order_journey
from dashboard.models import SavedFilter
from dashboard.views.store_page import find_store, render_in_store, zone_of
from stores.members import user_of

MOST_SAVED = 20  # of one person, in one store
LONGEST_NAME = 60


@require_safe
def ledger(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/`: the store's orders and what became of them; its filters are in the address."""
    store = find_store(request, store_id)
    wanted, now = read_ledger_filter(request.GET), timezone.now()
    user = user_of(request)
    counts = ledger_page.ledger_counts(store=store, wanted=wanted, now=now)
    shown = {
        "wanted": wanted,
        "page": ledger_page.ledger(store=store, wanted=wanted, now=now),
        "all_orders": counts["orders"],
        "chips": [(state, counts[state]) for state in State.values],
        "reasons": ledger_page.ledger_reasons(store=store, wanted=wanted, now=now),
        "pixels": queries.pixels_of(store=store),
        "periods": PERIODS,
        "broken_pixels": queries.broken_pixels(user=user, store=store),
        "query": as_query(wanted),
        "saved": list(SavedFilter.objects.filter(user=user, store=store).order_by("name")),
        "now": now,
    }
    return render_in_store(request, "dashboard/ledger.html", store, shown)


@require_POST
def save_filter(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/orders/filters`: keep the filters of the page under a name; the same name again
    changes what it stands for."""
    store = find_store(request, store_id)
    query = as_query(read_ledger_filter(QueryDict(request.POST.get("query", ""))))
    name = request.POST.get("name", "").replace("\0", "").strip()[:LONGEST_NAME]
    mine = SavedFilter.objects.filter(user=user_of(request), store=store)
    if not name or not query:
        messages.warning(request, _("Choose some orders, and give the choice a name."))
    elif mine.count() >= MOST_SAVED and not mine.filter(name=name).exists():
        messages.warning(request, _("These are enough filters: remove one first."))
    else:
        mine.update_or_create(
            name=name, defaults={"query": query, "user": user_of(request), "store": store}
        )
    return redirect(f"{reverse('dashboard:ledger', args=[store.pk])}?{query}")


@require_POST
def remove_filter(request: HttpRequest, store_id: int, filter_id: int) -> HttpResponse:
    """`/stores/<id>/orders/filters/<id>/removal`: the person's own filter goes."""
    store = find_store(request, store_id)
    get_object_or_404(SavedFilter, user=user_of(request), store=store, pk=filter_id).delete()
    return redirect("dashboard:ledger", store.pk)


@require_safe
def order(request: HttpRequest, store_id: int, order_id: str) -> HttpResponse:
    """`/stores/<id>/orders/<order id>/`: why this order reached Meta, or did not."""
    store = find_store(request, store_id)
    with zone_of(store):  # its sentences name times
        journey = order_journey(store=store, order_id=order_id)
    if journey is None:
        raise Http404
    return render_in_store(request, "dashboard/order.html", store, {"journey": journey})
