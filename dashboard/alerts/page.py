"""What the page of alerts shows: what is wrong now, what was, and where it is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django import forms
from django.conf import settings
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from dashboard.alerts.causes import ORDER
from dashboard.alerts.sending import new_secret
from dashboard.alerts.telling import Told, tell
from dashboard.models import Alert, AlertChannel, Lookout
from stores.fleet.address import AddressError, shop_url
from stores.members import changeable_workspaces
from stores.models import User, Workspace

DAYS = 30
TROUBLES = {
    "mail_refused": _("The mail server did not take it."),
    "no_recipient": _("Nobody who may put things right has a mail address here."),
    "address_not_allowed": _("Its address leads to a private network."),
    "certificate_refused": _("Its certificate is not valid for its address."),
    "redirect_refused": _("It sends us on to another address."),
}
MOST_SHOWN = 100


class Shown(Struct, frozen=True, kw_only=True):
    """An alert, in words."""

    alert: Alert
    told: Told
    may_acknowledge: bool


class Place(Struct, frozen=True, kw_only=True):
    """A channel, and whether its last message got there; its address is not shown again."""

    channel: AlertChannel
    address: str
    trouble: str


def read_alerts(*, user: User, now: datetime) -> tuple[list[Shown], list[Shown]]:
    """What is open, the gravest first, and what was over in the last 30 days, the latest first."""
    may = set(changeable_workspaces(user).values_list("pk", flat=True))
    alerts: QuerySet[Alert] = Alert.objects.visible_to(user).select_related(
        "workspace", "store", "pixel", "acknowledged_by"
    )
    still = sorted(alerts.filter(resolved_at=None)[:MOST_SHOWN], key=_gravity)
    over = alerts.filter(resolved_at__gt=now - timedelta(days=DAYS)).order_by("-resolved_at")
    return _shown(still, may, now), _shown(list(over[:MOST_SHOWN]), may, now)


def open_alerts(user: User) -> int:
    """How many are open and not acknowledged, of those that `user` may see; one query."""
    alerts: QuerySet[Alert] = Alert.objects.visible_to(user)
    return alerts.filter(resolved_at=None, acknowledged_at=None).count()


def looked_at() -> datetime | None:
    """When we last looked whether anything is wrong."""
    return Lookout.objects.values_list("looked_at", flat=True).first()


def places_of(user: User) -> list[Place]:
    """Where the alerts of the workspaces go that `user` may change."""
    channels: QuerySet[AlertChannel] = AlertChannel.objects.visible_to(user).filter(
        workspace__in=changeable_workspaces(user)
    )
    return [
        Place(channel=channel, address=_hint(channel), trouble=trouble_in_words(channel.reason))
        for channel in channels.select_related("workspace").order_by("workspace__name", "pk")
    ]


class ChannelForm(forms.Form):
    """One more place to which a workspace's alerts go."""

    workspace = forms.ModelChoiceField(
        Workspace.objects.none(), label=_("Workspace"), empty_label=None
    )
    kind = forms.ChoiceField(
        label=_("How"),
        choices=[
            (AlertChannel.Kind.EMAIL, _("By mail")),
            (AlertChannel.Kind.SLACK, _("To Slack, or what takes the same")),
            (AlertChannel.Kind.WEBHOOK, _("To a program, signed")),
        ],
    )
    target = forms.CharField(
        label=_("Address"),
        max_length=500,
        help_text=_("A mail address; or the https address of the channel or program."),
    )

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as a form takes them
        self.label_suffix = ""
        mine = changeable_workspaces(user)
        self.fields["workspace"].queryset = mine  # type: ignore[attr-defined]  # of such a field
        if mine.count() == 1:
            self.fields["workspace"].widget = forms.HiddenInput()
            self.initial["workspace"] = mine.get().pk

    def clean(self) -> dict[str, object]:
        """Whether the address is one of its kind."""
        given = super().clean() or self.cleaned_data
        target = given.get("target", "")
        if self.errors:
            return given
        if given["kind"] == AlertChannel.Kind.EMAIL:
            try:
                validate_email(target)
            except forms.ValidationError as error:
                self.add_error("target", error)
            return given
        try:
            shop_url(target.partition("?")[0], allow_private=settings.WOOCOMMERCE_ALLOW_PRIVATE)
        except AddressError as error:
            self.add_error("target", _("This address %(problem)s.") % {"problem": error})
        return given

    def save(self) -> AlertChannel:
        """The channel; a signed one has a secret, which is shown once."""
        given = self.cleaned_data
        signed = given["kind"] == AlertChannel.Kind.WEBHOOK
        return AlertChannel.objects.create(
            workspace=given["workspace"],
            kind=given["kind"],
            target=given["target"],
            secret=new_secret() if signed else "",
            language=get_language() or settings.LANGUAGE_CODE,
        )


def trouble_in_words(reason: str) -> str:
    """Why a message did not get there; "" where it did."""
    if reason.startswith("http_"):
        told = _("It answered with status %(status)s.")
        return str(told) % {"status": reason.removeprefix("http_")}
    return str(TROUBLES.get(reason, _("It could not be reached."))) if reason else ""


def _shown(alerts: Sequence[Alert], may: set[int], now: datetime) -> list[Shown]:
    return [
        Shown(alert=alert, told=tell(alert, now=now), may_acknowledge=alert.workspace_id in may)
        for alert in alerts
    ]


def _gravity(alert: Alert) -> tuple[bool, bool, int, datetime]:
    graver = alert.level == "bad"
    return alert.acknowledged_at is not None, not graver, ORDER[alert.cause], alert.opened_at


def _hint(channel: AlertChannel) -> str:
    """Enough to know it by: a mail address whole, of an https address the host only."""
    target = str(channel.target)
    return (
        target
        if channel.kind == AlertChannel.Kind.EMAIL
        else target.partition("://")[2].split("/")[0]
    )
