"""A person sends one event with a test code, and sees what Meta says to it."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from conversions.models import State
from conversions.tasks import graph_client
from dashboard import queries
from dashboard.connection import changeable_stores
from dashboard.filters import read_number
from dashboard.views.store_page import find_store, render_in_store
from shop_webhooks.test_event import CannotTest, send_test_event
from stores.members import user_of
from stores.models import Store

RECENT = 25


@require_http_methods(["GET", "HEAD", "POST"])
def test_events(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/test-events/`: choose a dataset, paste the code, send, read the answer."""
    store = find_store(request, store_id)
    may_send = changeable_stores(user=user_of(request)).filter(pk=store.pk).exists()
    shown: dict[str, Any] = {
        "pixels": queries.mapped_pixels(store=store),
        "orders": queries.recent_orders(store=store, state=State.ACCEPTED, most=RECENT),
        "chosen": request.POST,
        "may_send": may_send,
    }
    if request.method == "POST" and may_send:
        shown |= _send(request, store)
    status = 422 if "problem" in shown else 200
    return render_in_store(request, "dashboard/test_events.html", store, shown, status=status)


def _send(request: HttpRequest, store: Store) -> dict[str, Any]:
    pixel = get_object_or_404(
        queries.resumable_pixels(user=user_of(request)),
        pk=read_number(request.POST.get("pixel", "")),
        mappings__store=store,
    )
    try:
        tested = send_test_event(
            pixel=pixel,
            code=request.POST.get("code", "").strip(),
            graph=graph_client(),
            store=store,
            order=request.POST.get("order", ""),
        )
    except CannotTest as error:
        return {"problem": str(error)}
    request_text = msgspec.json.format(bytes(tested.request)).decode()
    return {"tested": tested, "request_text": request_text}
