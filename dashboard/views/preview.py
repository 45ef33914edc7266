"""What would be posted for a real order. Nothing is sent or written."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard import queries
from dashboard.filters import LONGEST_SEARCH
from dashboard.preview import shown
from dashboard.views.store_page import find_store, may_change, render_in_store
from shop_webhooks.preview import CannotPreview, preview_order

RECENT = 25


@require_safe
def preview(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/preview/`: one of the last orders, as each dataset would be told of it."""
    store = find_store(request, store_id)
    orders = queries.recent_orders(store=store, most=RECENT)
    chosen = request.GET.get("order", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    if not chosen and orders:
        chosen = orders[0].order_id
    personal = may_change(request, store)
    found: dict[str, Any] = {"orders": orders, "chosen": chosen, "personal": personal}
    if chosen:
        try:
            previews = preview_order(store=store, order=chosen)
            found["previews"] = [shown(each, personal=personal) for each in previews]
        except CannotPreview as error:
            found["problem"] = str(error)
    return render_in_store(request, "dashboard/preview.html", store, found)
