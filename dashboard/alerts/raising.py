"""From what is wrong at this moment to alerts: opened once, told once, and closed when it is over.

One worker looks at a time; the row of `Lookout` is the lock. A message is written in the transaction
that opens its alerts, so that none is opened untold; sending it is another matter (sending.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from dashboard.alerts import checks, trends
from dashboard.alerts.causes import ORDER, Alarm, Cause
from dashboard.models import Alert, AlertChannel, AlertMessage, Lookout
from stores.models import Workspace

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=50)
SLOWLY_EVERY = timedelta(minutes=15)
TOLD_AGAIN_AFTER = timedelta(hours=6)  # of the same cause, to the same workspace


def look_out(*, now: datetime) -> bool:
    """Look at everything, if nobody else does and it is time; True if we have looked."""
    Lookout.objects.get_or_create(pk=1)
    with transaction.atomic():
        turn = Lookout.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if turn is None or (turn.looked_at and now - turn.looked_at < EVERY):
            return False
        due = dict(checks.QUICK)
        if turn.looked_slowly_at is None or now - turn.looked_slowly_at >= SLOWLY_EVERY:
            due |= trends.SLOW
            turn.looked_slowly_at = now
        take_over(checks.look(due, now=now), causes=due, now=now)
        turn.looked_at = now
        turn.save()
    return True


def take_over(alarms: Sequence[Alarm], *, causes: Iterable[Cause], now: datetime) -> None:
    """Open, keep up and close the alerts of these causes, and write what is to be told of it.

    Must run inside a transaction.
    """
    _give_channels()
    found = {alarm.subject: alarm for alarm in alarms}
    looked_at = [cause.value for cause in causes]
    still_open = {
        (alert.workspace_id, alert.cause, alert.store_id or 0, alert.pixel_id or 0): alert
        for alert in Alert.objects.filter(resolved_at=None, cause__in=looked_at)
    }
    for subject, alarm in found.items():
        alert = still_open.get(subject) or _again(alarm, now=now) or _new(alarm, now=now)
        _fill(alert, alarm, now=now)
        alert.save()
    over = [alert for subject, alert in still_open.items() if subject not in found]
    Alert.objects.filter(pk__in=[alert.pk for alert in over]).update(resolved_at=now)
    _tell_of_open_ones(now=now)
    _tell([alert for alert in over if alert.told_at], kind=AlertMessage.Kind.RESOLVED, now=now)


def write_message(
    channel: AlertChannel, *, kind: str, alerts: Sequence[Alert], now: datetime
) -> None:
    """One message about all of the alerts, to be sent at once."""
    message = AlertMessage.objects.create(
        channel=channel, kind=kind, key=uuid.uuid4(), written_at=now, not_before=now
    )
    message.alerts.set(alerts)


def _give_channels() -> None:
    """A workspace's alerts go to its members' mail, until somebody chooses otherwise."""
    without = Workspace.objects.filter(channels=None).values_list("pk", flat=True)
    AlertChannel.objects.bulk_create(
        AlertChannel(workspace_id=pk, kind=AlertChannel.Kind.MEMBERS) for pk in without
    )


def _new(alarm: Alarm, *, now: datetime) -> Alert:
    log.warning("alert.opened", cause=alarm.cause, store=alarm.store, pixel=alarm.pixel)
    return Alert(
        workspace_id=alarm.workspace,
        cause=alarm.cause.value,
        store_id=alarm.store or None,
        pixel_id=alarm.pixel or None,
        opened_at=now,
    )


def _again(alarm: Alarm, *, now: datetime) -> Alert | None:
    """What was over a moment ago and is back is the same alert; if it stays, that is news again."""
    recent: Any = Alert.objects.filter(
        workspace=alarm.workspace,
        cause=alarm.cause.value,
        store=alarm.store or None,
        pixel=alarm.pixel or None,
        resolved_at__gt=now - TOLD_AGAIN_AFTER,
    ).order_by("-resolved_at")
    alert: Alert | None = recent.first()
    if alert:
        alert.resolved_at = alert.told_at = alert.acknowledged_at = None
    return alert


def _fill(alert: Alert, alarm: Alarm, *, now: datetime) -> None:
    if alarm.stage > alert.stage:
        alert.told_at = alert.acknowledged_at = None
    alert.stage = alarm.stage
    alert.level, alert.reason, alert.seen_at = alarm.level.value, alarm.reason, now
    alert.orders, alert.until = alarm.orders, alarm.until
    alert.money = [[currency, str(value)] for currency, value in alarm.money]


def _tell_of_open_ones(*, now: datetime) -> None:
    """Of what nobody was told yet, unless its workspace has lately heard of the same cause."""
    untold = Alert.objects.filter(resolved_at=None, told_at=None, acknowledged_at=None)
    told = Alert.objects.filter(
        alertmessage__kind=AlertMessage.Kind.OPENED,
        alertmessage__written_at__gt=now - TOLD_AGAIN_AFTER,
    )
    lately = set(told.values_list("workspace", "cause"))
    _tell(
        [alert for alert in untold if (alert.workspace_id, alert.cause) not in lately],
        kind=AlertMessage.Kind.OPENED,
        now=now,
    )


def _tell(alerts: Sequence[Alert], *, kind: str, now: datetime) -> None:
    """One message for each channel of each workspace, whatever the number of its alerts."""
    by_workspace: dict[int, list[Alert]] = {}
    for alert in sorted(alerts, key=lambda each: (ORDER[each.cause], each.pk)):
        by_workspace.setdefault(alert.workspace_id, []).append(alert)
    channels = AlertChannel.objects.filter(workspace__in=list(by_workspace), enabled=True)
    for channel in channels.order_by("pk"):
        told = by_workspace[channel.workspace_id]
        write_message(channel, kind=kind, alerts=told, now=now)
    if kind == AlertMessage.Kind.OPENED:
        Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(told_at=now)
