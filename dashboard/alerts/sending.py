"""Alert messages on their way: by mail, to a chat, or to a program, which can check our signature.

A message is marked before it is sent and after: who dies in between sends it twice, never not at all.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from smtplib import SMTPException

import msgspec
import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import translation

from dashboard.alerts.telling import Told, fields_of, subject_of, tell, text_of
from dashboard.models import AlertChannel, AlertMessage
from stores.models import Membership, User
from stores.outbound import OutboundError, fetch

log = structlog.get_logger(__name__)

TAKES = timedelta(minutes=2)  # a try that is not back by then is tried by another worker
PAUSES = (1, 5, 15, 60, 180, 360)  # minutes after each try that failed
GIVEN_UP_AFTER = timedelta(days=1)
SECRET = "whsec_"  # noqa: S105 – how the standard begins every secret


class NotSent(Exception):
    """The message did not get there; the reason is a slug."""


def send_next(*, now: datetime) -> bool:
    """Send the message whose turn it is; False where none is due."""
    with transaction.atomic():
        due = AlertMessage.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            done_at=None, not_before__lte=now
        )
        message = due.select_related("channel__workspace").order_by("not_before").first()
        if message is None:
            return False
        message.not_before, message.tries = now + TAKES, message.tries + 1
        message.save(update_fields=["not_before", "tries"])
    try:
        send(message, now=now)
    except NotSent as error:
        _failed(message, reason=str(error), now=now)
    else:
        AlertMessage.objects.filter(pk=message.pk).update(done_at=now, reason="")
        AlertChannel.objects.filter(pk=message.channel_id).update(sent_at=now, reason="")
    return True


def send(message: AlertMessage, *, now: datetime) -> None:
    """Send it, in its reader's language. Raises NotSent."""
    channel = message.channel
    alerts = list(
        message.alerts.select_related("workspace", "store", "pixel").order_by("-level", "pk")
    )
    if channel.kind == AlertChannel.Kind.MEMBERS:
        members = _members(channel)
        if not members:
            raise NotSent("no_recipient")
        for language in sorted({user.language for user in members}):
            with translation.override(language or settings.LANGUAGE_CODE):
                told = [tell(alert, now=now) for alert in alerts]
                to = [user.email for user in members if user.language == language]
                _mail(message, told, to=to)
        return
    with translation.override(channel.language):
        told = [tell(alert, now=now) for alert in alerts]
        if channel.kind == AlertChannel.Kind.EMAIL:
            _mail(message, told, to=[str(channel.target)])
        elif channel.kind == AlertChannel.Kind.SLACK:
            _post(message, {"text": f"{subject_of(message, told)}\n{_text(message, told)}"})
        else:
            _post(message, fields_of(message, alerts, told), signed=True)


def new_secret() -> str:
    """A fresh secret, as the standard writes it."""
    return SECRET + base64.b64encode(secrets.token_bytes(24)).decode()


def signature(body: bytes, *, key: str, at: int, secret: str) -> str:
    """What proves that a message is ours: of its id, its time in seconds, and its body."""
    signing = base64.b64decode(secret.removeprefix(SECRET))
    said = hmac.digest(signing, f"{key}.{at}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(said).decode()}"


def _members(channel: AlertChannel) -> Sequence[User]:
    """Those who may put it right; not the staff of one shop, who have no mailbox here."""
    who = Membership.objects.filter(workspace=channel.workspace, role__in=Membership.MAY_CHANGE)
    return list(User.objects.filter(pk__in=who.values("user"), only_store=None, is_active=True))


def _text(message: AlertMessage, told: Sequence[Told]) -> str:
    return text_of(message, told, workspace=message.channel.workspace.name)


def _mail(message: AlertMessage, told: Sequence[Told], *, to: Sequence[str]) -> None:
    mail = EmailMessage(
        subject=subject_of(message, told),
        body=_text(message, told),
        from_email=settings.ALERT_FROM,
        bcc=to,  # colleagues need not see one another's addresses
        headers={"Message-ID": f"<{message.key}@{settings.ALERT_FROM.rpartition('@')[2]}>"},
    )
    try:
        mail.send()
    except (OSError, SMTPException):
        raise NotSent("mail_refused") from None


def _post(message: AlertMessage, fields: object, *, signed: bool = False) -> None:
    body, at = msgspec.json.encode(fields), int(message.written_at.timestamp())
    headers = {"Content-Type": "application/json"}
    if signed:
        key = str(message.key)
        proof = signature(body, key=key, at=at, secret=str(message.channel.secret))
        headers |= {"webhook-id": key, "webhook-timestamp": str(at), "webhook-signature": proof}
    try:
        answer = fetch("POST", str(message.channel.target), headers=headers, body=body)
    except OutboundError as error:
        raise NotSent(error.reason) from None
    if not 200 <= answer.status < 300:
        raise NotSent(f"http_{answer.status}")


def _failed(message: AlertMessage, *, reason: str, now: datetime) -> None:
    pause = timedelta(minutes=PAUSES[min(message.tries, len(PAUSES)) - 1])
    over = now + pause > message.written_at + GIVEN_UP_AFTER or reason == "http_410"
    AlertMessage.objects.filter(pk=message.pk).update(
        not_before=now + pause, done_at=now if over else None, reason=reason
    )
    AlertChannel.objects.filter(pk=message.channel_id).update(reason=reason)
    log.warning("alert.not_sent", channel=message.channel_id, reason=reason, given_up=over)
