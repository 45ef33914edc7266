"""The pair of tokens: kept whole, renewed once, and given up only when nobody can help."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError
from django.utils import timezone

from sandbox.shopify_admin import ShopifyAdmin
from stores.models import ShopifyInstallation, Store
from stores.shopify import tokens
from stores.shopify.grants import (
    Granted,
    NeedsMerchant,
    StaleSession,
    TryLater,
    missing_scopes,
    read_grant,
    scopes_of,
)
from stores.shopify.telling import tell_owners
from stores.shopify.tokens import NoToken, access_token, keep_alive
from tests.factories import a_member, a_store, a_workspace
from tests.pipeline import at_once

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
PAIR = {
    "access_token": "shpat_1",
    "scope": "read_orders, write_pixels",
    "expires_in": 3600,
    "refresh_token": "shprt_1",
    "refresh_token_expires_in": "7776000",
}


# What an answer means


def test_a_whole_answer_is_a_pair_with_two_ends() -> None:
    pair = read_grant(status=200, document=PAIR, now=NOW)

    assert pair == Granted(
        access_token=pair.access_token,  # type: ignore[union-attr]
        access_token_until=NOW + timedelta(hours=1),
        refresh_token=pair.refresh_token,  # type: ignore[union-attr]
        refresh_token_until=NOW + timedelta(days=90),
        scopes="read_orders,write_pixels",
    )
    assert "shpat_1" not in repr(pair)


@pytest.mark.parametrize("name", [name for name in PAIR if name != "scope"])
@pytest.mark.parametrize("value", [None, "", 0, [], True])
def test_an_answer_that_lacks_a_part_is_none(name: str, value: object) -> None:
    assert read_grant(status=200, document=PAIR | {name: value}, now=NOW) == TryLater(
        "incomplete_answer"
    )


@pytest.mark.parametrize(
    ("status", "document", "outcome"),
    [
        (400, {"error": "invalid_subject_token"}, StaleSession()),
        (401, {"error": "invalid_request"}, NeedsMerchant("refresh_token_refused")),
        (400, {"error": "invalid_grant"}, NeedsMerchant("refresh_token_refused")),
        (400, {"error": "invalid_client"}, NeedsMerchant("app_removed_or_secret_wrong")),
        (400, {"error": "new_word"}, TryLater("http_400")),
        (429, None, TryLater("http_429")),
        (503, {"error": "invalid_grant"}, TryLater("http_503")),
        (302, "<html>", TryLater("http_302")),
        (200, None, TryLater("incomplete_answer")),
        (200, ["x"], TryLater("incomplete_answer")),
    ],
)
def test_a_refusal_is_named_for_what_follows(status: int, document: Any, outcome: Any) -> None:
    assert read_grant(status=status, document=document, now=NOW) == outcome


def test_scopes_have_one_form_and_to_write_is_to_read() -> None:
    assert scopes_of(" b, a,,b") == scopes_of(["b", "a"]) == "a,b"
    assert missing_scopes(granted="write_orders", wanted="read_orders,read_all_orders") == [
        "read_all_orders"
    ]


# Renewal


def in_an_hour() -> datetime:
    return timezone.now() + timedelta(hours=1)


def test_a_token_that_lives_is_used_without_a_call(shopify: ShopifyAdmin, lyon: Store) -> None:
    before = len(shopify.calls("token"))

    token = access_token(lyon, now=timezone.now())

    assert token == ShopifyInstallation.objects.get().access_token
    assert len(shopify.calls("token")) == before


def test_a_pair_is_renewed_five_minutes_before_its_end(shopify: ShopifyAdmin, lyon: Store) -> None:
    old = ShopifyInstallation.objects.get()

    token = access_token(lyon, now=timezone.now() + timedelta(minutes=56))

    new = ShopifyInstallation.objects.get()
    assert token == new.access_token != old.access_token
    assert new.refresh_token != old.refresh_token
    assert new.access_token_until > old.access_token_until
    assert len(shopify.calls("token", "refresh_token")) == 1


def test_twenty_who_need_a_new_token_make_one_call(shopify: ShopifyAdmin, lyon: Store) -> None:
    late = in_an_hour()

    found = at_once([lambda: access_token(lyon, now=late)] * 20)

    assert len(set(found)) == 1
    assert len(shopify.calls("token", "refresh_token")) == 1


def test_while_the_old_token_lives_nobody_waits_for_the_new_one(
    shopify: ShopifyAdmin, lyon: Store
) -> None:
    old = ShopifyInstallation.objects.get().access_token
    soon = timezone.now() + timedelta(minutes=56)

    found = at_once([lambda: access_token(lyon, now=soon)] * 20)

    new = ShopifyInstallation.objects.get().access_token
    assert set(found) <= {old, new}
    assert new in found
    # Who comes when the first one has finished finds its pair; none refreshes the dead one.
    assert ShopifyInstallation.objects.get().state == "active"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "answer", "status": 503},
        {"kind": "answer", "status": 429},
        {"kind": "incomplete", "drop": ["expires_in"]},
        {"kind": "incomplete", "drop": ["refresh_token"]},
        {"kind": "reset"},
    ],
)
def test_an_answer_that_decides_nothing_leaves_the_pair_as_it_was(
    shopify: ShopifyAdmin, lyon: Store, fault: dict[str, Any]
) -> None:
    before = ShopifyInstallation.objects.values().get()
    shopify.fault("token", **fault)

    with pytest.raises(NoToken):
        access_token(lyon, now=in_an_hour())

    assert ShopifyInstallation.objects.values().get() == before
    # The sandbox gave a new pair away: the same request again gets the same answer.
    assert access_token(lyon, now=in_an_hour())


def test_a_failed_renewal_costs_nothing_while_the_old_token_lives(
    shopify: ShopifyAdmin, lyon: Store
) -> None:
    shopify.fault("token", status=503)

    token = access_token(lyon, now=timezone.now() + timedelta(minutes=56))

    assert token == ShopifyInstallation.objects.get().access_token


def test_a_refresh_token_that_is_refused_needs_the_merchant_and_is_not_tried_again(
    shopify: ShopifyAdmin, lyon: Store
) -> None:
    shopify.session_token(lyon.domain)
    shopify.world.give(shopify.world.shops[lyon.domain], expiring=True)  # by somebody else

    for _ in range(3):
        with pytest.raises(NoToken, match="refresh_token_refused"):
            access_token(lyon, now=in_an_hour())

    row = ShopifyInstallation.objects.get()
    assert (row.state, row.reason) == ("needs_merchant", "refresh_token_refused")
    assert len(shopify.calls("token", "refresh_token")) == 1


def test_a_token_that_the_shop_refuses_is_renewed_before_its_end(
    shopify: ShopifyAdmin, lyon: Store
) -> None:
    refused = ShopifyInstallation.objects.get().access_token

    token = access_token(lyon, now=timezone.now(), refused=refused)

    assert token != refused


def test_idle_shops_are_kept_alive_when_30_days_are_left(
    shopify: ShopifyAdmin, lyon: Store
) -> None:
    assert keep_alive(now=timezone.now() + timedelta(days=59)) == 0

    assert keep_alive(now=timezone.now() + timedelta(days=61)) == 1
    assert len(shopify.calls("token", "refresh_token")) == 1


def test_half_a_pair_cannot_be_kept(shopify: ShopifyAdmin, lyon: Store) -> None:
    with pytest.raises(IntegrityError):
        ShopifyInstallation.objects.update(refresh_token_until=None)


# Tokens that were pasted by hand


def test_a_pasted_token_serves_where_the_app_is_not_installed(transactional_db: None) -> None:
    store = a_store(a_workspace(), access_token="shpat_pasted")

    assert access_token(store, now=NOW) == "shpat_pasted"
    with pytest.raises(NoToken, match="token_refused"):
        access_token(store, now=NOW, refused="shpat_pasted")


def test_a_store_without_any_token_says_so(transactional_db: None) -> None:
    with pytest.raises(NoToken, match="app_not_installed"):
        access_token(a_store(a_workspace()), now=NOW)


def test_an_old_token_is_changed_for_a_pair(shopify: ShopifyAdmin) -> None:
    old = shopify.world.give(shopify.world.shops["lyon.myshopify.com"], expiring=False)

    pair = tokens.migrate("lyon.myshopify.com", old.access_token, now=NOW)

    assert isinstance(pair, Granted)


def test_the_secret_of_the_app_leaves_for_no_other_host(shopify: ShopifyAdmin) -> None:
    for shop in ("evil.example", "lyon.myshopify.com@evil.example", "", "lyon.myshopify.com/x"):
        with pytest.raises(ValueError, match="not the domain"):
            tokens.exchange_code(shop, "code", now=NOW)
    assert shopify.calls("token") == []


# Mail


def test_the_owners_are_told_once_and_nobody_else(shopify: ShopifyAdmin, lyon: Store) -> None:
    a_member(lyon.workspace, "alice")
    a_member(lyon.workspace, "bob", role="client")
    a_member(a_workspace("elsewhere"), "charlie")
    tokens.blame(lyon, now=NOW, reason="token_refused")

    counts = [tell_owners(now=NOW) for _ in range(2)]

    assert counts == [1, 0]
    assert [letter.to for letter in mail.outbox] == [["alice@example.com"]]
    assert "https://lyon.myshopify.com/admin/apps/our-client-id" in mail.outbox[0].body


def test_a_mail_that_fails_is_tried_again(
    shopify: ShopifyAdmin, lyon: Store, settings: Any
) -> None:
    a_member(lyon.workspace, "alice")
    tokens.blame(lyon, now=NOW, reason="token_refused")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    assert tell_owners(now=NOW) == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert tell_owners(now=NOW) == 1
