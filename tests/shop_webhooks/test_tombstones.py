"""An order whose customer asked to be forgotten stays forgotten, whatever brings it back."""

import json
import threading
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from conversions.models import BrowserVisit, ConversionEvent, EventPayload
from conversions.visits import checkout_key
from shop_webhooks import tombstones
from shop_webhooks.inbox import store_swept
from shop_webhooks.models import Tombstone, WebhookDelivery
from shop_webhooks.notices import carry_out_all
from stores.models import Store
from tests.pipeline import a_kept_order, an_order, post_to_shopify_door, read_all

CHECKOUT = "0123456789abcdef0123456789abcdef"


def redact(store: Store, *orders: int) -> None:
    """Shopify passes on that the customer of the orders asks to be forgotten."""
    body = {"shop_domain": store.domain, "customer": {"id": 7}, "orders_to_redact": list(orders)}
    answer = post_to_shopify_door(json.dumps(body).encode(), store=store, topic="customers/redact")
    assert answer.status_code == 200
    carry_out_all(now=timezone.now())


@pytest.fixture
def forgotten(acme: SimpleNamespace) -> Store:
    """Lyon, whose order 1001 was recorded and then forgotten."""
    store: Store = acme.lyon
    a_kept_order(store, an_order(1001))
    read_all()
    redact(store, 1001)
    assert not WebhookDelivery.objects.filter(body__isnull=False).exists()
    return store


def outcomes(store: Store) -> list[tuple[str, str, bool]]:
    found = WebhookDelivery.objects.filter(store=store).order_by("pk")
    return [(each.state, each.reason, each.body is None) for each in found]


def test_a_late_webhook_of_the_order_is_erased_as_it_is_read(forgotten: Store) -> None:
    a_kept_order(forgotten, an_order(1001, note="changed"), topic="orders/updated")
    read_all()

    assert outcomes(forgotten)[-1] == ("skipped", "redacted", True)
    assert not EventPayload.objects.exists()


def test_so_is_what_the_sweep_reads_back(forgotten: Store) -> None:
    body = an_order(1001, note="read back")
    assert store_swept(store=forgotten, topic="orders/updated", bodies=[body]) == 1
    read_all()

    assert outcomes(forgotten)[-1] == ("skipped", "redacted", True)


def test_the_same_webhook_again_brings_nothing_back(acme: SimpleNamespace) -> None:
    body = an_order(1001)
    post_to_shopify_door(body, store=acme.lyon)
    read_all()
    redact(acme.lyon, 1001)

    post_to_shopify_door(body, store=acme.lyon)
    read_all()

    (delivery,) = WebhookDelivery.objects.all()
    assert (delivery.repeats, delivery.body) == (1, None)


def test_other_orders_and_other_shops_orders_are_not_touched(
    forgotten: Store, acme: SimpleNamespace
) -> None:
    a_kept_order(forgotten, an_order(1002))
    read_all()

    assert outcomes(forgotten)[-1] == ("recorded", "", False)
    assert tombstones.among({(acme.kitchen.pk, "1001"), (forgotten.pk, "1001")}) == {
        (forgotten.pk, "1001")
    }


def test_an_order_that_was_never_seen_is_forgotten_before_it_comes(acme: SimpleNamespace) -> None:
    redact(acme.lyon, 1003)

    a_kept_order(acme.lyon, an_order(1003))
    read_all()

    assert outcomes(acme.lyon) == [("skipped", "redacted", True)]
    assert not ConversionEvent.objects.exists()


def test_a_browser_that_speaks_of_it_later_leaves_nothing(forgotten: Store) -> None:
    Store.objects.filter(pk=forgotten.pk).update(browser={"wait": 60}, collect_key="key-1")
    BrowserVisit.objects.create(
        store=forgotten, checkout=checkout_key(forgotten.pk, CHECKOUT), order_id="1001"
    )
    said = {"checkout": CHECKOUT, "at": 1782907200000, "marketing": "granted"}

    answer = Client().post("/collect/key-1/", json.dumps(said), content_type="text/plain")

    assert answer.status_code == 410
    assert BrowserVisit.objects.get().body is None


def test_who_buries_waits_for_who_is_recording(acme: SimpleNamespace) -> None:
    recording, may_end, buried = threading.Event(), threading.Event(), threading.Event()

    def record() -> None:
        with transaction.atomic():
            assert tombstones.among({(acme.lyon.pk, "1001")}) == set()
            recording.set()
            may_end.wait(10)
        connection.close()

    def bury() -> None:
        with transaction.atomic():
            tombstones.bury([acme.lyon], ["1001"])
        buried.set()
        connection.close()

    threads = [threading.Thread(target=record), threading.Thread(target=bury)]
    threads[0].start()
    assert recording.wait(10)
    threads[1].start()

    assert not buried.wait(0.5)
    may_end.set()
    assert buried.wait(10)
    for thread in threads:
        thread.join()
    assert Tombstone.objects.count() == 1
