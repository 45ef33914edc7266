"""How a store stands with its buyers' consent, and with what privacy law asks of it."""

from __future__ import annotations

import base64

import msgspec
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from dashboard import queries
from dashboard.charts import as_csv
from dashboard.erasure import certifiable, certify
from dashboard.forget_form import ForgetForm
from dashboard.ledger_page import held_by_consent
from dashboard.mappings import consent_in_words
from dashboard.privacy import notices_of, read_asked, requests_of
from dashboard.views.store_page import changeable_store, find_store, may_change, render_in_store
from shop_webhooks import notices
from shop_webhooks.tasks import carry_out_notices
from stores.acting import note_access
from stores.members import user_of
from stores.models import Store


@require_safe
def privacy(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/privacy/`: who was asked and said what, what is kept, and what was asked of us."""
    store = find_store(request, store_id)
    return _page(request, store, ForgetForm(store=store))


def _page(request: HttpRequest, store: Store, form: ForgetForm) -> HttpResponse:
    asked = read_asked(store=store, now=timezone.now())
    if request.GET.get("format"):
        if asked is None:
            raise Http404
        return as_csv(asked.plot.table, name=f"{store.key}-consent")
    shown = {
        "form": form,
        "asked": asked,
        "held": held_by_consent(store=store, now=timezone.now()),
        "days": queries.DAYS,
        "policy": consent_in_words(store),
        "requests": requests_of(store),
        "may_change": may_change(request, store),
    }
    status = 422 if form.is_bound else 200
    return render_in_store(request, "dashboard/privacy.html", store, shown, status=status)


@require_POST
def forget(request: HttpRequest, store_id: int) -> HttpResponse:
    """`/stores/<id>/privacy/forget`: a customer has asked the merchant to be forgotten."""
    store = changeable_store(request, store_id)
    form = ForgetForm(request.POST, store=store)
    if not form.is_valid():
        return _page(request, store, form)
    with transaction.atomic():
        notices.ask_to_forget(store, order_ids=form.order_ids, email=form.email)
        carry_out_notices.ring()
    messages.success(
        request, _("We are forgetting them. The certificate comes in a moment, below.")
    )
    return redirect("dashboard:privacy", store.pk)


@require_POST
@transaction.atomic
def hand_over(request: HttpRequest, store_id: int, request_id: int) -> HttpResponse:
    """`/stores/<id>/privacy/<request>/export`: what is held of a customer, which answers their request.

    Of this store alone: what was another tenant's, when the shop was theirs, is gone after 8 days.
    """
    store = changeable_store(request, store_id)
    asked = notices_of(store).filter(topic=notices.DATA_REQUEST, done_at=None)
    notice = get_object_or_404(asked.select_for_update(), pk=request_id)
    note_access(store, actor=f"user {user_of(request).pk}", seen=f"export of request {notice.pk}")
    held = notices.export(notice, stores=Store.objects.filter(pk=store.pk))
    said = msgspec.json.format(msgspec.json.encode(held), indent=2)
    notices.answered(notice, now=timezone.now())
    shown = {
        "name": f"request-{notice.pk}.json",
        "said": said.decode(),
        "file": base64.b64encode(said).decode(),
    }
    return render_in_store(request, "dashboard/handed_over.html", store, shown)


@require_safe
def certificate(request: HttpRequest, store_id: int, request_id: int) -> HttpResponse:
    """`/stores/<id>/privacy/<request>/certificate`: the proof of an erasing, as of now."""
    store = changeable_store(request, store_id)
    mine = certifiable().filter(pk__in=notices_of(store).values("pk"))
    notice = get_object_or_404(mine, pk=request_id)
    answer = HttpResponse(certify(notice, now=timezone.now()), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="erasure-{notice.pk}.json"'
    return answer
