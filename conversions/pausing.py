"""A pixel that Meta refuses is paused: its events wait, and one of them is tried now and then."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db.models.functions import Now

from conversions.models import PixelQueue
from stores.models import Pixel

log = structlog.get_logger(__name__)

PROBE_EVERY = timedelta(minutes=15)


def pause(pixel: Pixel, *, reason: str) -> None:
    """Meta refuses it for `reason`, a slug; since when is written down the first time."""
    PixelQueue.objects.filter(pk=pixel.pk).update(probe_at=Now() + PROBE_EVERY)
    if not pixel.broken_reason:
        Pixel.objects.filter(pk=pixel.pk).update(broken_reason=reason, broken_at=Now())
        log.error("pixel.broken", pixel=pixel.pixel_id, reason=reason)


def resume(pixel: Pixel) -> None:
    """Meta takes its events again."""
    if pixel.broken_reason:
        Pixel.objects.filter(pk=pixel.pk).update(broken_reason="", broken_at=None)
        log.info("pixel.mended", pixel=pixel.pixel_id)
