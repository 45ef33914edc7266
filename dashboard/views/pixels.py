"""What a person can press about a dataset."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from conversions.tasks import send_due
from dashboard import queries
from stores.members import user_of
from stores.models import Pixel


@require_POST
def resume_pixel(request: HttpRequest, pixel_id: int) -> HttpResponse:
    """`/pixels/<id>/resumption`: try a paused pixel again, at once, with all that it is owed."""
    pixel = get_object_or_404(queries.resumable_pixels(user=user_of(request)), pk=pixel_id)
    with transaction.atomic():
        Pixel.objects.filter(pk=pixel.pk).update(broken_reason="", broken_at=None)
        send_due.ring()
    name = pixel.name or pixel.pixel_id
    messages.success(request, _("We are trying dataset %(name)s again.") % {"name": name})
    return redirect("dashboard:stores")
