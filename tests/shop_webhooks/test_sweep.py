"""Miss nothing: what no webhook told is read back, once, and equal to what a webhook would have told."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from django.db.models.functions import Now

from conversions.models import ConversionEvent
from purchases.shops import PLATFORMS
from sandbox.orders import KINDS, stories
from sandbox.orders.woocommerce import write
from sandbox.woocommerce_store import WooCommerceShop
from shop_webhooks import sweep
from shop_webhooks.models import Sweep, WebhookDelivery
from shop_webhooks.readers import READERS
from shop_webhooks.turns import take_turn
from stores.models import Store
from stores.woocommerce import orders as orders_module
from tests.pipeline import at_once, post_to_woocommerce_door, read_all


@pytest.fixture
def kitchen(acme: SimpleNamespace, shop: WooCommerceShop) -> Store:
    """The kitchen, with a key to its shop; connected three hours ago."""
    key = shop.key()
    kitchen: Store = acme.kitchen
    kitchen.url = shop.url
    kitchen.consumer_key, kitchen.consumer_secret = key.consumer_key, key.consumer_secret
    kitchen.created_at = datetime.now(UTC) - timedelta(days=4)
    kitchen.save()
    return kitchen


def sweep_now() -> Sweep:
    """Whoever's turn it is: it is now."""
    Sweep.objects.update(due_at=Now())
    assert sweep.sweep_next() is True
    return Sweep.objects.get()


def an_order(number: int, *, at: datetime, **changes: Any) -> dict[str, Any]:
    """A paid order, placed and changed at `at`."""
    (story,) = stories(
        platform="woocommerce", count=1, now=at, seed=number, kinds=("card",), currency="EUR"
    )
    text = at.strftime("%Y-%m-%dT%H:%M:%S")
    moments = {f"date_{what}_gmt": text for what in ("created", "modified", "paid")}
    return (
        json.loads(story.steps[0].body) | {"id": number, "number": str(number)} | moments | changes
    )


def in_ledger() -> list[str]:
    return sorted(ConversionEvent.objects.values_list("order_id", flat=True))


def test_an_hour_without_webhooks_loses_no_order(kitchen: Store, shop: WooCommerceShop) -> None:
    shop.change(delivers=False)
    began = datetime.now(UTC) - timedelta(hours=1)
    latest = timedelta()
    for minute in range(60):
        at = began + timedelta(minutes=minute)
        shop.shop.keep(an_order(1000 + minute, at=at), "order.created", "order.updated")
        if minute % 5 == 4:
            sweep_now()
            read_all()
            found = {int(order_id) - 1000 for order_id in in_ledger()}
            latest = max(latest, timedelta(minutes=minute - max(found)))

    assert in_ledger() == [str(1000 + minute) for minute in range(60)]
    assert latest <= timedelta(minutes=15)
    assert set(WebhookDelivery.objects.values_list("source", flat=True)) == {"sweep"}
    assert Sweep.objects.get().found == 60


def test_every_kind_of_order_reads_the_same_by_webhook_and_by_sweep(
    kitchen: Store, shop: WooCommerceShop
) -> None:
    shop.change(delivers=False)
    told = {}
    count = len(KINDS["woocommerce"])
    for story in stories(platform="woocommerce", count=count, now=datetime.now(UTC)):
        shop.sell(story)
        if int(story.order_id) in shop.orders:
            told[story.order_id] = write(shop.orders[int(story.order_id)])
    parse = PLATFORMS["woocommerce"].parse_order

    pages = READERS["woocommerce"].read_changed(
        store=kitchen, since=datetime.now(UTC) - timedelta(days=30)
    )
    swept = {str(json.loads(body)["id"]): body for page in pages for body in page.bodies}

    hidden = {key for key, body in told.items() if b'"status":"checkout-draft"' in body}
    assert swept.keys() == told.keys() - hidden
    assert len(swept) > 10
    for order_id, body in swept.items():
        by_webhook = parse(told[order_id], topic="order.created", zone=UTC)
        by_sweep = parse(body, topic="order.updated", zone=UTC)
        assert msgspec.to_builtins(by_sweep) == msgspec.to_builtins(by_webhook)


def test_what_a_webhook_brought_is_there_already(kitchen: Store, shop: WooCommerceShop) -> None:
    order = an_order(1001, at=datetime.now(UTC) - timedelta(minutes=2))
    shop.shop.keep(order)
    post_to_woocommerce_door(write(order), store=kitchen)

    turn = sweep_now()

    delivery = WebhookDelivery.objects.get()
    assert (delivery.source, delivery.repeats, turn.found) == ("webhook", 0, 0)


@pytest.mark.parametrize("webhook_first", [True, False])
def test_an_order_seen_by_both_in_other_bytes_is_one_order(
    kitchen: Store, shop: WooCommerceShop, webhook_first: bool
) -> None:
    order = an_order(1001, at=datetime.now(UTC) - timedelta(minutes=2))
    shop.shop.keep(order)
    acts = [
        lambda: post_to_woocommerce_door(json.dumps(order).encode(), store=kitchen),
        sweep_now,
    ]

    for act in acts if webhook_first else reversed(acts):
        act()
        read_all()

    assert WebhookDelivery.objects.count() == 2
    assert in_ledger() == ["1001"]


def test_a_second_sweep_finds_nothing_new(kitchen: Store, shop: WooCommerceShop) -> None:
    shop.shop.keep(an_order(1001, at=datetime.now(UTC) - timedelta(minutes=2)))

    assert [sweep_now().found, sweep_now().found] == [1, 1]
    assert WebhookDelivery.objects.count() == 1


def test_a_change_written_late_is_found_by_the_overlap(
    kitchen: Store, shop: WooCommerceShop
) -> None:
    now = datetime.now(UTC)
    shop.shop.keep(an_order(1002, at=now))
    sweep_now()
    shop.shop.keep(an_order(1001, at=now - timedelta(minutes=9)))

    assert sweep_now().found == 2


@pytest.mark.parametrize("offset", [-11.0, -3.0, 0.0, 5.5, 14.0])
def test_the_shops_offset_moves_nothing(
    kitchen: Store, shop: WooCommerceShop, offset: float
) -> None:
    shop.change(utc_offset=offset)
    kitchen.created_at = datetime.now(UTC)
    kitchen.save()
    now = datetime.now(UTC)
    for number, minutes in ((1001, 5), (1002, 20)):  # the overlap takes ten minutes
        order = an_order(number, at=now - timedelta(minutes=minutes))
        local = now - timedelta(minutes=minutes) + timedelta(hours=offset)
        shop.shop.keep(order | {"date_modified": local.strftime("%Y-%m-%dT%H:%M:%S")})

    sweep_now()
    read_all()

    assert in_ledger() == ["1001"]


def test_pages_repeat_and_skip_nothing_also_within_one_second(
    kitchen: Store, shop: WooCommerceShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders_module, "PER_PAGE", 4)
    now = datetime.now(UTC).replace(microsecond=0)
    moments = [3] * 3 + [2] * 11 + [1] * 2 + [0] * 4
    for number, seconds in enumerate(moments, start=1001):
        shop.shop.keep(an_order(number, at=now - timedelta(seconds=seconds)))

    assert sweep_now().found == 20
    assert WebhookDelivery.objects.count() == 20


def test_an_order_that_changes_while_pages_are_read_hides_no_other(
    kitchen: Store, shop: WooCommerceShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders_module, "PER_PAGE", 2)
    now = datetime.now(UTC).replace(microsecond=0)
    for number in range(1001, 1007):
        shop.shop.keep(an_order(number, at=now - timedelta(minutes=1, seconds=-number % 60)))

    pages = READERS["woocommerce"].read_changed(store=kitchen, since=now - timedelta(hours=1))
    seen = set()
    for page in pages:
        seen |= {json.loads(body)["id"] for body in page.bodies}
        shop.touch(min(shop.orders), now)  # the oldest moves to the end

    assert seen == set(range(1001, 1007))


def test_a_sweep_that_runs_out_of_budget_goes_on_where_it_was(
    kitchen: Store, shop: WooCommerceShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders_module, "PER_PAGE", 3)
    monkeypatch.setattr(sweep, "BUDGET_ORDERS", 6)
    now = datetime.now(UTC)
    for number in range(1001, 1016):  # all of them within one overlap
        shop.shop.keep(an_order(number, at=now - timedelta(seconds=1020 - number)))

    first = sweep_now()
    assert (first.unfinished, first.due_at <= datetime.now(UTC)) == (True, True)
    turns = 1
    while Sweep.objects.get().unfinished:
        sweep_now()
        turns += 1

    assert Sweep.objects.get().found == 15
    assert turns <= 6


def test_a_shop_that_fails_is_asked_again_and_nothing_is_lost(
    kitchen: Store, shop: WooCommerceShop
) -> None:
    shop.shop.keep(an_order(1001, at=datetime.now(UTC) - timedelta(minutes=2)))
    shop.change(wall="maintenance")

    failed = sweep_now()
    assert (failed.reason, failed.failures, failed.lease) == ("shop_unavailable", 1, None)
    shop.change(wall="")
    mended = sweep_now()

    assert (mended.reason, mended.failures, mended.found) == ("", 0, 1)


def test_a_sweep_that_failed_before_its_first_page_reads_the_overlap_later(
    kitchen: Store, shop: WooCommerceShop
) -> None:
    now = datetime.now(UTC)
    shop.shop.keep(an_order(1002, at=now))
    sweep_now()
    shop.change(wall="maintenance")
    assert sweep_now().reason == "shop_unavailable"
    shop.change(wall="")
    shop.shop.keep(an_order(1001, at=now - timedelta(minutes=9)))

    assert sweep_now().found == 2


def test_a_shop_that_asks_for_a_pause_has_it(kitchen: Store, shop: WooCommerceShop) -> None:
    shop.fail(status=429, headers={"Retry-After": "600"}, path="/wp-json/wc/v3/orders", times=9)

    turn = sweep_now()

    assert turn.reason == "shop_busy"
    assert turn.due_at > datetime.now(UTC) + timedelta(minutes=9)


def test_a_way_that_no_longer_works_is_found_out_anew(
    kitchen: Store, shop: WooCommerceShop
) -> None:
    sweep_now()
    kitchen.refresh_from_db()
    assert kitchen.rest_auth == "basic"
    shop.change(strips_authorization=True)

    assert sweep_now().reason == "key_unknown"
    assert sweep_now().reason == ""
    kitchen.refresh_from_db()
    assert kitchen.rest_auth == "query"


def test_one_worker_at_a_time_reads_a_store(kitchen: Store, shop: WooCommerceShop) -> None:
    for number in range(1001, 1004):
        shop.shop.keep(an_order(number, at=datetime.now(UTC)))

    took = at_once([sweep.sweep_next] * 6)

    assert sorted(took) == [False] * 5 + [True]
    assert Sweep.objects.get().found == 3


def test_a_worker_that_lost_its_lease_writes_nothing(kitchen: Store, shop: WooCommerceShop) -> None:
    frozen = take_turn(Sweep, stores=Store.objects.filter(pk=kitchen.pk), lease=timedelta())
    assert frozen is not None
    Sweep.objects.update(lease=uuid.uuid4(), read_up_to=None)
    shop.shop.keep(an_order(1001, at=datetime.now(UTC)))

    complete, _found = sweep._read_back(kitchen, frozen)

    assert complete is False
    assert Sweep.objects.get().read_up_to is None


def test_a_store_without_a_key_or_disconnected_has_no_turn(
    kitchen: Store, acme: SimpleNamespace
) -> None:
    Store.objects.filter(pk=kitchen.pk).update(connected=False)

    assert sweep.sweep_next() is False
