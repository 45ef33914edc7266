"""What was sent and never answered, and a person's word on it."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from conversions.doubt import Verdict, settle
from conversions.tasks import send_due
from dashboard import queries
from stores.members import user_of


@require_safe
def doubt(request: HttpRequest) -> HttpResponse:
    """`/in-doubt/`: what was sent and never answered, with its clocks, for a person to settle."""
    shown = {"found": queries.doubtful(user=user_of(request)), "now": timezone.now()}
    return render(request, "dashboard/doubt.html", shown)


@require_POST
def settle_event(request: HttpRequest, event_id: int) -> HttpResponse:
    """`/events/<id>/settlement`: a person's word on an event in doubt."""
    event = get_object_or_404(queries.settleable(user=user_of(request)), pk=event_id)
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


SETTLED = {
    Verdict.ACCEPTED: gettext_lazy("%(order)s counts as accepted, and is not sent again."),
    Verdict.RESEND: gettext_lazy("We are sending %(order)s again, with the same event ID."),
    Verdict.GIVE_UP: gettext_lazy("%(order)s is let go, and is not sent again."),
}
