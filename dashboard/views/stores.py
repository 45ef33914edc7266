"""The page of all stores."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import queries
from dashboard.alerts.page import open_alerts
from stores.members import changeable_workspaces, user_of


@require_safe
def stores(request: HttpRequest) -> HttpResponse:
    """`/`: every store that the user may see, and what needs them."""
    now = timezone.now()
    shown = {
        "rows": queries.store_rows(user=user_of(request), now=now),
        "broken_pixels": queries.broken_pixels(user=user_of(request)),
        "doubts": queries.doubts(user=user_of(request)),
        "alerts": open_alerts(user_of(request)),
        "days": queries.DAYS,
        "may_connect": changeable_workspaces(user_of(request)).exists(),
        "shopify_address": f"{settings.APP_URL}/webhooks/shopify/",
        "woocommerce_address": f"{settings.APP_URL}/webhooks/woocommerce/…/",
        "now": now,
    }
    return render(request, "dashboard/stores.html", shown)
