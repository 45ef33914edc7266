"""The half that runs in a store's shop, as its page shows it: a form, and what is heard of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from conversions.models import BrowserVisit
from purchases.browser import LONGEST_WAIT, read_browser_half
from purchases.meta.match_quality import BITS
from stores.browser.script import UntoldPixel, pixels_of
from stores.models import Store
from stores.sql import rows

LATEST = 200

KNOWN = """
SELECT count(*), count(*) FILTER (WHERE identifiers & %(fbp)s <> 0)
FROM (SELECT identifiers FROM conversions_conversionevent
      WHERE store_id = %(store)s AND event_name = 'Purchase' AND identifiers IS NOT NULL
      ORDER BY id DESC LIMIT %(most)s) AS latest
"""

# Why the script leaves a pixel to the server (purchases.browser.why_untold).
UNTOLD = {
    "other_event": _("its mapping's event is not Purchase"),
    "not_when_paid": _("its mapping does not send when the money has arrived"),
    "conditions": _("its mappings choose among orders, which a browser cannot"),
    "held": _("its mapping only watches, or holds orders back"),
    "other_value": _("its mapping's value is not the order's total"),
    "unknown_event_id": _("a browser cannot make its mapping's event ID"),
}


class BrowserForm(forms.Form):
    """Whether and how the store uses it."""

    use = forms.BooleanField(label=_("Listen to this shop's browsers"), required=False)
    wait = forms.IntegerField(
        label=_("How many seconds an order waits for its browser"),
        required=False,
        min_value=0,
        max_value=LONGEST_WAIT,
        help_text=_("Browsers tell within seconds. After that time the order is sent without."),
    )
    purchase = forms.BooleanField(
        label=_("It also tells Meta's pixel of the purchase"),
        required=False,
        help_text=_(
            "Under the same event ID, so that Meta counts both as one. Only where no other Meta pixel"
            " runs in the shop."
        ),
    )

    ask = forms.BooleanField(
        label=_("No order of the EEA or the United Kingdom without the buyer's yes"),
        required=False,
        help_text=_(
            "The law there wants it. Until the shop's pages tell us, such orders wait, for seven days at"
            " most. It can be changed on the page Privacy."
        ),
    )

    def __init__(self, *, store: Store, data: Any = None) -> None:
        half = read_browser_half(store.browser)
        asked = {"use": bool(store.browser), "wait": half.wait, "purchase": half.purchase}
        asked["ask"] = not store.browser  # proposed once, to who switches it on
        super().__init__(data, initial=asked)
        self.label_suffix = ""
        if store.platform != Store.Platform.SHOPIFY:  # what its helper knows comes with the order
            del self.fields["wait"]
        if store.consent:
            del self.fields["ask"]

    @property
    def consent(self) -> dict[str, Any]:
        """The policy that the store is to have; {} to leave it as it is."""
        said = self.cleaned_data
        return EUROPE if said["use"] and said.get("ask") else {}

    @property
    def settings(self) -> dict[str, Any]:
        """As a fleet file says them; {} for not at all."""
        said = self.cleaned_data
        if not said["use"]:
            return {}
        wait = said.get("wait")
        return {"wait": 60 if wait is None else wait, "purchase": said["purchase"]}


# What the form proposes to a store that asks nobody yet.
EUROPE = {"policy": "required", "regions": ["EEA", "GB"], "evidence": "order_meta"}


class Left(Struct, frozen=True, kw_only=True):
    """A pixel that the script leaves to the server, and why."""

    pixel: str
    why: str | Promise


class Heard(Struct, frozen=True, kw_only=True):
    """What has come of it so far."""

    last: datetime | None
    orders: int
    known: int  # of these, whose browser Meta can know


def what_is_heard(store: Store) -> Heard:
    """Of the store's last purchases; two queries."""
    told = BrowserVisit.objects.filter(store=store, body__isnull=False).order_by("-told_at")
    last = told.values_list("told_at", flat=True).first()
    values = {"store": store.pk, "fbp": BITS["fbp"], "most": LATEST}
    ((orders, known),) = rows(KNOWN, values)
    return Heard(last=last, orders=orders, known=known)


def pixels_in_words(store: Store) -> tuple[list[str], Sequence[Left]]:
    """The pixels that the script tells, and those that it leaves to the server; one query."""
    told, untold = pixels_of(store)
    return [each.pixel for each in told], [_left(each) for each in untold]


def _left(untold: UntoldPixel) -> Left:
    return Left(pixel=untold.pixel, why=UNTOLD[untold.reason])
