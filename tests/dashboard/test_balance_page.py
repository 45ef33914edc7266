"""The balance on screen: drawn up in the background, from the shop's orders down to each one's name."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions.models import ConversionEvent
from dashboard.balancing import balance_next, last_days
from dashboard.models import BalanceRun
from dashboard.tasks import balance_shops
from sandbox.graph_api import GraphApi
from sandbox.woocommerce_store import WooCommerceShop
from stores.models import Store
from tests import factories
from tests.dashboard.reading import asked, texts
from tests.dashboard.test_balance import kitchen, sell
from tests.pipeline import send_all

__all__ = ["kitchen", "sell"]  # fixtures

LATER = datetime.now(UTC) + timedelta(hours=1)  # when all that was sold has had its time to come


@pytest.fixture
def page(client: Client, acme: SimpleNamespace) -> Client:
    client.force_login(factories.a_member(acme.workspace))
    return client


def address(store: Store) -> str:
    return f"/stores/{store.pk}/balance/"


def rows(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode())))


def test_a_store_whose_orders_are_all_accounted_for_is_balanced(
    page: Client, kitchen: Store, sell: Callable[..., list[int]], meta: GraphApi
) -> None:
    sell(30)
    send_all(meta)
    assert balance_next(now=LATER)

    answer = page.get(address(kitchen))

    assert "Balanced: all " in texts(answer, "p", "banner")[0]
    steps = answer.context["sheet"].steps
    assert steps[0].count == sum(step.count for step in steps[1:-1]) > 10
    assert (steps[-1].count, steps[-1].money) == (0, Decimal(0))
    assert steps[0].label == "Sold by the shop"
    assert steps[-2].label == "Accepted by Meta"


def test_behind_each_term_stand_the_orders_that_add_up_to_it(
    page: Client, kitchen: Store, sell: Callable[..., list[int]], meta: GraphApi
) -> None:
    sell(40)
    send_all(meta)
    balance_next(now=LATER)
    sheet = page.get(address(kitchen)).context["sheet"]
    terms = [step for step in [*sheet.steps, *sheet.aside] if step.term]

    for step in terms:
        asked = f"{address(kitchen)}?of={sheet.subject.slug}&term={step.term}"
        _headings, *found = rows(page.get(f"{asked}&format=csv"))
        assert len(found) == step.count
        assert sum(Decimal(row[3] or 0) for row in found) == step.money
        assert step.label in texts(page.get(asked), "h2")
    assert len(terms) > 2


def test_a_press_has_what_was_missing_taken_in_and_named(
    page: Client, kitchen: Store, sell: Callable[..., list[int]]
) -> None:
    (lost,) = sell(3, lose=lambda place: place == 1, kinds=("card",))

    answer = page.post(f"{address(kitchen)}run")

    assert answer["Location"] == address(kitchen)
    _done, told = texts(page.get(address(kitchen)), "p", "banner")
    assert told == "The shop's orders are being read. This page tells what is found."
    balance_shops.run()
    answer = page.get(address(kitchen))
    assert texts(answer, "summary")[0].startswith("1 order had reached us by no webhook")
    assert answer.context["sheet"].balanced
    assert ConversionEvent.objects.filter(order_id=str(lost)).exists()


def test_what_is_on_its_way_is_not_asked_for_yet(acme: SimpleNamespace) -> None:
    acme.kitchen.time_zone = "America/Sao_Paulo"
    now = datetime(2026, 11, 26, 2, 15, tzinfo=UTC)  # there it is still the 25th

    since, until = last_days(acme.kitchen, now=now)

    assert since == datetime(2026, 11, 18, 3, tzinfo=UTC)
    assert until == datetime(2026, 11, 26, 1, 45, tzinfo=UTC)


def test_an_order_that_differs_keeps_the_page_from_saying_balanced(
    page: Client, kitchen: Store, sell: Callable[..., list[int]]
) -> None:
    sell(2, kinds=("card",))
    event = ConversionEvent.objects.order_by("pk").first()
    assert event is not None
    ConversionEvent.objects.filter(pk=event.pk).update(value=event.value + 1)
    balance_next(now=LATER)

    answer = page.get(address(kitchen))

    assert "Not balanced: 1 order differs" in texts(answer, "h2")
    assert "Balanced:" not in answer.content.decode()
    assert f'href="/stores/{kitchen.pk}/orders/{event.order_id}/"' in answer.content.decode()


@pytest.mark.parametrize("before", [False, True])
def test_an_incomplete_reading_says_when_it_is_tried_again(
    page: Client,
    kitchen: Store,
    sell: Callable[..., list[int]],
    shop: WooCommerceShop,
    before: bool,
) -> None:
    sell(2, kinds=("card",))
    Store.objects.filter(pk=kitchen.pk).update(rest_auth="basic")
    if before:
        balance_next(now=LATER)
        BalanceRun.objects.update(due_at=datetime.now(UTC))
    answer = {"headers": {"Content-Type": "application/json", "X-WP-Total": "7"}, "body": "[]"}
    shop.fail(path="/wp-json/wc/v3/orders", status=200, **answer)
    balance_next(now=LATER)

    said = page.get(address(kitchen))

    assert "Not balanced: reading incomplete" in texts(said, "h2")
    (told,) = [text for text in texts(said, "p") if "We try again in " in text]
    assert ("What stands below is from" in told) is before
    assert "Balanced:" not in said.content.decode()


def test_a_store_without_access_is_not_known_and_has_no_button(
    page: Client, acme: SimpleNamespace
) -> None:
    answer = page.get(address(acme.kitchen))

    assert "Not known: we cannot read this shop's orders" in texts(answer, "h2")
    assert "Compare now" not in texts(answer, "button")
    assert not balance_next(now=LATER)


def test_a_run_comes_again_at_night(kitchen: Store) -> None:
    now = datetime.now(UTC)

    balance_next(now=now)

    at = BalanceRun.objects.get().due_at
    assert timedelta(0) < at - now < timedelta(days=1, minutes=1)
    assert (at + timedelta(minutes=1)).astimezone(ZoneInfo("America/Sao_Paulo")).hour == 3
    assert not balance_next(now=now)


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_takes_a_fixed_number_of_queries(
    page: Client, kitchen: Store, sell: Callable[..., list[int]], count: int
) -> None:
    sell(count, kinds=("card",))
    balance_next(now=LATER)

    with CaptureQueriesContext(connection) as queries:
        page.get(f"{address(kitchen)}?term=pending")

    # session, user, store; run, readable, listed; may change
    assert len(asked(queries)) == 7


def test_what_makes_no_sense_in_the_address_is_left_out(
    page: Client, kitchen: Store, sell: Callable[..., list[int]]
) -> None:
    assert page.get(f"{address(kitchen)}?format=csv").status_code == 404
    sell(1, kinds=("card",))
    balance_next(now=LATER)

    assert page.get(f"{address(kitchen)}?of=1.2.3&term=%22nothing").context["sheet"].orders is None
    days = page.get(f"{address(kitchen)}?term=%22nothing%0d&format=csv")
    assert days["Content-Disposition"] == 'attachment; filename="kitchen-balance.csv"'
    assert rows(days)[0][0] == "Day"


def test_who_may_only_look_cannot_press(
    client: Client, acme: SimpleNamespace, kitchen: Store
) -> None:
    client.force_login(factories.a_member(acme.workspace, "dora", role="analyst"))

    assert "Compare now" not in texts(client.get(address(kitchen)), "button")
    assert client.post(f"{address(kitchen)}run").status_code == 404
