"""The hand-over of a key, page by page: the address, the shop's own pages, and back."""

from __future__ import annotations

from typing import Annotated

import msgspec
import structlog
from csp.decorators import csp_update
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST
from msgspec import Meta, Struct

from stores import invitations
from stores.invitations import TooLate
from stores.members import changeable_workspaces, user_of
from stores.models import KeyHandover, Store
from stores.secrets import digest
from stores.shop_words import told
from stores.shops import ShopError
from stores.woocommerce.connect import (
    LASTS,
    LONGEST_KEY,
    begin_handover,
    connect_store,
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
    workspaces = changeable_workspaces(user_of(request))
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
    shown = {"form": form, **told(failure)}
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


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def handover(request: HttpRequest, handover_id: int) -> HttpResponse:
    """`/woocommerce/connect/<id>/`: back from the shop; only for the browser session that began it."""
    found = (
        KeyHandover.objects.select_related("workspace", "store", "invitation")
        .filter(pk=handover_id, session_digest=digest(request.session.session_key or ""))
        .first()
    )
    if found is None or (found.invitation is None and found.user_id != request.user.pk):
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        raise Http404
    if found.store:
        return _welcome(request, found, found.store)
    failure: ShopError | None = ShopError(found.reason) if found.reason else None
    if found.received_at and (failure is None or request.method == "POST"):
        try:
            return _welcome(request, found, _finish(found))
        except ShopError as error:
            failure = error
        except TooLate:
            return render(request, "stores/too_late.html", status=410)
    shown = {
        "handover": found,
        "denied": request.GET.get("success") == "0" and not found.received_at,
        "expired": not found.received_at and timezone.now() - found.created_at > LASTS,
        **told(failure),
    }
    return render(request, "stores/woocommerce_handover.html", shown)


def _go_on(request: HttpRequest, form: ConnectForm) -> HttpResponse:
    """To the shop, or straight to the store where a key was pasted. Raises ShopError."""
    given = form.cleaned_data
    if given["consumer_key"]:
        store = connect_store(
            workspace=given["workspace"],
            url=given["url"],
            consumer_key=given["consumer_key"],
            consumer_secret=given["consumer_secret"],
        )
        return _welcome(request, None, store)
    return redirect(
        begin_handover(
            workspace=given["workspace"],
            user=user_of(request),
            url=given["url"],
            session_key=request.session.session_key or "",
        )
    )


def _finish(handover: KeyHandover) -> Store:
    """The store, once the key works. Raises ShopError and TooLate."""
    if handover.invitation is None:
        return finish_handover(handover)
    return invitations.join(
        handover.invitation, lambda: finish_handover(handover), now=timezone.now()
    )


def _welcome(request: HttpRequest, handover: KeyHandover | None, store: Store) -> HttpResponse:
    """To the set-up; a merchant who was invited has no account here, and is told that it is done."""
    if handover and handover.invitation:
        return render(request, "stores/joined.html", {"store": store})
    messages.success(request, _("%(store)s is connected.") % {"store": store.name})
    return redirect("dashboard:set_up", store.pk)
