"""Who was asked and said what, by country; and what privacy law has asked of the shop."""

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from conversions.models import ConversionEvent, OrderConsent
from dashboard.privacy import MOST_COUNTRIES, read_asked
from shop_webhooks.models import ShopNotice
from shop_webhooks.notices import carry_out_all
from stores.models import ConfigChange, Pixel, Store
from tests import factories
from tests.bad_input.test_woocommerce_bodies import order as of_woocommerce
from tests.dashboard.reading import texts
from tests.pipeline import (
    a_kept_order,
    an_order,
    post_to_shopify_door,
    post_to_woocommerce_door,
    read_all,
)


def address(store: Store) -> str:
    return f"/stores/{store.pk}/privacy/"


def seen(store: Store, number: int, country: str, said: str = "", **changes: Any) -> None:
    notes = [{"name": "_capi_consent_marketing", "value": said}] if said else []
    where = {"country_code": country, "first_name": "Zoe"} if country else None
    order = an_order(number, note_attributes=notes, billing_address=where, **changes)
    a_kept_order(store, order)
    read_all()


@pytest.fixture
def asking(acme: SimpleNamespace) -> Store:
    """Lyon, which asks whoever is in the EEA."""
    store: Store = acme.lyon
    store.consent = {"policy": "required", "regions": ["EEA"], "evidence": "order_meta"}
    store.save()
    return store


def test_each_countrys_answers_are_counted(owner: Client, asking: Store) -> None:
    seen(asking, 1, "FR", "granted")
    seen(asking, 2, "FR", "denied")
    seen(asking, 3, "FR")
    seen(asking, 4, "US")
    seen(asking, 5, "")

    answer = owner.get(address(asking))

    rows = answer.context["asked"].plot.table.rows
    assert rows == [
        ["FR", "1", "1", "1", "0"],
        ["unknown", "0", "0", "1", "0"],
        ["US", "0", "0", "0", "1"],
    ]
    assert texts(answer, "dd")[:4] == ["50 %", "2", "0", "1"]
    for place, orders in ((0, {"1", "2", "3"}), (1, {"5"})):
        shown = owner.get(answer.context["asked"].plot.table.links[place])
        assert {row.order_id for row in shown.context["page"].rows} == orders
    assert "they wait in vain" in answer.content.decode()
    assert owner.get(f"{address(asking)}?format=csv").content.decode().splitlines()[1] == (
        "FR,1,1,1,0"
    )


def test_a_yes_that_came_late_is_a_release_and_an_older_word_changes_nothing(
    asking: Store,
) -> None:
    seen(asking, 1, "FR")
    later = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    seen(asking, 1, "FR", "granted", updated_at=later)
    earlier = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()
    seen(asking, 1, "FR", updated_at=earlier)

    asked = read_asked(store=asking, now=timezone.now())

    assert asked is not None
    assert (asked.orders, asked.released, asked.answered_percent) == (1, 1, 100)


def test_what_is_held_leads_to_its_orders(page: Client, store: Store, pixel: Pixel) -> None:
    OrderConsent.objects.create(
        store=store,
        order_id="1",
        country="FR",
        answer="missing",
        waited=True,
        placed_at=timezone.now(),
        order_updated_at=timezone.now(),
    )
    for order_id, state, reason in (
        ("1", "waiting", "consent"),
        ("2", "skipped", "consent_refused"),
        ("3", "skipped", "consent_refused"),
        ("4", "skipped", "cancelled"),
    ):
        factories.an_event(store, pixel, order_id=order_id, state=state, reason=reason)

    answer = page.get(address(store))

    assert texts(answer, "dd")[1:4] == ["1", "0", "2"]
    refused = page.get(f"/stores/{store.pk}/orders/?state=skipped&reason=consent_refused")
    assert {row.order_id for row in refused.context["page"].rows} == {"2", "3"}


def test_many_countries_end_in_one_bar_for_the_others(asking: Store) -> None:
    for number, country in enumerate(["FR", "DE", "IT", "ES", "PT", "NL", "BE", "AT", "FI", "GR"]):
        seen(asking, number + 1, country, "granted")

    asked = read_asked(store=asking, now=timezone.now())

    assert asked is not None
    assert len(asked.plot.slots) == MOST_COUNTRIES + 1
    assert list(asked.plot.table.rows)[-1] == ["others", "2", "0", "0", "0"]


def test_a_store_that_asks_nobody_says_so(page: Client, store: Store) -> None:
    answer = page.get(address(store))

    assert "This store asks nobody" in answer.content.decode()
    assert page.get(f"{address(store)}?format=csv").status_code == 404


def test_a_policy_without_an_order_yet_says_so(page: Client, store: Store) -> None:
    Store.objects.filter(pk=store.pk).update(consent={"policy": "required"})

    assert "since buyers are asked" in page.get(address(store)).content.decode()


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("", "Not done yet."),
        ("erased_3", "Erased: 3 records."),
        ("nothing_held", "Nothing was held."),
        ("installed_again", "The shop has the app again: nothing was erased."),
        ("exported", "What is held was handed over."),
        ("another_shop", "It named another shop: nothing was done."),
    ],
)
def test_a_request_says_what_was_done_of_this_shop_alone(
    page: Client, store: Store, outcome: str, said: str
) -> None:
    now = timezone.now()
    for shop, key in ((store.domain, b"1"), ("other.myshopify.com", b"2")):
        ShopNotice.objects.create(
            shop=shop,
            topic="customers/redact",
            notice_key=key,
            due_at=now + timedelta(days=30),
            done_at=now if outcome else None,
            outcome=outcome,
        )

    answer = page.get(address(store))

    (request,) = answer.context["requests"]
    assert request.outcome == said
    assert "A customer asks to be forgotten" in texts(answer, "th")


class TestForgetting:
    """The merchant's own form, for a customer who has asked them."""

    @pytest.fixture(autouse=True)
    def two_orders(self, acme: SimpleNamespace) -> None:
        for number, email in ((1001, "zoe@example.com"), (1002, "bob@example.com")):
            a_kept_order(acme.lyon, an_order(number, email=email))
        read_all()

    def forget(self, client: Client, store: Store, whom: str, **more: Any) -> HttpResponse:
        return client.post(f"{address(store)}forget", {"whom": whom, "sure": "on"} | more)

    @pytest.mark.parametrize("whom", ["1002", "#1002", " #1002 ", "BOB@example.com"])
    def test_a_customer_is_forgotten_by_number_or_address(
        self, owner: Client, acme: SimpleNamespace, whom: str
    ) -> None:
        answer = self.forget(owner, acme.lyon, whom)
        asked = owner.get(answer["Location"]).content.decode()
        carry_out_all(now=timezone.now())
        page = owner.get(answer["Location"])

        assert "We are forgetting them." in asked
        assert "Not done yet." in asked
        assert dict(ConversionEvent.objects.values_list("order_id", "state")) == {
            "1001": "pending",
            "1002": "skipped",
        }
        [request] = page.context["requests"]
        proof = owner.get(f"{address(acme.lyon)}{request.certificate}/certificate").json()
        assert proof["orders"] == ["1002"]
        assert proof["left"] == {"bodies": 0, "payloads": 0, "browser": 0, "owed": 0}
        assert "bob" not in str(proof).lower()

    def test_a_woocommerce_shops_customer_is_forgotten_as_well(
        self, owner: Client, acme: SimpleNamespace
    ) -> None:
        post_to_woocommerce_door(of_woocommerce(id=3003), store=acme.kitchen)
        read_all()

        self.forget(owner, acme.kitchen, "3003")
        carry_out_all(now=timezone.now())

        assert ConversionEvent.objects.get(order_id="3003").reason == "redacted"
        assert ShopNotice.objects.get().body is None

    def test_an_address_that_nothing_names_is_proved_too(
        self, owner: Client, acme: SimpleNamespace
    ) -> None:
        self.forget(owner, acme.lyon, "nobody@example.com")
        carry_out_all(now=timezone.now())

        assert ShopNotice.objects.get().outcome == "erased_0"

    @pytest.mark.parametrize(
        ("whom", "more", "said"),
        [
            ("9999", {}, "No order of this store bears that number."),
            ("bob@", {}, "Enter a valid email address."),
            ("", {}, "This field is required."),
            ("1002", {"sure": ""}, "This field is required."),
        ],
    )
    def test_what_is_not_meant_or_not_there_is_said_and_changes_nothing(
        self, owner: Client, acme: SimpleNamespace, whom: str, more: dict[str, str], said: str
    ) -> None:
        answer = self.forget(owner, acme.lyon, whom, **more)

        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert not ShopNotice.objects.exists()

    def test_another_tenants_order_of_that_number_is_left_alone(
        self, owner: Client, acme: SimpleNamespace
    ) -> None:
        paris = factories.a_store(factories.a_workspace("elsewhere"), key="paris")
        factories.a_mapping(paris, factories.a_pixel(paris.workspace))
        a_kept_order(paris, an_order(1002, email="bob@example.com"))
        read_all()

        self.forget(owner, acme.lyon, "1002")
        carry_out_all(now=timezone.now())

        assert ConversionEvent.objects.get(store=paris).state == "pending"
        assert self.forget(owner, paris, "1002").status_code == 404


class TestHandingOver:
    """A customer has asked by way of Shopify what is held of them."""

    @pytest.fixture
    def request_id(self, acme: SimpleNamespace) -> int:
        a_kept_order(acme.lyon, an_order(1002, email="bob@example.com", customer={"id": 77}))
        read_all()
        said = {"shop_domain": acme.lyon.domain, "customer": {"id": 77}, "orders_requested": [1002]}
        post_to_shopify_door(
            json.dumps(said).encode(), store=acme.lyon, topic="customers/data_request"
        )
        carry_out_all(now=timezone.now())
        return ShopNotice.objects.get().pk

    def test_it_is_shown_once_and_stands_in_the_trail(
        self, owner: Client, acme: SimpleNamespace, request_id: int
    ) -> None:
        assert "Hand over what is held" in owner.get(address(acme.lyon)).content.decode()

        answer = owner.post(f"{address(acme.lyon)}{request_id}/export")

        page = answer.content.decode()
        held = json.loads(b64decode(answer.context["file"]))
        assert "bob@example.com" in page
        assert [each["order"] for each in held["deliveries"]] == ["1002"]
        assert answer["Cache-Control"] == "no-store"
        assert ShopNotice.objects.get().outcome == "exported"
        [seen] = ConfigChange.objects.filter(kind="access")
        assert (seen.store_id, seen.after) == (
            acme.lyon.pk,
            {"seen": f"export of request {request_id}"},
        )
        assert owner.post(f"{address(acme.lyon)}{request_id}/export").status_code == 404

    def test_what_an_earlier_agency_holds_of_the_shop_is_not_shown_to_the_next(
        self, owner: Client, acme: SimpleNamespace, request_id: int
    ) -> None:
        old = acme.lyon
        Store.objects.filter(pk=old.pk).update(connected=False)
        new = factories.a_store(factories.a_workspace("next"), key="new", domain=old.domain)
        bob = factories.a_member(new.workspace, "bob")
        client = Client()
        client.force_login(bob)

        answer = client.post(f"{address(new)}{request_id}/export")

        assert json.loads(b64decode(answer.context["file"]))["deliveries"] == []
        assert "bob@example.com" not in answer.content.decode().replace(bob.email, "")

    def test_who_only_reads_hands_nothing_over(
        self, acme: SimpleNamespace, request_id: int
    ) -> None:
        client = Client()
        client.force_login(factories.a_member(acme.workspace, "carol", role="analyst"))

        page = client.get(address(acme.lyon)).content.decode()

        assert "Hand over what is held" not in page
        assert "Forget a customer" not in page
        assert client.post(f"{address(acme.lyon)}{request_id}/export").status_code == 404
        assert client.post(f"{address(acme.lyon)}forget", {"whom": "1002"}).status_code == 404
