"""What a store asks of its buyers, as a form; `read_consent` decides whether it can be meant."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from dashboard import flaws
from purchases.consent import ConsentError, read_consent
from stores.models import Store

POLICIES = {
    "": _("Consent is not asked for"),
    "required": _("Not without the buyer's yes"),
    "unless_refused": _("Unless the buyer has said no"),
    "limited": _("Without a yes Meta is told to limit its use"),
}


class ConsentForm(forms.Form):
    """The policy, and where it holds."""

    policy = forms.ChoiceField(
        label=_("When Meta is told"),
        choices=list(POLICIES.items()),
        required=False,
        widget=forms.RadioSelect,
    )
    regions = forms.CharField(
        label=_("Where"),
        required=False,
        max_length=500,
        help_text=_(
            "EEA, countries (GB) and states (US-CA); everywhere if you leave it empty. A buyer of whom"
            " the order does not say where they are may be anywhere. Elsewhere only a refusal counts."
        ),
    )

    def __init__(self, *, store: Store, data: Any = None) -> None:
        asked = {"policy": store.consent.get("policy", "")}
        asked["regions"] = ", ".join(store.consent.get("regions", ()))
        super().__init__(data, initial=asked)
        self.label_suffix = ""
        self.fields["regions"].widget.attrs |= {"placeholder": "EEA, GB", "autocomplete": "off"}

    def clean(self) -> dict[str, Any]:
        """The settings, as a fleet file says them."""
        given = super().clean() or self.cleaned_data
        if self.errors or not given["policy"]:
            return {"settings": {}}
        settings: dict[str, Any] = {"policy": given["policy"]}
        if regions := re.findall(r"[^\s,;]+", given["regions"].upper()):
            settings["regions"] = list(dict.fromkeys(regions))
        settings["evidence"] = "order_meta"
        try:
            read_consent(settings)
        except ConsentError as error:
            self.add_error(error.key, flaws.in_words(error.key, error.message))
        return {"settings": settings}
