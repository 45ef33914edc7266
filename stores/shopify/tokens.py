"""The tokens of a shop: asked for, kept as a pair, renewed by one of however many ask.

A shop has one pair at a time, and each renewal makes the one before it worthless: two that ran side by
side would leave the wrong pair behind, and the shop locked. So a renewal holds the installation's row,
the one place where something is open while a shop thinks (docs/decisions/0080).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from stores.models import ShopifyInstallation, Store
from stores.secrets import Secret
from stores.shopify.grants import (
    Granted,
    NeedsMerchant,
    Outcome,
    StaleSession,
    TryLater,
    read_grant,
)
from stores.shopify.session_token import SessionToken
from stores.shopify.wire import ShopSilent, Wire

log = structlog.get_logger(__name__)

State = ShopifyInstallation.State

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105  a kind of token, not one
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
# A token is renewed while it still lives: who asks meanwhile is not kept waiting.
RENEWED_BEFORE = timedelta(minutes=5)
# The refresh token of an idle shop lives for 90 days; it is renewed when 30 of them are left.
KEPT_ALIVE_BEFORE = timedelta(days=30)


class NoToken(Exception):
    """The store's shop cannot be asked now; the reason is one for a merchant's eyes."""


def access_token(store: Store, *, now: datetime, refused: str = "") -> Secret:
    """A token for the Admin API of the store's shop, renewed if need be. Raises NoToken.

    `refused` is a token that the shop did not take, however long it was to live. A token that was
    pasted by hand does not expire, and counts where the app is not installed.
    """
    found = ShopifyInstallation.objects.filter(store=store).first()
    if found is None or found.state == State.UNINSTALLED:
        if store.access_token and store.access_token != refused:
            return Secret(store.access_token)
        raise NoToken("app_not_installed" if not refused else "token_refused")
    if _serves(found, now=now, refused=refused):
        return Secret(found.access_token)
    return _renew(found, now=now, refused=refused)


def exchange(token: SessionToken, *, now: datetime) -> Outcome:
    """Ask for the shop's pair by the session token of whoever has the app open."""
    form = {
        "grant_type": EXCHANGE,
        "subject_token": token.raw,
        "subject_token_type": ID_TOKEN,
        "requested_token_type": OFFLINE,
    }
    return _ask(token.shop, form, now=now)


def exchange_code(shop: str, code: str, *, now: datetime) -> Outcome:
    """Ask for the shop's pair by the code that the consent page has given out."""
    return _ask(shop, {"code": code}, now=now)


def migrate(shop: str, old_token: str, *, now: datetime) -> Outcome:
    """Change a token that does not expire for a pair. It cannot be undone: the old one is dead."""
    form = {
        "grant_type": EXCHANGE,
        "subject_token": old_token,
        "subject_token_type": OFFLINE,
        "requested_token_type": OFFLINE,
    }
    return _ask(shop, form, now=now)


def keep(installation: ShopifyInstallation, pair: Granted) -> None:
    """Put the pair into the row; the caller saves it, whole."""
    installation.access_token = pair.access_token
    installation.access_token_until = pair.access_token_until
    installation.refresh_token = pair.refresh_token
    installation.refresh_token_until = pair.refresh_token_until
    installation.scopes = pair.scopes


def drop(installation: ShopifyInstallation) -> None:
    """Take the pair out of the row; the caller saves it."""
    installation.access_token = installation.refresh_token = Secret("")
    installation.access_token_until = installation.refresh_token_until = None


def move(
    installation: ShopifyInstallation, state: State, *, now: datetime, reason: str = ""
) -> None:
    """Put the row into a state; the caller saves it."""
    if (installation.state, installation.reason) != (state, reason):
        installation.state, installation.reason = state, reason
        installation.state_since, installation.told_at = now, None
        log.info("shopify.state", store=installation.store_id, state=state.value, reason=reason)


def keep_alive(*, now: datetime) -> int:
    """Renew the pairs of shops that have not been asked for long; returns how many."""
    idle = ShopifyInstallation.objects.filter(
        state=State.ACTIVE, refresh_token_until__lt=now + KEPT_ALIVE_BEFORE
    )
    renewed = 0
    for installation in idle.order_by("refresh_token_until")[:1_000]:
        try:
            _renew(installation, now=now, refused=installation.access_token)
            renewed += 1
        except NoToken:
            continue
    return renewed


def blame(store: Store, *, now: datetime, reason: str) -> None:
    """The shop refuses even a fresh token: say that the merchant is needed."""
    with transaction.atomic():
        row = ShopifyInstallation.objects.select_for_update().filter(store=store).first()
        if row and row.state == State.ACTIVE:
            move(row, State.NEEDS_MERCHANT, now=now, reason=reason)
            row.save()


def _serves(row: ShopifyInstallation, *, now: datetime, refused: str) -> bool:
    """Whether the row's token may be used without asking for another."""
    if row.state != State.ACTIVE or row.access_token == refused:
        return False
    return row.access_token_until is None or now < row.access_token_until - RENEWED_BEFORE


def _renew(found: ShopifyInstallation, *, now: datetime, refused: str) -> Secret:
    """The token of a renewed pair. Raises NoToken.

    While the old token lives, whoever comes second goes on with it; after that, they wait for the row
    and find the new pair in it.
    """
    if found.state != State.ACTIVE:
        raise NoToken(found.reason or found.state)
    until = found.access_token_until
    alive = found.access_token != refused and (until is None or now < until)
    failed = ""
    with transaction.atomic():
        locked = ShopifyInstallation.objects.select_for_update(skip_locked=alive)
        row = locked.filter(pk=found.pk).first()
        if row is None:
            return Secret(found.access_token)
        if row.state != State.ACTIVE:
            raise NoToken(row.reason or row.state)
        if not _serves(row, now=now, refused=refused):
            failed = _refresh(row, now=now)
    if not failed:
        return Secret(row.access_token)
    if alive and row.state == State.ACTIVE:
        return Secret(found.access_token)
    raise NoToken(failed)


def _refresh(row: ShopifyInstallation, *, now: datetime) -> str:
    """Renew the locked row's pair; returns why it was not."""
    if not row.refresh_token:
        outcome: Outcome = NeedsMerchant("token_refused")
    else:
        form = {"grant_type": "refresh_token", "refresh_token": row.refresh_token}
        outcome = _ask(row.store.domain, form, now=now)
    match outcome:
        case Granted():
            keep(row, outcome)
            row.save()
            return ""
        case TryLater(reason):
            return reason
        case NeedsMerchant(reason):
            move(row, State.NEEDS_MERCHANT, now=now, reason=reason)
        case StaleSession():
            reason = "refresh_token_refused"
            move(row, State.NEEDS_MERCHANT, now=now, reason=reason)
    row.save()
    return reason


def _ask(shop: str, form: dict[str, str], *, now: datetime) -> Outcome:
    """One request for an expiring pair. The newest secret asks."""
    app = {
        "client_id": settings.SHOPIFY_API_KEY,
        "client_secret": settings.SHOPIFY_API_SECRET,
        "expiring": "1",
    }
    if form.get("grant_type") == "refresh_token":
        del app["expiring"]
    try:
        with Wire(shop) as wire:
            answer = wire.post("/admin/oauth/access_token", app | form)
    except ShopSilent as error:
        return TryLater(str(error))
    outcome = read_grant(status=answer.status, document=answer.json(), now=now)
    log.info(
        "shopify.tokens",
        shop=shop,
        asked=form.get("grant_type", "code").rpartition(":")[2],
        outcome=type(outcome).__name__,
    )
    return outcome
