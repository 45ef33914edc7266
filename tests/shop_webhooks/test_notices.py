"""What Shopify tells of a shop: an uninstall, other scopes, and what privacy law asks for."""

import io
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpResponse
from django.utils import timezone

from conversions import claiming, ledger, sending, visits
from conversions.graph import GraphClient
from conversions.models import BrowserVisit, ConversionEvent, EventPayload, PixelQueue
from purchases.browser import read_told
from sandbox.graph_api import GraphApi
from shop_webhooks.models import ShopNotice, WebhookDelivery
from shop_webhooks.notices import carry_out_all
from stores.models import ShopifyInstallation, Store
from stores.secrets import store_ring
from tests.factories import a_store, a_user, a_workspace
from tests.pipeline import a_kept_order, an_order, post_to_shopify_door, read_all, send_all

NOW = timezone.now()


@pytest.fixture
def lyon(acme: Any) -> Store:
    """Acme's store, into whose workspace the app was installed an hour ago."""
    ShopifyInstallation.objects.create(
        store=acme.lyon,
        installed_at=NOW - timedelta(hours=1),
        state_since=NOW,
        access_token="shpat_1",
        access_token_until=NOW,
        refresh_token="shprt_1",
        refresh_token_until=NOW,
        made_workspace=True,
    )
    store: Store = acme.lyon
    return store


def tell(
    store: Store,
    topic: str,
    body: Any = None,
    *,
    at: datetime | None = None,
    number: str = "1",
    **said: Any,
) -> HttpResponse:
    """Deliver a notice as the shop does, and have it carried out."""
    key = "myshopify_domain" if topic in ("app/uninstalled", "shop/update") else "shop_domain"
    document = {key: store.domain} | (body or {})
    headers = {
        "X-Shopify-Webhook-Id": f"{topic}-{number}",
        "X-Shopify-Triggered-At": (at or timezone.now()).strftime("%Y-%m-%dT%H:%M:%S.%f123Z"),
    }
    answer = post_to_shopify_door(
        json.dumps(document).encode(), store=store, topic=topic, headers=headers | said
    )
    carry_out_all(now=timezone.now())
    return answer


def outcome() -> str:
    return ShopNotice.objects.latest("pk").outcome


# Uninstalled


def test_an_uninstall_drops_the_tokens_and_disconnects_the_store(lyon: Store) -> None:
    answer = tell(lyon, "app/uninstalled")

    lyon.refresh_from_db()
    row = ShopifyInstallation.objects.get()
    assert answer.status_code == 200
    assert (row.state, row.access_token, row.refresh_token) == ("uninstalled", "", "")
    assert row.refresh_token_until is None
    assert not lyon.connected
    assert outcome() == "uninstalled"


def test_a_late_uninstall_does_not_touch_a_later_install(lyon: Store) -> None:
    tell(lyon, "app/uninstalled", at=NOW - timedelta(hours=2))

    lyon.refresh_from_db()
    row = ShopifyInstallation.objects.get()
    assert (row.state, row.access_token, lyon.connected) == ("active", "shpat_1", True)
    assert outcome() == "installed_again"


def test_an_uninstall_that_comes_after_the_next_opening_only_says_that_the_tokens_are_dead(
    lyon: Store,
) -> None:
    ShopifyInstallation.objects.update(opened_at=NOW)

    tell(lyon, "app/uninstalled", at=NOW - timedelta(minutes=5))

    lyon.refresh_from_db()
    row = ShopifyInstallation.objects.get()
    assert (row.state, row.reason, lyon.connected) == ("needs_merchant", "installed_again", True)


def test_an_uninstall_that_is_repeated_is_one(lyon: Store) -> None:
    at = timezone.now()

    for _ in range(3):
        assert tell(lyon, "app/uninstalled", at=at).status_code == 200

    assert ShopNotice.objects.count() == 1


def test_a_shop_that_is_not_ours_is_answered_and_changes_nothing(lyon: Store) -> None:
    stranger = Store(domain="paris.myshopify.com")

    assert tell(stranger, "app/uninstalled").status_code == 200
    assert outcome() == "not_installed"


def test_a_header_cannot_turn_a_notice_against_another_shop(lyon: Store) -> None:
    tell(lyon, "app/uninstalled", {"myshopify_domain": "paris.myshopify.com"})

    assert ShopifyInstallation.objects.get().state == "active"
    assert outcome() == "another_shop"


def test_a_notice_that_is_not_signed_is_refused(lyon: Store) -> None:
    answer = tell(lyon, "shop/redact", **{"X-Shopify-Hmac-Sha256": "c2ln"})

    assert answer.status_code == 401
    assert ShopNotice.objects.count() == 0


# Changed


def test_other_scopes_are_noted(lyon: Store) -> None:
    tell(lyon, "app/scopes_update", {"current": ["write_pixels", "read_orders"], "previous": []})

    assert ShopifyInstallation.objects.get().scopes == "read_orders,write_pixels"


def test_another_name_zone_and_domain_are_taken_over(lyon: Store) -> None:
    facts = {"name": "Lyon & Fils", "iana_timezone": "Europe/Lisbon", "domain": "lyon.example"}

    tell(lyon, "shop/update", facts)

    lyon.refresh_from_db()
    assert (lyon.name, lyon.time_zone) == ("Lyon & Fils", "Europe/Lisbon")
    assert lyon.url == "https://lyon.example"


def test_what_a_fleet_file_says_of_a_store_stays(lyon: Store) -> None:
    ShopifyInstallation.objects.update(made_workspace=False)

    tell(lyon, "shop/update", {"name": "Other", "iana_timezone": "Nowhere/None"})

    lyon.refresh_from_db()
    assert (lyon.name, lyon.time_zone) == ("Lyon", "UTC")


# Privacy


def two_orders(store: Store) -> None:
    a_kept_order(store, an_order(1001))
    a_kept_order(store, an_order(1002, email="bob@example.com", customer={"id": 77}))
    read_all()


def bodies() -> dict[str, bool]:
    """Whether the body of each order is still there."""
    return {
        delivery.order_id: delivery.body is not None
        for delivery in WebhookDelivery.objects.order_by("order_id")
    }


@pytest.mark.parametrize(
    "body",
    [
        {"customer": {"id": 5}, "orders_to_redact": [1002]},
        {"customer": {"id": 77}, "orders_to_redact": []},
        {"customer": {"email": "BOB@example.com"}, "orders_to_redact": []},
        {"customer": {"email": "bob@example.com"}},
    ],
)
def test_a_customer_is_forgotten_by_order_by_number_and_by_address(
    lyon: Store, body: dict[str, Any]
) -> None:
    two_orders(lyon)

    tell(lyon, "customers/redact", body)

    assert bodies() == {"1001": True, "1002": False}
    assert [payload.event.order_id for payload in EventPayload.objects.all()] == ["1001"]
    assert ConversionEvent.objects.count() == 2
    assert outcome() == "erased_2"
    assert ShopNotice.objects.get().body is None


def test_an_order_that_is_owed_is_forgotten_before_it_is_sent(lyon: Store, meta: GraphApi) -> None:
    two_orders(lyon)

    tell(lyon, "customers/redact", {"customer": {"id": 77}, "orders_to_redact": [1002]})
    send_all(meta)

    assert [sent.event_id for sent in meta.events()] == ["1001"]
    assert not ConversionEvent.objects.filter(order_id="1002", state="pending").exists()


@pytest.mark.case("P09")
class TestForgottenWhileOnItsWay:
    """The request comes between a post and what becomes of it."""

    @pytest.fixture
    def claim(self, lyon: Store) -> claiming.Claim:
        a_kept_order(lyon, an_order(1002, customer={"id": 77}))
        read_all()
        claim = claiming.claim_turn()
        assert claim
        return claim

    def forget(self, lyon: Store) -> None:
        assert tell(lyon, "customers/redact", {"customer": {"id": 77}}).status_code == 200
        assert not EventPayload.objects.exists()

    def end(self) -> tuple[str, str]:
        """What the order's event has become, once every pause is over and all that is due is sent."""
        PixelQueue.objects.update(not_before=NOW - timedelta(hours=2))
        ConversionEvent.objects.update(not_before=NOW - timedelta(hours=2))
        event = ConversionEvent.objects.get()
        return event.state, event.reason

    def test_what_meta_then_takes_is_accepted(
        self, lyon: Store, meta: GraphApi, claim: claiming.Claim
    ) -> None:
        group = claim.groups.pop()
        outcome, answer = sending._post(claim, group, GraphClient(url=meta.url, version="v26.0"))

        self.forget(lyon)
        sending._settle_surely(claim, group, outcome, answer, may_go_on=True)

        assert self.end() == ("accepted", "")
        assert send_all(meta) == 0

    def test_what_is_never_answered_is_not_sent_again(
        self, lyon: Store, meta: GraphApi, claim: claiming.Claim
    ) -> None:
        self.forget(lyon)

        self.end()
        send_all(meta)

        assert self.end() == ("in_doubt", "called_off_while_sent")
        assert meta.received == []

    def test_what_was_in_doubt_already_is_not_sent_again(
        self, lyon: Store, meta: GraphApi, claim: claiming.Claim
    ) -> None:
        ledger.doubt_unanswered(claim.pixel, reason="no_answer", pause=timedelta(0))

        self.forget(lyon)
        self.end()
        send_all(meta)

        assert self.end() == ("in_doubt", "redacted")
        assert meta.received == []


def test_a_request_has_30_days_and_is_closed_by_its_export(lyon: Store) -> None:
    two_orders(lyon)

    tell(lyon, "customers/data_request", {"customer": {"id": 77}, "orders_requested": [1002]})

    request = ShopNotice.objects.get()
    assert request.done_at is None
    assert request.due_at - request.received_at == timedelta(days=30)
    out = io.StringIO()
    call_command("notices", "--export", str(request.pk), stdout=out)
    said = json.loads(out.getvalue())
    assert [kept["body"]["email"] for kept in said["deliveries"]] == ["bob@example.com"]
    assert [row["order_id"] for row in said["ledger"]] == ["1002"]
    assert outcome() == "exported"
    with pytest.raises(CommandError, match="no open request"):
        call_command("notices", "--export", str(request.pk))


def test_what_the_customers_browser_told_is_exported_and_forgotten_with_the_rest(
    lyon: Store,
) -> None:
    two_orders(lyon)
    for order_id, checkout in (("1001", "a" * 32), ("1002", "b" * 32)):
        told = read_told(
            json.dumps({"checkout": checkout, "marketing": "granted", "page": "/x"}).encode()
        )
        with transaction.atomic():
            visits.keep(told, store_id=lyon.pk, ring=store_ring(bytes(lyon.sealed_key)))
        BrowserVisit.objects.filter(order_id="").update(order_id=order_id)
    tell(lyon, "customers/data_request", {"customer": {"id": 77}, "orders_requested": []})
    out = io.StringIO()
    call_command("notices", "--export", str(ShopNotice.objects.get().pk), stdout=out)

    tell(lyon, "customers/redact", {"customer": {"id": 77}})

    assert [told["checkout"] for told in json.loads(out.getvalue())["browser"]] == ["b" * 32]
    kept = BrowserVisit.objects.order_by("order_id")
    assert [(visit.order_id, visit.marketing, visit.body is None) for visit in kept] == [
        ("1001", "granted", False),
        ("1002", "granted", True),
    ]


def test_a_request_about_a_customer_of_whom_nothing_is_held_is_done(lyon: Store) -> None:
    tell(lyon, "customers/data_request", {"customer": {"id": 1}, "orders_requested": [9]})

    assert outcome() == "nothing_held"


def test_a_shop_is_forgotten_after_it_has_left(lyon: Store) -> None:
    two_orders(lyon)
    staff = a_user("42")
    staff.only_store = lyon
    staff.save()
    key = bytes(Store.objects.get(pk=lyon.pk).sealed_key)
    tell(lyon, "app/uninstalled")

    answer = tell(lyon, "shop/redact")

    lyon.refresh_from_db()
    assert answer.status_code == 200
    assert bodies() == {"1001": False, "1002": False}
    assert EventPayload.objects.count() == 0
    assert bytes(lyon.sealed_key) != key
    assert not type(staff).objects.filter(pk=staff.pk).exists()
    assert lyon.workspace.pixels.get().access_token == ""
    assert outcome() == "erased_5"


def test_a_shop_that_came_back_is_not_forgotten(lyon: Store) -> None:
    two_orders(lyon)

    tell(lyon, "shop/redact")

    assert bodies() == {"1001": True, "1002": True}
    assert outcome() == "installed_again"


def test_another_tenants_orders_of_the_same_number_are_left_alone(lyon: Store) -> None:
    paris = a_store(a_workspace("elsewhere"), key="paris")
    two_orders(lyon)
    a_kept_order(paris, an_order(1001))
    read_all()

    tell(lyon, "customers/redact", {"orders_to_redact": [1001]})

    assert WebhookDelivery.objects.get(store=paris).body is not None


def test_the_notices_are_listed(lyon: Store) -> None:
    tell(lyon, "app/uninstalled")
    out = io.StringIO()

    call_command("notices", "--json", stdout=out)
    call_command("notices", "--open", stdout=io.StringIO())

    (row,) = json.loads(out.getvalue())
    assert (row["topic"], row["outcome"]) == ("app/uninstalled", "uninstalled")
    assert ShopNotice.objects.filter(received_at__lte=Now()).exists()
