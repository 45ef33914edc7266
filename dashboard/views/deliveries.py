"""What a store's shop has sent."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard import queries
from dashboard.filters import read_delivery_filter
from dashboard.views.store_page import find_store, render_in_store
from shop_webhooks.models import WebhookDelivery


@require_safe
def deliveries(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/deliveries/`: what the shop has sent, and what was made of it."""
    store = find_store(request, store_id)
    wanted = read_delivery_filter(request.GET)
    shown = {
        "wanted": wanted,
        "page": queries.deliveries(store=store, wanted=wanted),
        "states": WebhookDelivery.State.values,
    }
    return render_in_store(request, "dashboard/deliveries.html", store, shown)
