"""What the API answers: the documents of the commands, of the token's workspace alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from msgspec import Meta, Struct

from conversions import report
from conversions.replay import document as replay_document
from conversions.tasks import send_due
from dashboard.api.door import Invalid, body, door, query
from dashboard.balance import balance_store
from dashboard.balance import document as balance_document
from shop_webhooks.answers import Refusal
from shop_webhooks.readers import READERS
from shop_webhooks.replay import replay_stores
from stores import api_tokens
from stores.commands import read_moment
from stores.fleet.apply import document as plan_document
from stores.fleet.apply import plan_fleet
from stores.fleet.document import FleetError
from stores.fleet.file import read_fleet
from stores.models import ApiToken, Pixel, Store

LONGEST = timedelta(days=31)
BIGGEST_ID = 2**63 - 1
Text = Annotated[str, Meta(pattern=r"^[^\x00]*$", max_length=500)]  # what PostgreSQL can hold


class LedgerQuery(Struct, forbid_unknown_fields=True):
    """Which rows of the ledger; times are ISO 8601 or a span such as 2h, 7d."""

    store: Text = ""
    order: Text = ""
    since: Text = ""
    before: Annotated[int, Meta(ge=0, le=BIGGEST_ID)] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class BalanceQuery(Struct, forbid_unknown_fields=True):
    """Of which store, and which span."""

    store: Annotated[str, Meta(pattern=r"^[^\x00]+$", max_length=500)]
    since: Text
    until: Text


class PlanRequest(Struct, forbid_unknown_fields=True):
    """A fleet file, and the values of its ${NAMES}: the server's own environment is not looked at."""

    file: str
    variables: dict[str, str] = {}


class ReplayRequest(Struct, forbid_unknown_fields=True):
    """Which orders to look at again; whether only to plan is said each time."""

    since: Text
    until: Text
    plan: bool
    store: Text = ""
    pixel: Text = ""


@door("GET")
def ledger(request: HttpRequest, token: ApiToken) -> dict[str, Any]:
    """`GET /api/v1/ledger`: what `ledger --json` prints, a page at a time, newest first."""
    asked = query(request, LedgerQuery)
    found = report.events(
        stores=_stores(token, asked.store),
        order=asked.order,
        since=_moment("since", asked.since) if asked.since else None,
    )
    # Of the whole, which takes its time: told once, with the first page.
    counts = report.counts(found) if asked.before is None else None
    rows, following = report.page(found, before=asked.before, most=asked.limit)
    return {"rows": rows, "counts": counts, "next": following}


@door("GET")
def balance(request: HttpRequest, token: ApiToken) -> dict[str, Any]:
    """`GET /api/v1/balance`: what `balance --json` prints of one store; asks the shop itself."""
    asked = query(request, BalanceQuery)
    since, until = _span(asked.since, asked.until)
    [store] = _stores(token, asked.store)
    if not store.connected or store.platform not in READERS:
        raise Refusal(409, "cannot_be_read")
    found = balance_store(store=store, since=since, until=until)
    return {"balanced": found.balanced, "stores": [balance_document(found)]}


@door("POST")
def plan(request: HttpRequest, token: ApiToken) -> dict[str, Any]:
    """`POST /api/v1/plan`: what `apply --plan --json` prints; changes nothing."""
    asked = body(request, PlanRequest)
    try:
        wanted = read_fleet(
            asked.file.encode(),
            environ=asked.variables,
            allow_private=settings.WOOCOMMERCE_ALLOW_PRIVATE,
        )
        if wanted.slug != token.workspace.slug:
            raise Invalid(file="another_workspace")
        found = plan_fleet(wanted, shopify_is_on=bool(settings.SHOPIFY_API_SECRET))
    except FleetError as error:
        raise Invalid(file=error.problems) from error
    return plan_document(found, applied=False)


@door("POST")
def replay(request: HttpRequest, token: ApiToken) -> dict[str, Any]:
    """`POST /api/v1/replay`: what `replay --json` prints; with `plan: false` it is carried out."""
    asked = body(request, ReplayRequest)
    if not asked.plan and not api_tokens.may_send(token):
        raise Refusal(403, "may_not_send")
    since, until = _span(asked.since, asked.until)
    stores = [store for store in _stores(token, asked.store) if store.connected]
    mine = Pixel.objects.visible_to(token.user).filter(workspace=token.workspace)
    if asked.pixel and not mine.filter(pixel_id=asked.pixel).exists():
        raise Refusal(404, "no_such_pixel")
    found = replay_stores(
        stores=stores, since=since, until=until, pixel_id=asked.pixel, carry_out=not asked.plan
    )
    if not asked.plan and found.count("send"):
        send_due.ring_now()
    return replay_document(found, carried_out=not asked.plan)


def _stores(token: ApiToken, key: str) -> Sequence[Store]:
    """The stores of the token's workspace that its user sees: all, or the one named `key`."""
    mine = Store.objects.visible_to(token.user).filter(workspace=token.workspace)
    found = list(mine.filter(key=key) if key else mine.order_by("key"))
    if key and not found:
        raise Refusal(404, "no_such_store")
    return found


def _span(since: str, until: str) -> tuple[datetime, datetime]:
    first, last = _moment("since", since), _moment("until", until)
    if first >= last:
        raise Invalid(since="not_before_until")
    if last - first > LONGEST:
        raise Invalid(since="longer_than_31_days")
    return first, last


def _moment(name: str, text: str) -> datetime:
    try:
        return read_moment(text, now=timezone.now())
    except ValueError as error:
        raise Invalid(**{name: "not_a_time"}) from error
