"""The form by which a merchant has a customer forgotten."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.erasure import orders_called
from stores.models import Store


class ForgetForm(forms.Form):
    """Whom, and that it is meant: `email` or `order_ids` of what was typed."""

    whom = forms.CharField(
        label=gettext_lazy("Order number, or e-mail address"),
        max_length=254,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    sure = forms.BooleanField(label=gettext_lazy("I know that it cannot be taken back"))

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self._store = store
        self.email = ""
        self.order_ids: list[str] = []

    def clean_whom(self) -> str:
        """An address as it is; of a number, the orders that bear it."""
        whom = str(self.cleaned_data["whom"])
        if "@" in whom:
            validate_email(whom)
            self.email = whom
        elif not (found := orders_called(self._store, whom)):
            raise forms.ValidationError(_("No order of this store bears that number."))
        else:
            self.order_ids = found
        return whom
