"""What a setting must be, for a form: a fleet file is told in English, with the value (purchases/)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WANTED = {
    "trigger": _(
        "It must be paid, created, completed, status:NAME or tag:NAME, or one of them for each way of"
        " paying. With cancelled, draft or refunded, the event needs another name than Purchase."
    ),
    "country": _("Each must be a country's code of two letters, such as FR."),
    "min_value": _("It must be an amount such as 10 or 12.50."),
    "event": _("It must be a name such as Purchase or SubscriptionRenewal."),
    "currency": _("Costs are in the shop's currency: the margin can only be in it too."),
    "hold": _("It must be such as 90m or 24h, and 48h at most."),
    "send_from": _("It must be never, or a moment with its zone: 2026-12-01T00:00:00+01:00."),
    "predicted_ltv": _("It must be 2.5x, meta:KEY or attribute:NAME."),
    "event_id": _(
        "It must be one of the names below, or template:TEXT with a field of the order in braces, such"
        " as {order_id}."
    ),
    "content_id": _(
        "It must be one of the names below, or template:TEXT with a field of the product in braces, such"
        " as {sku}."
    ),
    "regions": _("Each must be EEA, a country (GB) or a state (US-CA)."),
}


def in_words(key: str, told: str) -> str:
    """What the setting `key` must be; where no sentence is kept, what was `told` of it."""
    return str(WANTED.get(key, told))
