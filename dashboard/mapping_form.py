"""A mapping as a form: what it asks, and the settings that are said with it.

`purchases.mapping.read_rules` alone decides whether the settings can be meant; here they are only
brought into one form, that of a fleet file. What would be so anyway is not stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, get_args

import msgspec
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from dashboard import flaws
from purchases.mapping import (
    AlsoSend,
    Currency,
    Customer,
    Extra,
    Refunds,
    Rules,
    RulesError,
    Unwanted,
    Value,
    WhenTrackedElsewhere,
    read_rules,
)
from purchases.triggers import Trigger
from stores.models import Pixel, PixelMapping

WHEN = ("country", "source", "subscription", "min_value", "tag", "sku", "customer")
EVERYDAY = ("pixel", "trigger", "value", "event_id", "content_id", "country", "min_value")


def _choices(words: object) -> list[tuple[str, Any]]:
    return [(word, LABELS.get(word, word)) for word in get_args(words)]


LABELS: dict[str, Any] = {
    "total": _("What the buyer pays"),
    "subtotal": _("The goods after discounts"),
    "total_less_tax": _("The total without tax"),
    "total_less_shipping": _("The total without shipping"),
    "net": _("Without tax and shipping"),
    "margin": _("Net, less what the goods cost you"),
    "shop": _("The shop's"),
    "presentment": _("The one the buyer saw"),
    "full": _("The whole value"),
    "skip": _("Do not send: it would count twice"),
    "send": _("Send all the same"),
    "any": _("All"),
    "new": _("New ones only"),
    "returning": _("Returning ones only"),
    "test": _("Test orders"),
    "staff": _("Orders that staff entered"),
    "imported": _("Imported orders"),
    "zero_value": _("Orders worth nothing"),
    "tips": _("Tips"),
    "duties": _("Duties"),
    "gift_cards": _("Gift cards"),
    "fees": _("Fees"),
    "delivery_category": _("How it is delivered"),
    "net_revenue": _("The margin"),
}
SOURCES = {
    "web": _("The online shop"),
    "app": _("An app"),
    "pos": _("A till"),
    "draft": _("A draft or an invoice"),
    "admin": _("Entered by hand"),
    "subscription": _("A renewal"),
    "api": _("Another channel"),
    "other": _("Anything else"),
}
SALES = {
    "one_off": _("No subscription"),
    "first": _("The first of a subscription"),
    "renewal": _("A renewal"),
    "resubscription": _("A subscription taken up again"),
    "switch": _("A change of plan"),
    "unclassified": _("A subscription, but nobody says which part"),
}


class Words(forms.CharField):
    """Several words in one line, with commas between them."""

    def clean(self, value: Any) -> list[str]:
        """Each word once."""
        words = [word.strip() for word in super().clean(value).split(",")]
        return list(dict.fromkeys(word for word in words if word))

    def prepare_value(self, value: Any) -> Any:
        """As it is typed."""
        return ", ".join(value) if isinstance(value, list) else value


class Several(forms.MultipleChoiceField):
    """Some of the choices, or none."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)


class ByName(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic for mypy only
    """A dataset by the name that people know it by."""

    def label_from_instance(self, obj: Any) -> str:
        """The name, and the id that tells two of a name apart."""
        return f"{obj.name} ({obj.pixel_id})" if obj.name else str(obj.pixel_id)


class MappingForm(forms.Form):
    """Which orders of a store go to a dataset, and how."""

    pixel = ByName(queryset=Pixel.objects.none(), label=_("Dataset (Pixel)"))
    trigger = forms.CharField(
        label=_("When it is sent"),
        help_text=_(
            "paid, created or completed; status:NAME or tag:NAME. Or one for each way of paying:"
            " cod: completed, default: paid."
        ),
    )
    value = forms.ChoiceField(choices=_choices(Value), label=_("Which value"))
    event_id = forms.CharField(
        label=_("Event ID"),
        help_text=_(
            "What Meta tells a browser pixel's event and ours together by: order_id, order_name,"
            " checkout_token, order_key, meta:KEY, attribute:NAME or template:TEXT."
        ),
    )
    content_id = forms.CharField(
        label=_("Product IDs"),
        help_text=_("As your catalogue has them: variant_id, product_id, sku or template:TEXT."),
    )
    country = Words(
        required=False,
        label=_("Only to these countries"),
        help_text=_("Two letters each: FR, BE. Empty means all."),
    )
    min_value = forms.DecimalField(
        required=False, min_value=Decimal(0), label=_("Only from this total on")
    )
    source = Several(choices=list(SOURCES.items()), label=_("Only from"))
    subscription = Several(choices=list(SALES.items()), label=_("Only of a subscription"))
    tag = Words(required=False, label=_("Only with one of these tags"))
    sku = Words(required=False, label=_("Only with one of these products"), help_text=_("SKUs"))
    customer = forms.ChoiceField(choices=_choices(Customer), label=_("Customers"))
    event = forms.CharField(
        label=_("Event"), help_text=_("Purchase, or another name, such as Subscribe.")
    )
    skip = Several(choices=_choices(Unwanted), label=_("Never send"))
    hold = forms.CharField(
        required=False,
        label=_("Hold back for"),
        help_text=_("In case the order is cancelled: 90m or 24h, at most 48h."),
    )
    leave_out = Several(choices=_choices(Extra), label=_("Leave out of the value"))
    currency = forms.ChoiceField(choices=_choices(Currency), label=_("Currency"))
    refunds = forms.ChoiceField(
        choices=[("net", _("Less what was given back")), *_choices(Refunds)[1:]],
        label=_("Refunded in part before it is sent"),
    )
    also_send = Several(choices=_choices(AlsoSend), label=_("Also send"))
    predicted_ltv = forms.CharField(
        required=False,
        label=_("Predicted lifetime value"),
        help_text=_("2.5x of the value, meta:KEY or attribute:NAME."),
    )
    when_tracked_elsewhere = forms.ChoiceField(
        choices=_choices(WhenTrackedElsewhere), label=_("When another plug-in has told Meta")
    )
    enabled = forms.BooleanField(required=False, label=_("In force"))

    def __init__(self, *, pixels: QuerySet[Pixel], mapping: PixelMapping, data: Any = None) -> None:
        self._mapping = mapping
        super().__init__(data, initial=_initial(mapping), label_suffix="")
        self.fields["pixel"].queryset = pixels  # type: ignore[attr-defined]  # a choice field

    def everyday(self) -> list[forms.BoundField]:
        """What most mappings need."""
        return [self[name] for name in EVERYDAY]

    def more(self) -> list[forms.BoundField]:
        """The rest."""
        return [self[name] for name in self.fields if name not in EVERYDAY]

    def clean(self) -> dict[str, Any]:
        """Whether the settings can be meant: what is wrong stands at its field."""
        super().clean()
        if not self.errors:
            try:
                read_rules(self._shared() | self.settings())
            except RulesError as error:
                name = error.key.removeprefix("when.")
                told = flaws.in_words(name, error.message)
                self.add_error(name if name in self.fields else None, told)
        return self.cleaned_data

    def settings(self) -> dict[str, Any]:
        """What the mapping says itself, as a fleet file would."""
        said = _said(self.cleaned_data)
        taken_for_granted = canonical(read_rules(self._shared()))
        kept = {
            name: self._mapping.settings[name] for name in KEPT if name in self._mapping.settings
        }
        own = {name: word for name, word in said.items() if word != taken_for_granted[name]}
        return kept | own

    def _shared(self) -> dict[str, Any]:
        return dict(self._mapping.template.settings) if self._mapping.template else {}


# What the form does not ask: it stays as it is.
KEPT = ("action_source", "whatsapp", "send_from")


def canonical(rules: Rules) -> dict[str, Any]:
    """The rules in the form of a fleet file, every key of the form said."""
    plain = msgspec.to_builtins(rules, str_keys=True)
    when = {name: plain["when"][name] for name in WHEN}
    least = rules.when.min_value
    when["min_value"] = None if least is None else f"{least.normalize():f}"
    when["customer"] = "" if rules.when.customer == "any" else rules.when.customer
    names = (name for name in MappingForm.base_fields if name in Rules.__struct_fields__)
    said: dict[str, Any] = {name: _listed(plain[name]) for name in names}
    said["trigger"] = _trigger(rules.trigger)
    said["when"] = {name: _listed(word) for name, word in when.items() if word}
    return said


def _initial(mapping: PixelMapping) -> dict[str, Any]:
    """The form as the mapping is; one that cannot be meant begins anew."""
    try:
        said = canonical(mapping.rules())
    except RulesError:
        said = canonical(Rules())
    when = said.pop("when")
    trigger = said.pop("trigger")
    if isinstance(trigger, dict):
        trigger = ", ".join(f"{method}: {word}" for method, word in trigger.items())
    asked = {"customer": "any", "enabled": mapping.enabled, "pixel": mapping.pixel_id}
    initial: dict[str, Any] = said | {"trigger": trigger} | asked | when
    return initial


def _said(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """The form's answers in the form of a fleet file."""
    when = {name: cleaned[name] for name in WHEN if cleaned[name] and cleaned[name] != "any"}
    if "min_value" in when:
        when["min_value"] = f"{when['min_value'].normalize():f}"
    if "country" in when:
        when["country"] = [country.upper() for country in when["country"]]
    rest: dict[str, Any] = {
        name: word for name, word in cleaned.items() if name in Rules.__struct_fields__
    }
    return rest | {"trigger": _read_trigger(cleaned["trigger"]), "when": when}


def _read_trigger(text: str) -> str | dict[str, str]:
    """`paid`, `tag:vip`, or `cod: completed, default: paid` (a space after the colon)."""
    if ": " not in text:
        return text.strip()
    pairs = (part.partition(": ") for part in text.split(","))
    return dict(sorted((method.strip(), word.strip()) for method, _colon, word in pairs))


def _trigger(trigger: Trigger) -> str | dict[str, str]:
    return trigger if isinstance(trigger, str) else dict(trigger)


def _listed(word: Any) -> Any:
    return list(word) if isinstance(word, tuple) else word
