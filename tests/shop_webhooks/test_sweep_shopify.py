"""A Shopify shop's orders are swept like any other's: what no webhook told is found, and found once."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from conversions.models import ConversionEvent
from dashboard.balance import balance_store
from sandbox.shopify_admin import ShopifyAdmin
from shop_webhooks import sweep
from shop_webhooks.doors import forget_doors
from shop_webhooks.models import Sweep, WebhookDelivery
from stores.models import ShopifyInstallation, Store
from tests.factories import a_mapping, a_pixel
from tests.pipeline import APP_SECRET, a_kept_order, read_all
from tests.stores.shopify.conftest import lyon, shopify
from tests.stores.shopify.test_orders_read_back import an_order

__all__ = ["lyon", "shopify"]  # fixtures


@pytest.fixture
def shop(lyon: Store, shopify: ShopifyAdmin, settings: Any) -> Any:
    """Boutique Lyon's shop, mapped to a pixel; connected three days ago."""
    settings.SHOPIFY_API_SECRET_PREVIOUS = APP_SECRET  # which signs the deliveries of the tests
    forget_doors()  # the ids of the last test's stores
    a_mapping(lyon, a_pixel(lyon.workspace))
    Store.objects.update(created_at=datetime.now(UTC) - timedelta(days=3))
    return shopify


def sweep_now() -> Sweep:
    Sweep.objects.update(due_at=Now())
    assert sweep.sweep_next() is True
    return Sweep.objects.get()


def test_what_no_webhook_told_is_found_once(shop: Any) -> None:
    for number in range(1001, 1021):
        shop.order("lyon.myshopify.com", an_order(number, minutes_ago=1021 - number))

    found = [sweep_now().found, sweep_now().found]
    read_all()

    assert found == [20, 20]
    assert WebhookDelivery.objects.filter(source="sweep").count() == 20
    assert ConversionEvent.objects.count() == 20


def test_an_hour_without_webhooks_loses_no_order(shop: Any) -> None:
    shop.world.shops["lyon.myshopify.com"].index_lag = 90.0  # a search finds an order later
    began = shop.world.now()
    latest = 0
    for minute in range(1, 61):
        at = datetime.fromtimestamp(shop.world.now(), UTC).isoformat()
        order = an_order(1000 + minute) | {"created_at": at, "processed_at": at, "updated_at": at}
        shop.order("lyon.myshopify.com", order)
        if minute % 5 == 0:
            sweep_now()
            read_all()
            found = max(
                map(int, ConversionEvent.objects.values_list("order_id", flat=True)), default=1000
            )
            latest = max(latest, minute - (found - 1000))
        shop.pass_time(60)
    shop.pass_time(120)
    sweep_now()
    read_all()

    assert shop.world.now() - began >= 3600
    assert ConversionEvent.objects.count() == 60
    assert latest <= 30
    assert set(WebhookDelivery.objects.values_list("source", flat=True)) == {"sweep"}


def test_what_a_webhook_told_is_left_as_it_told_it(shop: Any, lyon: Store) -> None:
    waiting = an_order(1001) | {"financial_status": "pending", "email": "zoe@example.com"}
    agent = {"client_details": {"user_agent": "Mozilla/5.0 (X11)"}, "source_name": "web"}
    told = a_kept_order(lyon, json.dumps(waiting | agent).encode(), topic="orders/create")
    read_all()
    shop.order("lyon.myshopify.com", waiting)

    first = sweep_now().found
    shop.order("lyon.myshopify.com", waiting | {"updated_at": datetime.now(UTC).isoformat()})
    second = sweep_now().found

    assert (first, second) == (0, 1)
    assert WebhookDelivery.objects.get(source="webhook") == told


def test_a_lost_webhook_is_named_by_the_balance_and_healed(shop: Any, lyon: Store) -> None:
    for number in (1001, 1002):
        shop.order("lyon.myshopify.com", an_order(number, minutes_ago=30))
    a_kept_order(lyon, json.dumps(an_order(1001, minutes_ago=30)).encode())
    read_all()
    span = {"since": datetime.now(UTC) - timedelta(hours=2), "until": datetime.now(UTC)}

    found = balance_store(store=lyon, **span)
    healed = balance_store(store=lyon, heal=True, **span)

    assert [(each.what, each.order_id) for each in found.differences] == [("missing", "1002")]
    assert healed.balanced


def test_a_shop_whose_app_was_taken_away_has_no_turn(shop: Any) -> None:
    ShopifyInstallation.objects.update(state="uninstalled")

    assert sweep.sweep_next() is False
