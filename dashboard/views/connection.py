"""Whether we are in touch with a store's shop."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import queries
from dashboard.connection import disconnect, look_soon, read_connection
from dashboard.views.store_page import changeable_store, find_store, render_in_store
from shop_webhooks.tasks import watch_shops
from stores.members import user_of


@require_safe
def connection(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/connection/`: whether we are in touch with the shop, and what else runs there."""
    store = find_store(request, store_id)
    found = read_connection(store=store, user=user_of(request))
    return render_in_store(request, "dashboard/connection.html", store, {"found": found})


@require_POST
def check_connection(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/connection/check`: see after the webhooks, and read orders back, at once."""
    store = changeable_store(request, store_id)
    look_soon(store)
    watch_shops.ring()
    messages.success(request, _("We are looking. This page tells in a moment what was found."))
    return redirect("dashboard:connection", store.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def disconnect_store(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/disconnect/`: what will stop and what will not, and then the button."""
    store = changeable_store(request, store_id)
    # Whoever opens the app in the shop's admin connects it again: there it is removed instead.
    by_app = hasattr(store, "shopify")
    if request.method == "POST" and store.connected and not by_app:
        disconnect(store)
        messages.success(request, _("%(store)s is disconnected.") % {"store": store.name})
        return redirect("dashboard:home", store.pk)
    shown = {"owed": queries.owed(store=store), "by_app": by_app}
    return render_in_store(request, "dashboard/disconnect.html", store, shown)
