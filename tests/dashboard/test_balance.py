"""The balance: the shop's own orders against the ledger; zero, or the very orders that differ."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from conversions.models import ConversionEvent
from dashboard.balance import Balance, Sum, balance_store
from sandbox.graph_api import GraphApi
from sandbox.orders import stories
from sandbox.orders.woocommerce import write
from sandbox.woocommerce_store import WooCommerceShop
from stores.models import Store
from stores.woocommerce import orders as orders_module
from tests.pipeline import post_to_woocommerce_door, read_all, send_all

NOW = datetime.now(UTC).replace(microsecond=0)
SINCE, UNTIL = NOW - timedelta(days=4), NOW + timedelta(minutes=1)


@pytest.fixture
def kitchen(acme: SimpleNamespace, shop: WooCommerceShop) -> Store:
    """The kitchen, with a key to its shop, which delivers nothing by itself."""
    shop.change(delivers=False)
    key = shop.key()
    kitchen: Store = acme.kitchen
    kitchen.url, kitchen.time_zone = shop.url, "America/Sao_Paulo"
    kitchen.consumer_key, kitchen.consumer_secret = key.consumer_key, key.consumer_secret
    kitchen.save()
    return kitchen


@pytest.fixture
def sell(shop: WooCommerceShop, kitchen: Store) -> Callable[..., list[int]]:
    """Sells so many orders of all kinds; those of `lost` ids' places are told by no webhook."""

    def act(
        count: int, *, lose: Callable[[int], bool] = lambda place: False, **how: Any
    ) -> list[int]:
        lost = []
        told = stories(platform="woocommerce", count=count, now=NOW, **how)
        for place, story in enumerate(told):
            shop.sell(story)
            if int(story.order_id) not in shop.orders:
                continue
            if lose(place):
                lost.append(int(story.order_id))
                continue
            for step in story.steps:
                post_to_woocommerce_door(step.body, store=kitchen)
        read_all()
        return lost

    return act


def balance(kitchen: Store, **how: Any) -> Balance:
    return balance_store(store=kitchen, since=SINCE, until=UNTIL, **how)


def test_every_kind_of_order_balances_to_zero_in_count_and_money(
    kitchen: Store, sell: Callable[..., list[int]], meta: GraphApi
) -> None:
    sell(60)
    send_all(meta)

    found = balance(kitchen)

    assert found.complete
    assert found.differences == []
    assert found.balanced
    assert {line.difference().count for line in found.lines} == {0}
    assert {line.difference().money for line in found.lines} == {Decimal(0)}
    assert sum(line.shop.count for line in found.lines) > 40
    assert sum(line.states.get("accepted", Sum()).count for line in found.lines) > 10


def test_lost_webhooks_are_named_one_by_one_and_healed(
    kitchen: Store, sell: Callable[..., list[int]]
) -> None:
    lost = sell(40, lose=lambda place: place % 14 == 3, kinds=("card",))
    assert len(lost) == 3

    found = balance(kitchen)

    assert sorted(int(row.order_id) for row in found.differences) == sorted(lost)
    assert {row.what for row in found.differences} == {"missing"}
    assert not found.balanced
    assert sum(line.difference().count for line in found.lines) == 3
    healed = balance(kitchen, heal=True)
    assert healed.balanced
    assert {line.difference().count for line in healed.lines} == {0}
    assert ConversionEvent.objects.filter(order_id__in=list(map(str, lost))).count() == 3


def test_a_payment_that_no_webhook_told_is_outdated_and_healed(
    kitchen: Store, sell: Callable[..., list[int]], shop: WooCommerceShop
) -> None:
    sell(1, kinds=("pending",))
    (order,) = shop.orders.values()
    paid = {"status": "processing", "date_paid": NOW.isoformat()[:19], "needs_payment": False}
    shop.touch(order["id"], NOW, **paid, date_paid_gmt=NOW.isoformat()[:19])

    found = balance(kitchen)

    assert [row.what for row in found.differences] == ["outdated"]
    assert balance(kitchen, heal=True).balanced
    assert ConversionEvent.objects.get().state == "pending"


def test_another_amount_in_the_ledger_is_a_difference(
    kitchen: Store, sell: Callable[..., list[int]]
) -> None:
    sell(2, kinds=("card",))
    event = ConversionEvent.objects.order_by("pk").first()
    assert event is not None
    ConversionEvent.objects.filter(pk=event.pk).update(value=event.value + 1)

    (difference,) = balance(kitchen).differences

    assert (difference.what, difference.order_id) == ("value", event.order_id)
    assert difference.ledger_value == difference.shop_value + 1


def test_what_became_of_an_order_later_is_told_and_is_no_difference(
    kitchen: Store, sell: Callable[..., list[int]], shop: WooCommerceShop, meta: GraphApi
) -> None:
    sell(2, kinds=("card",))
    send_all(meta)
    first, second = sorted(shop.orders)
    shop.touch(first, NOW + timedelta(seconds=5), status="trash")
    shop.touch(second, NOW + timedelta(seconds=5), total="1.00")

    found = balance(kitchen)

    assert found.balanced
    assert sum(line.gone.count for line in found.lines) == 1
    assert {line.difference().money for line in found.lines} == {Decimal(0)}


def test_a_day_is_a_day_of_the_store(kitchen: Store, shop: WooCommerceShop) -> None:
    (story,) = stories(platform="woocommerce", count=1, now=NOW, kinds=("card",))
    order = json.loads(story.steps[0].body)
    placed = (NOW - timedelta(days=1)).replace(hour=1, minute=0, second=0)
    text = placed.strftime("%Y-%m-%dT%H:%M:%S")
    order |= {f"date_{what}_gmt": text for what in ("created", "modified", "paid")}
    shop.shop.keep(order)
    post_to_woocommerce_door(write(order), store=kitchen)
    read_all()

    (line,) = balance(kitchen).lines

    assert line.day == f"{placed - timedelta(days=1):%Y-%m-%d}"  # in São Paulo it is 22:00


def test_pages_change_nothing(
    kitchen: Store, sell: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sell(20, kinds=("card",))
    whole = balance(kitchen)
    monkeypatch.setattr(orders_module, "PER_PAGE", 3)

    paged = balance(kitchen)

    assert (paged.orders, paged.balanced) == (whole.orders, True)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"status": 503, "body": "<html>"}, "shop_unavailable"),
        (
            {"status": 200, "headers": {"Content-Type": "application/json"}, "body": "[]"},
            "reading_incomplete",
        ),
        (
            {
                "status": 200,
                "headers": {"Content-Type": "application/json", "X-WP-Total": "7"},
                "body": "[]",
            },
            "reading_incomplete",
        ),
    ],
)
def test_an_incomplete_reading_is_never_called_balanced(
    kitchen: Store, shop: WooCommerceShop, fault: dict[str, Any], reason: str
) -> None:
    Store.objects.filter(pk=kitchen.pk).update(rest_auth="basic")
    kitchen.refresh_from_db()
    shop.fail(path="/wp-json/wc/v3/orders", **fault)

    found = balance(kitchen)

    assert (found.complete, found.balanced, found.reason) == (False, False, reason)


def test_an_order_of_the_shop_that_cannot_be_read_is_a_difference(
    kitchen: Store, sell: Callable[..., list[int]], shop: WooCommerceShop
) -> None:
    sell(1, kinds=("card",))
    (order,) = shop.orders.values()
    order["currency"] = "???"

    found = balance(kitchen)

    assert [(row.what, row.order_id) for row in found.differences] == [
        ("unreadable", "bad_currency")
    ]


def test_a_store_without_a_key_is_not_known_to_balance(acme: SimpleNamespace) -> None:
    found = balance(acme.kitchen)

    assert (found.balanced, found.reason) == (False, "no_key")


class TestCommand:
    def test_it_says_balanced_and_ends_well(
        self, kitchen: Store, sell: Callable[..., list[int]]
    ) -> None:
        sell(3, kinds=("card",))
        said = StringIO()

        call_command("balance", "--store", "kitchen", "--since", "4d", "--until", "0m", stdout=said)

        assert said.getvalue().endswith("kitchen: 3 orders in the shop, balanced\n")

    def test_it_names_what_is_missing_and_ends_with_1(
        self, kitchen: Store, sell: Callable[..., list[int]]
    ) -> None:
        (lost,) = sell(3, lose=lambda place: place == 1, kinds=("card",))
        said = StringIO()
        asked = ["--store", "kitchen", "--since", "4d", "--until", "0m"]

        with pytest.raises(CommandError) as ended:
            call_command("balance", *asked, "--json", stdout=said)

        assert ended.value.returncode == 1
        (store,) = json.loads(said.getvalue())["stores"]
        assert [row["order_id"] for row in store["differences"]] == [str(lost)]
        said = StringIO()
        call_command("balance", *asked, "--heal", stdout=said)
        assert said.getvalue().endswith("kitchen: 3 orders in the shop, balanced\n")

    @pytest.mark.parametrize("span", [["yesterday", "0m"], ["0m", "1d"]])
    def test_a_span_that_cannot_be_meant_is_bad_usage(
        self, kitchen: Store, span: list[str]
    ) -> None:
        with pytest.raises(CommandError) as ended:
            call_command("balance", "--since", span[0], "--until", span[1])

        assert ended.value.returncode == 2
