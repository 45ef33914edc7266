"""What is wrong anywhere, and who is told of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.alerts.page import DAYS, ChannelForm, looked_at, places_of, read_alerts
from dashboard.alerts.raising import write_message
from dashboard.models import Alert, AlertChannel, AlertMessage
from dashboard.tasks import look_out
from stores.members import changeable_workspaces, user_of
from stores.models import User


@require_http_methods(["GET", "HEAD", "POST"])
def alerts(request: HttpRequest) -> HttpResponse:
    """`/alerts/`: what is open, what is over, and where it is told; a POST adds a place."""
    user, now = user_of(request), timezone.now()
    mine = changeable_workspaces(user)
    form = ChannelForm(request.POST or None, user=user)
    shown: dict[str, Any] = {"form": form, "now": now, "days": DAYS, "looked_at": looked_at()}
    if request.method == "POST" and form.is_valid():
        channel = form.save()
        shown["form"], shown["secret"] = ChannelForm(user=user), channel.secret
        messages.success(
            request, _("Alerts go there from now on. Send a test to see that they arrive.")
        )
        if not channel.secret:
            return redirect("dashboard:alerts")
    shown["open"], shown["over"] = read_alerts(user=user, now=now)
    shown["places"], shown["may_change"] = places_of(user), mine.exists()
    return render(request, "dashboard/alerts.html", shown, status=422 if form.errors else 200)


@require_POST
def acknowledge(request: HttpRequest, alert_id: int) -> HttpResponse:
    """`/alerts/<id>/acknowledgement`: somebody sees to it; nobody is told of it again."""
    user = user_of(request)
    mine = Alert.objects.visible_to(user).filter(workspace__in=changeable_workspaces(user))
    alert = get_object_or_404(mine, pk=alert_id, resolved_at=None)
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by = timezone.now(), user
        alert.save(update_fields=["acknowledged_at", "acknowledged_by"])
    return redirect("dashboard:alerts")


@require_POST
def change_channel(request: HttpRequest, channel_id: int) -> HttpResponse:
    """`/alerts/channels/<id>/change`: a test, on, off, or away with it."""
    user = user_of(request)
    mine = AlertChannel.objects.visible_to(user).filter(workspace__in=changeable_workspaces(user))
    channel: AlertChannel = get_object_or_404(mine, pk=channel_id)
    match request.POST.get("do"):
        case "test":
            write_message(channel, kind=AlertMessage.Kind.TEST, alerts=(), now=timezone.now())
            look_out.ring()
            messages.success(
                request, _("A test is on its way. This page tells if it does not arrive.")
            )
        case "on" | "off":
            channel.enabled = request.POST["do"] == "on"
            channel.save(update_fields=["enabled"])
        case "remove" if channel.kind != AlertChannel.Kind.MEMBERS:
            channel.delete()
    return redirect("dashboard:alerts")


@require_POST
def morning_mail(request: HttpRequest) -> HttpResponse:
    """`/alerts/morning`: a mail of yesterday's orders each morning, or none."""
    wanted = request.POST.get("do") == "on"
    User.objects.filter(pk=user_of(request).pk).update(morning_mail=wanted)
    return redirect("dashboard:alerts")
