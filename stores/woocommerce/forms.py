"""What is asked to connect a WooCommerce shop: its address; a key only where no hand-over is wanted."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stores.fleet.address import AddressError, shop_url
from stores.woocommerce.connect import LONGEST_KEY
from stores.workspace_form import PLAIN, WorkspaceForm


class ConnectForm(WorkspaceForm):
    """Address, workspace (where there are several), and perhaps a key."""

    url = forms.CharField(label=gettext_lazy("Address of the shop"), max_length=500)
    consumer_key = forms.CharField(
        label=gettext_lazy("Consumer key"), max_length=LONGEST_KEY, required=False
    )
    consumer_secret = forms.CharField(
        label=gettext_lazy("Consumer secret"),
        max_length=LONGEST_KEY,
        required=False,
        widget=forms.PasswordInput,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["url"].widget.attrs |= PLAIN | {
            "placeholder": "https://shop.example",
            "inputmode": "url",
            "autocomplete": "url",
        }
        for name in ("consumer_key", "consumer_secret"):
            self.fields[name].widget.attrs |= PLAIN

    def clean_url(self) -> str:
        """The address in its one form; https:// is added where nothing is said."""
        return typed_url(str(self.cleaned_data["url"]))

    def clean(self) -> dict[str, Any]:
        """Both halves of a key, or neither."""
        given = super().clean() or self.cleaned_data
        halves = [bool(given.get(name)) for name in ("consumer_key", "consumer_secret")]
        if any(halves) and not all(halves):
            raise forms.ValidationError(_("Give both the consumer key and the consumer secret."))
        return given


def typed_url(text: str) -> str:
    """The address of a shop that a person has typed, in its one form. Raises ValidationError."""
    text = text.strip()
    if "://" not in text:
        text = f"https://{text}"
    try:
        return shop_url(text, allow_private=settings.WOOCOMMERCE_ALLOW_PRIVATE)
    except AddressError as error:
        raise forms.ValidationError(_("This address %(problem)s.") % {"problem": error}) from None
