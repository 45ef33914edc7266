"""What an invited merchant sees: who asks, for what, and the one question where the shop is.

There is no login here. The link is the lock, and the shop's own consent page the proof.
"""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_update
from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from stores import invitations
from stores.invitations import TooLate
from stores.models import Invitation
from stores.shop_words import told
from stores.shopify.forms import typed_domain
from stores.shopify.views import ask_merchant
from stores.shops import ShopError
from stores.woocommerce.connect import begin_handover
from stores.woocommerce.forms import typed_url
from stores.woocommerce.views import SHOPS


class JoinForm(forms.Form):
    """Where the shop is. A name that ends like Shopify's own leads to Shopify."""

    shop = forms.CharField(label=gettext_lazy("Address of your shop"), max_length=500)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.fields["shop"].widget.attrs |= {
            "placeholder": "boutique.myshopify.com",
            "inputmode": "url",
            "autocapitalize": "none",
            "spellcheck": "false",
        }

    def clean_shop(self) -> str:
        """The myshopify.com name of a Shopify shop, or the address of a WooCommerce one."""
        text = str(self.cleaned_data["shop"]).strip()
        if "." in text and (domain := typed_domain(text)):
            if settings.SHOPIFY_API_KEY:
                return domain
            raise forms.ValidationError(_("Shopify is not set up here: ask who has invited you."))
        return typed_url(text)


@login_not_required
@never_cache
@csp_update({"form-action": SHOPS})  # type: ignore[arg-type]  # made for views of one argument
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """`/join/<token>/`: what the workspace asks for, and on to the consent page of the shop."""
    try:
        invitation = invitations.find(token=token, now=timezone.now())
    except TooLate:
        return render(request, "stores/too_late.html", status=404)
    form = JoinForm(request.POST or None)
    failure: ShopError | None = None
    if form.is_valid():
        try:
            return _ask(request, form.cleaned_data["shop"], invitation)
        except ShopError as error:
            failure = error
    shown = {"form": form, "invitation": invitation, **told(failure)}
    return render(request, "stores/join.html", shown, status=422 if form.is_bound else 200)


def _ask(request: HttpRequest, shop: str, invitation: Invitation) -> HttpResponse:
    """To the consent page of the shop. Raises ShopError."""
    if "://" not in shop:
        return ask_merchant(shop, invitation=invitation)
    if not request.session.session_key:
        request.session.create()
    return redirect(
        begin_handover(
            workspace=invitation.workspace,
            user=invitation.invited_by,
            url=shop,
            session_key=request.session.session_key or "",
            invitation=invitation,
        )
    )
