"""What is asked to connect a Shopify shop: its name, and a token only where our app is not wanted."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from purchases.shops.shopify import shop_domain
from stores.workspace_form import PLAIN, WorkspaceForm

LONGEST_TOKEN = 200


class ConnectForm(WorkspaceForm):
    """The shop's name at Shopify, the workspace (where there are several), and perhaps a token."""

    shop = forms.CharField(label=gettext_lazy("Shop"), max_length=300)
    access_token = forms.CharField(
        label=gettext_lazy("Admin API access token"),
        max_length=LONGEST_TOKEN,
        required=False,
        widget=forms.PasswordInput,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shop"].widget.attrs |= PLAIN | {"placeholder": "boutique.myshopify.com"}
        self.fields["access_token"].widget.attrs |= PLAIN

    def clean_shop(self) -> str:
        """The myshopify.com name; that ending, and what stands around it in a browser, may be left."""
        if domain := typed_domain(str(self.cleaned_data["shop"])):
            return domain
        raise forms.ValidationError(
            _(
                "Give the name that ends in .myshopify.com. In Shopify's admin it stands in"
                " Settings → Domains."
            )
        )

    def clean(self) -> dict[str, Any]:
        """Without an app of this installation only a token leads to the shop."""
        given = super().clean() or self.cleaned_data
        if not settings.SHOPIFY_API_KEY and not given.get("access_token"):
            raise forms.ValidationError(
                _("No Shopify app is set up here (SHOPIFY_API_KEY): give an access token.")
            )
        return given


def typed_domain(text: str) -> str | None:
    """The myshopify.com name of what a person has typed or copied; None where there is none."""
    text = text.strip().lower().removeprefix("https://")
    if text.startswith("admin.shopify.com/store/"):
        text = text.split("/")[2]
    text = text.partition("/")[0]
    return shop_domain(text if "." in text else f"{text}.myshopify.com")
