"""What shoppers' browsers tell, and the script or plug-in that has them tell it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dashboard.browser_page import BrowserForm, pixels_in_words, what_is_heard
from dashboard.views.store_page import changeable_store, find_store, may_change, render_in_store
from stores.browser.helper import helper_zip
from stores.browser.script import custom_pixel, settings_of
from stores.browser.switch import COLUMNS, set_browser_half
from stores.models import Store
from stores.shop_words import told
from stores.shopify.web_pixel import may_have_pixel, place
from stores.shops import ShopError


@require_http_methods(["GET", "HEAD", "POST"])
def browser(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/browser/`: switch it on, and take it to the shop; ?format=zip is the plug-in."""
    saving = request.method == "POST"
    store = changeable_store(request, store_id) if saving else find_store(request, store_id)
    if request.GET.get("format") == "zip":
        return _plugin(store)
    form = BrowserForm(store=store, data=request.POST if saving else None)
    if form.is_valid():
        set_browser_half(store, form.settings)
        store.consent = form.consent or store.consent
        store.save(update_fields=[*COLUMNS, "consent"])
        _tell_the_shop(request, store)
        return redirect("dashboard:browser", store.pk)
    shown: dict[str, Any] = {
        "form": form,
        "may_change": may_change(request, store),
        "is_shopify": store.platform == Store.Platform.SHOPIFY,
        "heard": what_is_heard(store),
    }
    if store.browser:
        shown["script"] = custom_pixel(store)
        shown["told"], shown["left"] = pixels_in_words(store)
    status = 422 if form.errors else 200
    return render_in_store(request, "dashboard/browser.html", store, shown, status=status)


def _tell_the_shop(request: HttpRequest, store: Store) -> None:
    """Place the app's own pixel, where the app is there and may; else it is to be pasted."""
    if not may_have_pixel(getattr(store, "shopify", None)):
        messages.success(request, _("Saved."))
        return
    try:
        place(store, now=timezone.now)
    except ShopError as error:
        said = told(error)
        messages.warning(request, _("Saved. %(problem)s %(fix)s") % said)
    else:
        messages.success(
            request,
            _("Saved, and the app's pixel in the shop knows it.")
            if store.browser
            else _("Saved, and the app's pixel is taken out of the shop."),
        )


def _plugin(store: Store) -> HttpResponse:
    if store.platform != Store.Platform.WOOCOMMERCE or not store.browser:
        raise Http404
    answer = HttpResponse(helper_zip(settings_of(store)), content_type="application/zip")
    answer["Content-Disposition"] = 'attachment; filename="connector-helper.zip"'
    return answer
