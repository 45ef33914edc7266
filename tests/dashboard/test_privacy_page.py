"""Who was asked and said what, by country; and what privacy law has asked of the shop."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from conversions.models import OrderConsent
from dashboard.privacy import MOST_COUNTRIES, read_asked
from shop_webhooks.models import ShopNotice
from stores.models import Pixel, Store
from tests import factories
from tests.dashboard.reading import texts
from tests.pipeline import a_kept_order, an_order, read_all


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
        ("exported", "The export was given to the merchant."),
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
