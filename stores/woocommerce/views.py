"""The hand-over of a key, page by page: the address, the shop's own pages, and back."""

from __future__ import annotations

from typing import Annotated

import msgspec
import structlog
from csp.decorators import csp_update
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST
from msgspec import Meta, Struct

from stores.models import KeyHandover, Membership, Store, Workspace
from stores.shop_words import FIXES, SENTENCES
from stores.shops import ShopError
from stores.woocommerce.connect import (
    LASTS,
    LONGEST_KEY,
    begin_handover,
    connect_store,
    digest,
    finish_handover,
    receive_key,
)
from stores.woocommerce.forms import ConnectForm

log = structlog.get_logger(__name__)

MOST_BODY = 16 * 1024
# The form's answer sends the browser on to the shop, which the browser counts as the form's action.
SHOPS = ["https:", "http:"] if settings.WOOCOMMERCE_ALLOW_PRIVATE else ["https:"]

Key = Annotated[str, Meta(min_length=1, max_length=LONGEST_KEY)]


class HandedOver(Struct, frozen=True):
    """What a shop posts. `user_id` is the state that we gave it."""

    user_id: Annotated[str, Meta(max_length=100)]
    consumer_key: Key
    consumer_secret: Key


@never_cache
@csp_update({"form-action": SHOPS})
@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: HttpRequest) -> HttpResponse:
    """`/woocommerce/connect/`: type the shop's address, and go there to approve."""
    workspaces = Workspace.objects.filter(
        membership__user=request.user.pk, membership__role__in=Membership.MAY_CHANGE
    ).order_by("name", "pk")
    if not workspaces:
        raise PermissionDenied
    form = ConnectForm(
        request.POST or None, workspaces=workspaces, initial={"url": request.GET.get("url", "")}
    )
    failure: ShopError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            return _go_on(request, form)
        except ShopError as error:
            failure = error
    shown = {"form": form, **_told(failure)}
    status = 422 if request.method == "POST" else 200
    return render(request, "stores/connect_woocommerce.html", shown, status=status)


@csrf_exempt
@login_not_required
@require_POST
def callback(request: HttpRequest) -> HttpResponse:
    """`/woocommerce/connect/callback/`: a shop hands a key over.

    It keeps the key only if the answer is exactly 200, and takes it back after any other: which is what
    is wanted of one that nobody here has asked for.
    """
    try:
        given = msgspec.json.decode(request.read(MOST_BODY), type=HandedOver)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return JsonResponse({"error": {"code": "bad_request"}}, status=400)
    kept = receive_key(
        state=given.user_id,
        consumer_key=given.consumer_key,
        consumer_secret=given.consumer_secret,
        now=timezone.now(),
    )
    log.info("handover.received", kept=kept)
    if not kept:
        return JsonResponse({"error": {"code": "not_found"}}, status=404)
    return JsonResponse({"status": "accepted"})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def handover(request: HttpRequest, handover_id: int) -> HttpResponse:
    """`/woocommerce/connect/<id>/`: back from the shop; only for the browser session that began it."""
    found = get_object_or_404(
        KeyHandover.objects.select_related("workspace", "store"),
        pk=handover_id,
        user=request.user.pk,
        session_digest=digest(request.session.session_key or ""),
    )
    if found.store:
        return redirect("dashboard:set_up", found.store.pk)
    failure: ShopError | None = ShopError(found.reason) if found.reason else None
    if found.received_at and (failure is None or request.method == "POST"):
        try:
            return _welcome(request, finish_handover(found))
        except ShopError as error:
            failure = error
    shown = {
        "handover": found,
        "denied": request.GET.get("success") == "0" and not found.received_at,
        "expired": not found.received_at and timezone.now() - found.created_at > LASTS,
        **_told(failure),
    }
    return render(request, "stores/woocommerce_handover.html", shown)


def _go_on(request: HttpRequest, form: ConnectForm) -> HttpResponse:
    """To the shop, or straight to the store where a key was pasted. Raises ShopError."""
    given = form.cleaned_data
    if given["consumer_key"]:
        return _welcome(
            request,
            connect_store(
                workspace=given["workspace"],
                url=given["url"],
                consumer_key=given["consumer_key"],
                consumer_secret=given["consumer_secret"],
            ),
        )
    return redirect(
        begin_handover(
            workspace=given["workspace"],
            user=request.user,  # type: ignore[arg-type]  # logged in
            url=given["url"],
            session_key=request.session.session_key or "",
            now=timezone.now(),
        )
    )


def _welcome(request: HttpRequest, store: Store) -> HttpResponse:
    messages.success(request, _("%(store)s is connected.") % {"store": store.name})
    return redirect("dashboard:set_up", store.pk)


def _told(failure: ShopError | None) -> dict[str, object]:
    """A failure in words, for the page."""
    if failure is None:
        return {"problem": "", "fix": ""}
    return {
        "problem": SENTENCES.get(failure.reason, failure.reason),
        "fix": FIXES.get(failure.reason, ""),
    }
