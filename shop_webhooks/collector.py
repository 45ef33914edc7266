"""The collector: what our script in a shopper's browser tells of a checkout is kept for its order.

A stranger can say anything here, but of no order whose checkout's token they do not have. No cookie
is set, no address is kept, and the answer says nothing of the shop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import structlog
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from conversions import visits
from purchases.browser import MOST_BYTES, UnreadableVisit, read_told
from shop_webhooks import inbox, tasks, tombstones
from shop_webhooks.answers import Refusal, answer, answers_always, read_body
from shop_webhooks.doors import collecting_door
from stores import patience
from stores.buckets import Buckets

log = structlog.get_logger(__name__)

# Of one store and process: more than any shop sells, and few enough not to fill the database.
_buckets = Buckets(per_second=20, at_once=400)


def open_to_browsers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The script runs in a frame without an origin: any page may ask, and no page sends a cookie.

    https://shopify.dev/docs/apps/build/marketing-analytics/pixels
    """

    @wraps(view)
    def door(request: HttpRequest, **where: str) -> HttpResponse:
        given = answer(204, {}) if request.method == "OPTIONS" else view(request, **where)
        given["Access-Control-Allow-Origin"] = "*"
        given["Access-Control-Allow-Methods"] = "POST"
        given["Access-Control-Allow-Headers"] = "content-type"
        given["Access-Control-Max-Age"] = "86400"
        return given

    return door


@csrf_exempt
@login_not_required
@open_to_browsers
@answers_always
def collect(request: HttpRequest, key: str) -> HttpResponse:
    """`POST /collect/<key>/`: one store, by the public key that its script has."""
    body = read_body(request, most=MOST_BYTES)
    if len(body) > MOST_BYTES:
        raise Refusal(413, "body_too_large")
    with patience.of_a_webhook.kept():
        if (door := collecting_door(key)) is None or not door.connected:
            raise Refusal(404, "not_found")
        if not _buckets.take(door.store_id):
            raise Refusal(429, "too_many_requests")
        try:
            told = read_told(body)
        except UnreadableVisit as error:
            log.info("visit.unreadable", store=door.store_id, field=error.field)
            raise Refusal(400, "not_a_visit") from error
        with transaction.atomic():
            order_id = visits.keep(told, store_id=door.store_id, ring=door.ring)
            if order_id and tombstones.among({(door.store_id, order_id)}):
                raise Refusal(410, "gone")  # and nothing is kept
            again = inbox.reopen(store_id=door.store_id, order_id=order_id) if order_id else 0
    if again:
        tasks.process_due.ring_now()
    return answer(204, {})
