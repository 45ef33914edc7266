"""The pages. Each finds what the user may see, reads, and shows; times are in the store's zone."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from conversions.doubt import Verdict, settle
from conversions.models import State
from conversions.tasks import send_due
from dashboard import queries
from dashboard.connection import changeable_stores, look_soon, may_connect, read_connection
from dashboard.filters import PERIODS, read_delivery_filter, read_ledger_filter
from dashboard.journey import order_journey
from shop_webhooks.models import WebhookDelivery
from shop_webhooks.tasks import watch_shops
from stores.models import Pixel, Store


@require_safe
def stores(request: HttpRequest) -> HttpResponse:
    """`/`: every store that the user may see, and what needs them."""
    now = timezone.now()
    shown = {
        "rows": queries.store_rows(user=request.user, now=now),  # type: ignore[arg-type]  # logged in
        "broken_pixels": queries.broken_pixels(user=request.user),  # type: ignore[arg-type]  # logged in
        "doubts": queries.doubts(user=request.user),  # type: ignore[arg-type]  # logged in
        "days": queries.DAYS,
        "may_connect": may_connect(user=request.user),  # type: ignore[arg-type]  # logged in
        "shopify_address": f"{settings.APP_URL}/webhooks/shopify/",
        "woocommerce_address": f"{settings.APP_URL}/webhooks/woocommerce/…/",
        "now": now,
    }
    return render(request, "dashboard/stores.html", shown)


@require_safe
def ledger(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/`: the store's orders and what became of them; its filters are in the address."""
    store = _find_store(request, store_id)
    wanted, now = read_ledger_filter(request.GET), timezone.now()
    counts = queries.ledger_counts(store=store, wanted=wanted, now=now)
    shown = {
        "wanted": wanted,
        "page": queries.ledger(store=store, wanted=wanted, now=now),
        "all_orders": counts["orders"],
        "chips": [(state, counts[state]) for state in State.values],
        "pixels": queries.pixels_of(store=store),
        "periods": PERIODS,
        "broken_pixels": queries.broken_pixels(user=request.user, store=store),  # type: ignore[arg-type]  # logged in
        "last_delivery_at": queries.last_delivery_at(store=store),
        "now": now,
    }
    return _render(request, "dashboard/ledger.html", store, shown)


@require_safe
def deliveries(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/deliveries/`: what the shop has sent, and what was made of it."""
    store = _find_store(request, store_id)
    wanted = read_delivery_filter(request.GET)
    shown = {
        "wanted": wanted,
        "page": queries.deliveries(store=store, wanted=wanted),
        "states": WebhookDelivery.State.values,
        "last_delivery_at": queries.last_delivery_at(store=store),
        "now": timezone.now(),
    }
    return _render(request, "dashboard/deliveries.html", store, shown)


@require_safe
def connection(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/connection/`: whether we are in touch with the shop, and what else runs there."""
    store = _find_store(request, store_id)
    shown = {
        "found": read_connection(store=store, user=request.user),  # type: ignore[arg-type]  # logged in
        "last_delivery_at": queries.last_delivery_at(store=store),
        "now": timezone.now(),
    }
    return _render(request, "dashboard/connection.html", store, shown)


@require_POST
def check_connection(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/connection/check`: see after the webhooks, and read orders back, at once."""
    store = get_object_or_404(changeable_stores(user=request.user), pk=store_id)  # type: ignore[arg-type]  # logged in
    look_soon(store)
    watch_shops.ring()
    messages.success(request, _("We are looking. This page tells in a moment what was found."))
    return redirect("dashboard:connection", store.pk)


@require_safe
def order(request: HttpRequest, store_id: int, order_id: str) -> HttpResponse:
    """`/stores/<id>/orders/<order id>/`: why this order reached Meta, or did not."""
    store = _find_store(request, store_id)
    with _zone_of(store):  # its sentences name times
        journey = order_journey(store=store, order_id=order_id)
    if journey is None:
        raise Http404
    shown = {"journey": journey, "now": timezone.now()}
    return _render(request, "dashboard/order.html", store, shown)


@require_safe
def doubt(request: HttpRequest) -> HttpResponse:
    """`/in-doubt/`: what was sent and never answered, with its clocks, for a person to settle."""
    shown = {"found": queries.doubtful(user=request.user), "now": timezone.now()}  # type: ignore[arg-type]  # logged in
    return render(request, "dashboard/doubt.html", shown)


@require_POST
def settle_event(request: HttpRequest, event_id: int) -> HttpResponse:
    """`/events/<id>/settlement`: a person's word on an event in doubt."""
    event = get_object_or_404(queries.settleable(user=request.user), pk=event_id)  # type: ignore[arg-type]  # logged in
    try:
        verdict = Verdict(request.POST.get("verdict", ""))
    except ValueError:
        return HttpResponseBadRequest()
    with transaction.atomic():
        settled = settle([event.pk], verdict=verdict, actor=f"user {request.user.pk}")
        send_due.ring()
    told = SETTLED[verdict] if settled else _("%(order)s is settled already.")
    messages.success(request, told % {"order": event.order_name})
    return redirect("dashboard:doubt")


@require_POST
def resume_pixel(request: HttpRequest, pixel_id: int) -> HttpResponse:
    """`/pixels/<id>/resumption`: try a paused pixel again, at once, with all that it is owed."""
    pixel = get_object_or_404(queries.resumable_pixels(user=request.user), pk=pixel_id)  # type: ignore[arg-type]  # logged in
    with transaction.atomic():
        Pixel.objects.filter(pk=pixel.pk).update(broken_reason="", broken_at=None)
        send_due.ring()
    name = pixel.name or pixel.pixel_id
    messages.success(request, _("We are trying dataset %(name)s again.") % {"name": name})
    return redirect("dashboard:stores")


SETTLED = {
    Verdict.ACCEPTED: gettext_lazy("%(order)s counts as accepted, and is not sent again."),
    Verdict.RESEND: gettext_lazy("We are sending %(order)s again, with the same event ID."),
    Verdict.GIVE_UP: gettext_lazy("%(order)s is let go, and is not sent again."),
}


def _find_store(request: HttpRequest, store_id: int) -> Store:
    """The store, if the user may see it. Raises Http404: a stranger learns nothing."""
    visible = Store.objects.visible_to(request.user).select_related("workspace", "shopify")
    visible = visible.defer("shopify__access_token", "shopify__refresh_token")
    store: Store = get_object_or_404(visible, pk=store_id)
    return store


def _render(
    request: HttpRequest, template: str, store: Store, shown: dict[str, Any]
) -> HttpResponse:
    """The template with the store and its webhook address, in the store's time zone."""
    address = f"{settings.APP_URL}{store.webhook_path}"
    with _zone_of(store):
        return render(request, template, {"store": store, "webhook_address": address} | shown)


def _zone_of(store: Store) -> AbstractContextManager[None]:
    return timezone.override(ZoneInfo(store.time_zone))
