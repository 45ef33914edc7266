"""How fast orders reach a dataset, and how well Meta may know their buyers."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from conversions.tasks import graph_client
from dashboard import queries
from dashboard.charts import Plot, as_csv
from dashboard.filters import read_number
from dashboard.match_quality import FEWEST, metas_own, read_quality
from dashboard.speed import read_speed
from dashboard.views.store_page import (
    changeable_store,
    find_store,
    may_change,
    render_in_store,
    zone_of,
)
from stores.models import Pixel, Store


@require_safe
def speed(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/speed/`: from the shop's word to Meta's yes."""
    store = find_store(request, store_id)
    pixels, pixel = _pixels(request, store)
    shown: dict[str, Any] = {"pixels": pixels, "pixel": pixel, "days": queries.DAYS}
    if pixel:
        with zone_of(store):
            shown["speed"] = read_speed(store=store, pixel=pixel, now=timezone.now())
    if plot := request.GET.get("format"):
        return _csv(getattr(shown.get("speed"), plot, None), name=f"{store.key}-{plot}")
    return render_in_store(request, "dashboard/speed.html", store, shown)


@require_http_methods(["GET", "HEAD", "POST"])
def match_quality(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/match-quality/`: what Meta is told of buyers; a POST asks Meta for its own score."""
    asked = request.method == "POST"
    store = changeable_store(request, store_id) if asked else find_store(request, store_id)
    pixels, pixel = _pixels(request, store)
    shown: dict[str, Any] = {
        "pixels": pixels,
        "pixel": pixel,
        "days": queries.DAYS,
        "fewest": FEWEST,
        "may_change": may_change(request, store),
        "asked": asked,
    }
    if pixel:
        with zone_of(store):
            shown["quality"] = read_quality(store=store, pixel=pixel, now=timezone.now())
        if asked:
            shown["metas"], shown["reason"] = metas_own(pixel=pixel, graph=graph_client())
    if request.GET.get("format"):
        return _csv(getattr(shown.get("quality"), "plot", None), name=f"{store.key}-match-quality")
    return render_in_store(request, "dashboard/match_quality.html", store, shown)


def _pixels(request: HttpRequest, store: Store) -> tuple[list[Pixel], Pixel | None]:
    """The store's datasets, and the one that is asked for; the first where none is."""
    pixels = queries.pixels_of(store=store)
    wanted = read_number((request.POST or request.GET).get("pixel", ""))
    chosen = [pixel for pixel in pixels if pixel.pk == wanted] or pixels
    return pixels, chosen[0] if chosen else None


def _csv(plot: object, *, name: str) -> HttpResponse:
    if not isinstance(plot, Plot):
        raise Http404
    return as_csv(plot.table, name=name)
