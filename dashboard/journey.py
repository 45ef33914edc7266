"""One order's way from the shop to Meta: what came in, what was owed, what was tried, and the verdict.

No personal data and no payload: numbers, names of fields, times, and Meta's own words.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_never

from django.utils.translation import gettext as _
from msgspec import Struct

from conversions.models import (
    AttemptedEvent,
    ConfigVersion,
    ConsentEvidence,
    ConversionEvent,
    EventTransition,
    SendAttempt,
    State,
)
from dashboard.charts import Plot
from dashboard.reasons import in_words
from dashboard.timeline import timeline
from dashboard.words import exact, span
from purchases.mapping import Rules, read_rules
from purchases.triggers import Trigger
from shop_webhooks.models import WebhookDelivery
from stores.models import Store

# A dataset that is paused for days is tried hundreds of times; the last ones say it all.
MOST_SHOWN = 25


class Try(Struct, frozen=True, kw_only=True):
    """A request to Meta that carried the event."""

    attempt: SendAttempt
    duration: str  # "" while there is no answer
    meaning: str


class Leg(Struct, frozen=True, kw_only=True):
    """The order's way to one pixel."""

    event: ConversionEvent
    verdict: str
    rules: Rules | None  # as they were when the event was decided upon; None if they were not valid
    trigger: str
    tries: list[Try]
    earlier_tries: int
    steps: list[EventTransition]
    earlier_steps: int
    timeline: Plot | None


class Journey(Struct, frozen=True, kw_only=True):
    """Everything of one order."""

    order_id: str
    order_name: str
    deliveries: list[WebhookDelivery]
    earlier_deliveries: int
    legs: list[Leg]
    consent: list[ConsentEvidence]  # what it said of its buyer's consent, the oldest first
    verdict: str  # "" where the legs have their own


def order_journey(*, store: Store, order_id: str) -> Journey | None:
    """The journey of the store's order `order_id`, or None if we never heard of it. Six queries."""
    events = list(
        ConversionEvent.objects.filter(store=store, order_id=order_id)
        .select_related("pixel", "mapping")
        .order_by("pixel__name", "pixel__pixel_id", "pk")
    )
    deliveries = list(
        WebhookDelivery.objects.filter(store=store, order_id=order_id)
        .defer("body", "delivery_key")
        .order_by("pk")
    )
    if not events and not deliveries:
        return None
    attempts, steps, rules = _attempts(events), _steps(events), _rules(events)
    return Journey(
        order_id=order_id,
        order_name=events[0].order_name if events else order_id,
        deliveries=deliveries[-MOST_SHOWN:],
        earlier_deliveries=max(len(deliveries) - MOST_SHOWN, 0),
        legs=[
            _leg(
                event,
                attempts.get(event.pk, []),
                steps.get(event.pk, []),
                deliveries,
                rules=rules.get(event.config_version),
            )
            for event in events
        ],
        consent=list(
            ConsentEvidence.objects.filter(store=store, order_id=order_id).order_by("first_seen_at")
        ),
        verdict="" if events else _not_owed(order_id, deliveries[-1]),
    )


def verdict(event: ConversionEvent, *, told_at: datetime) -> str:
    """In one or two sentences, what became of the event and why; `told_at` is when we heard of it."""
    words = {
        "order": event.order_name,
        "pixel": event.pixel.name or event.pixel.pixel_id,
        "why": in_words(event.reason),
        "until": exact(event.cut_off),
    }
    match State(event.state):
        case State.ACCEPTED if event.reason:
            text = _("%(order)s counts as accepted by Meta dataset %(pixel)s. %(why)s")
        case State.ACCEPTED:
            words["after"] = span((event.accepted_at or told_at) - told_at)
            text = _(
                "%(order)s reached Meta dataset %(pixel)s %(after)s after the shop told us. %(why)s"
            )
        case State.WAITING:
            text = _waiting(event.reason)
        case State.PENDING if event.pixel.broken_reason:
            words["why"] = in_words(event.pixel.broken_reason)
            text = _(
                "%(order)s is held, because dataset %(pixel)s is paused. %(why)s"
                " It can be sent until %(until)s."
            )
        case State.PENDING if event.attempts:
            text = _(
                "%(order)s has not reached Meta dataset %(pixel)s yet. %(why)s"
                " We keep trying until %(until)s."
            )
        case State.PENDING:
            text = _("%(order)s is on its way to Meta dataset %(pixel)s.")
        case State.IN_DOUBT:
            text = _in_doubt(event)
        case State.SKIPPED:
            text = _("%(order)s was not sent to Meta dataset %(pixel)s. %(why)s")
        case State.REJECTED:
            text = _("%(order)s was rejected for Meta dataset %(pixel)s. %(why)s")
        case State.EXPIRED:
            text = _expired(event)
        case state:
            assert_never(state)
    return (text % words).strip()


def _in_doubt(event: ConversionEvent) -> str:
    if event.reason == "consent_refused":
        return _(
            "%(order)s was sent to Meta dataset %(pixel)s, and we don't know whether it arrived."
            " %(why)s It is never sent again."
        )
    if event.held:
        return _(
            "%(order)s was sent to Meta dataset %(pixel)s, and we don't know whether it arrived."
            " %(why)s It is not sent again unless you say so, until %(until)s."
        )
    return _(
        "%(order)s was sent to Meta dataset %(pixel)s, and we don't know whether it arrived."
        " %(why)s We send it again with the same event ID, which Meta counts once,"
        " until %(until)s."
    )


def _expired(event: ConversionEvent) -> str:
    if event.reason != "too_old":
        return _("%(order)s may have reached Meta dataset %(pixel)s. %(why)s")
    if event.first_unknown_at:
        return _(
            "%(order)s may have reached Meta dataset %(pixel)s: we got no answer until %(until)s,"
            " and sending it again later could count it twice."
        )
    if not event.event_id:
        return _(
            "%(order)s was not sent to Meta dataset %(pixel)s: what it waited for had not come"
            " by %(until)s, and Meta takes no older sales."
        )
    return _(
        "%(order)s did not reach Meta dataset %(pixel)s in time: it could be sent"
        " until %(until)s, and Meta takes no older sales."
    )


def _waiting(reason: str) -> str:
    match reason:
        case "payment":
            return _("%(order)s waits for payment; it can be sent to %(pixel)s until %(until)s.")
        case "consent":
            return _(
                "%(order)s waits for the buyer's consent; it can be sent to %(pixel)s until %(until)s."
            )
        case "completion" | "status" | "tag":
            return _(
                "%(order)s waits for the shop; it can be sent to %(pixel)s until %(until)s. %(why)s"
            )
        case _other:
            return _("%(order)s is held back; it can be sent to %(pixel)s until %(until)s. %(why)s")


def _not_owed(order_id: str, delivery: WebhookDelivery) -> str:
    text = _("Order %(order)s is owed to no Meta dataset. %(why)s")
    return text % {"order": order_id, "why": in_words(delivery.reason)}


def _attempts(events: list[ConversionEvent]) -> dict[int, list[SendAttempt]]:
    attempts: dict[int, list[SendAttempt]] = {}
    for attempted in (
        AttemptedEvent.objects.filter(event__in=events)
        .select_related("attempt")
        .order_by("attempt_id")
    ):
        attempts.setdefault(attempted.event_id, []).append(attempted.attempt)
    return attempts


def _steps(events: list[ConversionEvent]) -> dict[int, list[EventTransition]]:
    steps: dict[int, list[EventTransition]] = {}
    for step in EventTransition.objects.filter(event__in=events).order_by("pk"):
        steps.setdefault(step.event_id, []).append(step)
    return steps


def _rules(events: list[ConversionEvent]) -> dict[str, Rules]:
    """By version, the rules as they were: an edit afterwards does not change what is told here."""
    used = {event.config_version for event in events if event.reason != "invalid_mapping"}
    kept = ConfigVersion.objects.filter(version__in=used)
    return {version.version: read_rules(version.rules) for version in kept}


def _leg(
    event: ConversionEvent,
    attempts: list[SendAttempt],
    steps: list[EventTransition],
    deliveries: list[WebhookDelivery],
    *,
    rules: Rules | None,
) -> Leg:
    return Leg(
        event=event,
        verdict=verdict(event, told_at=_told_at(event, attempts, deliveries)),
        rules=rules,
        trigger=_trigger(rules.trigger) if rules else "",
        tries=[_try(attempt) for attempt in attempts[-MOST_SHOWN:]],
        earlier_tries=max(len(attempts) - MOST_SHOWN, 0),
        steps=steps[-MOST_SHOWN:],
        earlier_steps=max(len(steps) - MOST_SHOWN, 0),
        timeline=timeline(event, attempts=attempts[-MOST_SHOWN:]),
    )


def _told_at(
    event: ConversionEvent, attempts: list[SendAttempt], deliveries: list[WebhookDelivery]
) -> datetime:
    """When the delivery came that made the event due: the last one before it was.

    `not_before` is when it was recorded as due, unless an answer stayed out and moved it on; then it
    is known to have been due when it was first sent.
    """
    due_at = min([event.not_before, *(attempt.started_at for attempt in attempts[:1])])
    told = [
        delivery.received_at
        for delivery in deliveries
        if delivery.state == WebhookDelivery.State.RECORDED and delivery.received_at <= due_at
    ]
    return max(told, default=event.received_at)


def _trigger(trigger: Trigger) -> str:
    """When orders are due: `paid`, or `cod: completed, default: paid`."""
    if isinstance(trigger, str):
        return trigger
    return ", ".join(f"{method}: {word}" for method, word in trigger)


def _try(attempt: SendAttempt) -> Try:
    took = attempt.finished_at - attempt.started_at if attempt.finished_at else None
    return Try(
        attempt=attempt, duration="" if took is None else span(took), meaning=_meaning(attempt)
    )


def _meaning(attempt: SendAttempt) -> str:
    """What the answer meant, for the one event among those that were in the request."""
    outcome = SendAttempt.Outcome
    why = in_words(attempt.reason)
    texts: dict[Any, str] = {
        outcome.ACCEPTED: _("Meta accepted the whole request."),
        outcome.TRY_LATER: _("Nothing was counted; we try again. %(why)s"),
        outcome.PIXEL_BROKEN: _("Nothing was counted; we paused the dataset. %(why)s"),
        outcome.REJECTED: _("Meta refused the event. %(why)s")
        if attempt.event_count == 1
        else _("One event made Meta refuse the whole request; we look for it. %(why)s"),
        outcome.UNKNOWN: _("It is not known whether Meta counted it. %(why)s"),
    }
    if attempt.finished_at is None:
        return _("No answer yet.")
    return (texts[attempt.outcome] % {"why": why}).strip()
