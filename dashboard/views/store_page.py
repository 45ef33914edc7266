"""What every page of a store begins and ends with."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from dashboard.connection import changeable_stores
from dashboard.queries import with_last_delivery
from stores.members import user_of
from stores.models import PixelMapping, Store


def find_store(request: HttpRequest, store_id: int) -> Store:
    """The store, if the user may see it. Raises Http404: a stranger learns nothing."""
    return _one(Store.objects.visible_to(request.user), store_id)


def changeable_store(request: HttpRequest, store_id: int) -> Store:
    """The store, if the user may change it: as an owner or operator. Raises Http404."""
    return _one(changeable_stores(user=user_of(request)), store_id)


def _one(stores: QuerySet[Store], store_id: int) -> Store:
    in_force = PixelMapping.objects.filter(store=OuterRef("pk"), enabled=True)
    shown = with_last_delivery(stores).annotate(in_force=Exists(in_force))
    shown = shown.select_related("workspace", "shopify")
    shown = shown.defer("shopify__access_token", "shopify__refresh_token")
    store: Store = get_object_or_404(shown, pk=store_id)
    return store


def may_change(request: HttpRequest, store: Store) -> bool:
    """Whether the user may change the store; one query."""
    return changeable_stores(user=user_of(request)).filter(pk=store.pk).exists()


def render_in_store(
    request: HttpRequest, template: str, store: Store, shown: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The template with the store and its webhook address, in the store's time zone."""
    around = {
        "store": store,
        "webhook_address": f"{settings.APP_URL}{store.webhook_path}",
        "now": timezone.now(),
    }
    with zone_of(store):
        return render(request, template, around | shown, status=status)


def zone_of(store: Store) -> AbstractContextManager[None]:
    """Times are the store's inside of it."""
    return timezone.override(ZoneInfo(store.time_zone))
