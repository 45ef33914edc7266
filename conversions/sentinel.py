"""Once a day each dataset in use is asked for: a dead token is found before an order needs it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from conversions.dataset import look_at
from conversions.graph import GraphClient
from conversions.pausing import pause
from stores.models import Pixel, PixelMapping

EVERY = timedelta(days=1)


def look_at_next(*, graph: GraphClient, now: datetime) -> bool:
    """Ask Meta for the dataset that was not asked for the longest; False where none is due.

    Only what Meta says of the token pauses it: one that may write need not be one that may read.
    """
    with transaction.atomic():
        pixel = _due(now)
        if pixel is None:
            return False
        Pixel.objects.filter(pk=pixel.pk).update(checked_at=now)
    looked = look_at(pixel_id=pixel.pixel_id, access_token=str(pixel.access_token), graph=graph)
    if looked.reason.startswith("token_"):
        pause(pixel, reason=looked.reason)
    elif not looked.reason:
        Pixel.objects.filter(pk=pixel.pk).update(token_expires_at=looked.token_expires_at)
    return True


def _due(now: datetime) -> Pixel | None:
    in_use = PixelMapping.objects.filter(pixel=OuterRef("pk"), enabled=True, store__connected=True)
    due = Pixel.objects.filter(
        Q(checked_at=None) | Q(checked_at__lt=now - EVERY), Exists(in_use), broken_reason=""
    )
    pixel: Pixel | None = (
        due.select_for_update(skip_locked=True)
        .order_by(F("checked_at").asc(nulls_first=True))
        .first()
    )
    return pixel
