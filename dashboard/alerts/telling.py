"""An alert's message: a subject, a text, and the same as fields for a machine. No person in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from dashboard.alerts.causes import PAGES, Cause, at_risk, in_words
from dashboard.models import Alert, AlertMessage
from dashboard.reasons import in_words as reason_in_words
from stores.models import PixelMapping, Store

LONGEST_SUBJECT = 150


class Told(Struct, frozen=True, kw_only=True):
    """One alert as a reader has it: what, how much is at risk, why, and where it is put right."""

    sentence: str
    risk: str
    why: str
    fix: str  # an address, for a mail
    path: str  # the same within the site


def tell(alert: Alert, *, now: datetime) -> Told:
    """The alert in the active language; two queries at most, for a dataset's page."""
    path = _path(alert)
    return Told(
        sentence=in_words(Cause(alert.cause), name=name_of(alert)),
        risk=at_risk(
            orders=alert.orders,
            money=tuple((currency, Decimal(amount)) for currency, amount in alert.money),
            until=alert.until,
            now=now,
        ),
        why=reason_in_words(alert.reason),
        fix=f"{settings.APP_URL}{path}",
        path=path,
    )


def subject_of(message: AlertMessage, told: Sequence[Told]) -> str:
    """One line, without what would end it."""
    if message.kind == AlertMessage.Kind.TEST:
        line = _("A test: alerts reach you here")
    elif len(told) == 1:
        line = f"{told[0].sentence} {told[0].risk}" if told[0].risk else told[0].sentence
    else:
        line = ngettext("%(n)s alert", "%(n)s alerts", len(told)) % {"n": len(told)}
    if message.kind == AlertMessage.Kind.RESOLVED:
        line = _("Over: %(what)s") % {"what": line}
    return " ".join(f"Connector: {line}".split())[:LONGEST_SUBJECT]


def text_of(message: AlertMessage, told: Sequence[Told], *, workspace: str) -> str:
    """The whole message, for a mail or a chat."""
    if message.kind == AlertMessage.Kind.TEST:
        told_of = _("This is a test of %(workspace)s's alerts. Nothing is wrong.")
        return told_of % {"workspace": workspace}
    over = message.kind == AlertMessage.Kind.RESOLVED
    parts = [_("These are over:") if over else _("These need you:")]
    for each in told:
        lines = [each.sentence] if over else [each.sentence, each.risk, each.why, each.fix]
        parts.append("\n".join(line for line in lines if line))
    overview = f"{settings.APP_URL}{reverse('dashboard:alerts')}"
    parts.append(f"{workspace} – {overview}")
    return "\n\n".join(parts)


def fields_of(
    message: AlertMessage, alerts: Sequence[Alert], told: Sequence[Told]
) -> dict[str, Any]:
    """The body of a signed webhook."""
    return {
        "type": f"alert.{message.kind}",
        "timestamp": message.written_at.isoformat(),
        "data": [
            {
                "id": alert.pk,
                "cause": alert.cause,
                "level": alert.level,
                "store": alert.store.key if alert.store else None,
                "pixel_id": alert.pixel.pixel_id if alert.pixel else None,
                "orders": alert.orders,
                "money": dict(alert.money),
                "reason": alert.reason,
                "opened_at": alert.opened_at.isoformat(),
                "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
                "sentence": each.sentence,
                "fix": each.fix,
            }
            for alert, each in zip(alerts, told, strict=True)
        ],
    }


def name_of(alert: Alert) -> str:
    """What it is about, as people call it; on one line."""
    named = alert.store or alert.pixel or alert.workspace
    return " ".join((named.name or getattr(named, "pixel_id", "")).split())


def _path(alert: Alert) -> str:
    page, query = PAGES[Cause(alert.cause)]
    if page == "doubt":
        return reverse("dashboard:doubt")
    store_id = alert.store_id or _store_of(alert.pixel_id)
    if store_id is None:
        return reverse("dashboard:stores")
    path = reverse(f"dashboard:{page}", args=[store_id])
    return f"{path}?{query}" if query else path


def _store_of(pixel_id: int | None) -> int | None:
    """A connected store that reports to the dataset: on its pages the dataset is put right."""
    mapped = PixelMapping.objects.filter(pixel=pixel_id, store__connected=True)
    found: int | None = (
        Store.objects.filter(pk__in=mapped.values("store")).values_list("pk", flat=True).first()
    )
    return found
