"""What is asked for a change of many stores at once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from dashboard.connection import changeable_stores
from stores.members import changeable_workspaces
from stores.models import MappingTemplate, Store, User
from stores.workspace_form import PLAIN

ACTIONS = {
    "pause": gettext_lazy("Pause: no new order is sent; what is owed already still goes"),
    "resume": gettext_lazy("Resume what was paused"),
    "again": gettext_lazy("Send again what was missed"),
    "template": gettext_lazy("Put the mappings on a template"),
    "token": gettext_lazy("Give the datasets a new token"),
}
DAYS = [
    (days, ngettext_lazy("the last %(n)s day", "the last %(n)s days", days) % {"n": days})
    for days in (1, 2, 3, 7)
]


class ManyStores(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not subscriptable
    """Stores by name, with their workspace where there are several."""

    def label_from_instance(self, obj: Store) -> str:
        """How a store is called."""
        return f"{obj.name} · {obj.workspace.name}"


class BulkForm(forms.Form):
    """Which stores, what is to be done, and with what."""

    all_of_them = forms.BooleanField(label=gettext_lazy("All my stores"), required=False)
    stores = ManyStores(
        label=gettext_lazy("Stores"),
        queryset=Store.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    do = forms.ChoiceField(
        label=gettext_lazy("What to do"), choices=ACTIONS.items(), widget=forms.RadioSelect
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("To send again: orders of"),
        choices=DAYS,
        coerce=int,
    )
    template = forms.ModelChoiceField(
        label=gettext_lazy("Template"), queryset=MappingTemplate.objects.none(), required=False
    )
    access_token = forms.CharField(
        label=gettext_lazy("New token"),
        required=False,
        max_length=500,
        widget=forms.PasswordInput(PLAIN),
        help_text=gettext_lazy(
            "Meta is asked for each dataset: those that it opens have it at once."
        ),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        stores: Any = self.fields["stores"]
        stores.queryset = (
            changeable_stores(user=user)
            .filter(connected=True)
            .select_related("workspace")
            .order_by("workspace__name", "name", "pk")
        )
        template: Any = self.fields["template"]
        template.queryset = MappingTemplate.objects.filter(
            workspace__in=changeable_workspaces(user)
        ).order_by("name")

    def clean_access_token(self) -> str:
        """Without the blanks and line ends that come along when it is pasted."""
        return "".join(str(self.cleaned_data["access_token"]).split())

    def clean(self) -> dict[str, Any]:
        """The fields; an action needs what it is done with."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("all_of_them"):
            stores: Any = self.fields["stores"]
            cleaned["stores"] = stores.queryset
        elif not cleaned.get("stores") and "stores" not in self.errors:
            self.add_error("stores", _("Choose the stores."))
        if cleaned.get("do") == "template" and not cleaned.get("template"):
            self.add_error("template", _("Choose a template."))
        if cleaned.get("do") == "token" and not cleaned.get("access_token"):
            self.add_error("access_token", _("Paste the new token."))
        return cleaned
