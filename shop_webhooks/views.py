"""The door: find the store, verify the signature over the raw bytes, keep the delivery, answer.

Nothing is parsed and nobody is called here. After a valid signature the answer is 200 whatever the
body says: a shop would only send the same bytes again, and in the end stop sending any.
"""

from __future__ import annotations

import re
from datetime import timedelta

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from purchases.shops import PLATFORMS
from purchases.shops.delivery import DeliveryHead
from shop_webhooks import inbox, notices, tasks
from shop_webhooks.answers import Refusal, answer, answers_always, read_body
from shop_webhooks.doors import Door, shopify_door, woocommerce_door
from stores import patience
from stores.failpoints import failpoint
from stores.models import Store

log = structlog.get_logger(__name__)

MAX_BODY = 10 * 1024 * 1024
# WooCommerce's test of a new address: unsigned, form encoded, and to be answered with exactly 200.
PING = re.compile(rb"webhook_id=\d{1,20}")
LONGEST_PING = 1_000
PINGS_NOTED_EVERY = timedelta(seconds=6)  # nobody has signed it: a flood of them writes nothing


@csrf_exempt
@login_not_required
@answers_always
def receive_shopify(request: HttpRequest) -> HttpResponse:
    """`POST /webhooks/shopify/`: every Shopify store, told apart by the shop's domain."""
    body = _read_order(request)
    shop = PLATFORMS["shopify"]
    head = shop.read_headers(_headers(request))
    secrets = (settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_PREVIOUS)
    if not any(secrets):
        raise Refusal(503, "shopify_not_configured")
    if not shop.verify(body, head=head, secrets=secrets):
        raise Refusal(401, "invalid_signature")
    with patience.of_a_webhook.kept():
        if head.topic in notices.TOPICS:
            # Also of a shop that is not connected, or no longer: its customers keep their rights.
            if notices.store_notice(head=head, body=body):
                tasks.carry_out_notices.ring_now()
            return answer(200, {"status": "accepted"})
        if not head.shop or (door := shopify_door(head.shop)):
            return _keep(door if head.shop else None, head, body)
    log.info("delivery.of_no_use", platform="shopify", reason="unknown_shop")
    return answer(200, {"status": "accepted"})


@csrf_exempt
@login_not_required
@answers_always
def receive_woocommerce(request: HttpRequest, token: str) -> HttpResponse:
    """`POST /webhooks/woocommerce/<token>/`: one store, known by the unguessable token."""
    body = _read_order(request)
    shop = PLATFORMS["woocommerce"]
    head = shop.read_headers(_headers(request))
    with patience.of_a_webhook.kept():
        if (door := woocommerce_door(token)) is None:
            raise Refusal(404, "not_found")
        if not door.connected:
            door = woocommerce_door(token, reload=True)  # it may just have been connected again
        if not door or not door.connected:
            raise Refusal(410, "gone")  # the shop then switches its webhook off by itself
        if not head.signature and body.startswith(b"webhook_id="):
            return _pong(door, body)
        if not shop.verify(body, head=head, secrets=door.secrets):
            fresh = woocommerce_door(token, reload=True)  # the secret may just have been changed
            if not fresh or not shop.verify(body, head=head, secrets=fresh.secrets):
                raise Refusal(401, "invalid_signature")
        return _keep(door, head, body)


@csrf_exempt
@login_not_required
@answers_always
def no_such_door(request: HttpRequest) -> HttpResponse:
    """Every other address here: a shop's log is no place for a page."""
    raise Refusal(404, "not_found")


def _read_order(request: HttpRequest) -> bytes:
    body = read_body(request, most=MAX_BODY)
    failpoint("K01")
    return body


def _headers(request: HttpRequest) -> dict[str, str]:
    """The headers by name. `request.headers` spells each as people do, which takes longer than HMAC."""
    return {
        name[5:].replace("_", "-"): value
        for name, value in request.META.items()
        if name.startswith("HTTP_")
    }


def _pong(door: Door, body: bytes) -> HttpResponse:
    """Note that a new webhook of the shop's reaches us (heartbeat.py)."""
    if len(body) > LONGEST_PING:
        raise Refusal(413, "body_too_large")
    if not PING.fullmatch(body):
        raise Refusal(401, "invalid_signature")
    lately = Q(pinged_at__gt=Now() - PINGS_NOTED_EVERY)
    Store.objects.filter(pk=door.store_id).exclude(lately).update(pinged_at=Now())
    return answer(200, {"status": "pong"})


def _keep(door: Door | None, head: DeliveryHead, body: bytes) -> HttpResponse:
    failpoint("K02")
    is_new = inbox.store_delivery(door=door, head=head, body=body)
    failpoint("K04")
    if is_new:
        tasks.process_due.ring_now()
    return answer(200, {"status": "accepted"})
