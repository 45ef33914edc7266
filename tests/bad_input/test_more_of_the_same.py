"""D: the same again, backwards, at once, and for another dataset."""

from types import SimpleNamespace

import pytest

from conversions.models import ConversionEvent
from shop_webhooks.models import WebhookDelivery
from stores.models import Store
from tests.factories import a_mapping, a_pixel, a_store
from tests.pipeline import a_kept_order, an_order, post_to_shopify_door, read_all


@pytest.mark.case("D02")
def test_a_delivery_that_comes_eight_times_is_one(acme: SimpleNamespace) -> None:
    body = an_order(1001)
    answers = [
        post_to_shopify_door(body, store=acme.lyon, headers={"X-Shopify-Webhook-Id": "one"})
        for _number in range(8)
    ]
    read_all()

    assert {answer.status_code for answer in answers} == {200}
    assert WebhookDelivery.objects.count() == ConversionEvent.objects.count() == 1


@pytest.mark.case("D07")
def test_orders_that_come_in_reverse_end_as_they_would_have(acme: SimpleNamespace) -> None:
    versions = [
        an_order(1000 + number, minutes_ago=60 - later, total_price=f"{10 + later}.00", name="#1")
        for number in range(20)
        for later in range(3)
    ]
    for body in reversed(versions):
        post_to_shopify_door(body, store=acme.lyon)
    read_all()

    assert ConversionEvent.objects.count() == 20
    assert set(ConversionEvent.objects.values_list("value", flat=True)) == {12}


@pytest.mark.case("D16")
def test_one_dataset_tells_the_orders_of_two_shops_apart(acme: SimpleNamespace) -> None:
    """Under ids that name the shop; without it the second is skipped with its reason (decision 0009)."""
    rule = {"event_id": "template:{shop}-{order_id}"}
    paris = a_store(acme.workspace, key="paris")
    a_mapping(paris, acme.pixel, settings=rule)
    acme.lyon.mappings.update(settings=rule)
    for store in (acme.lyon, paris):
        a_kept_order(Store.objects.get(pk=store.pk), an_order(1001))
    read_all()

    ids = set(ConversionEvent.objects.values_list("event_id", "state"))
    assert len(ids) == 2
    assert {state for _id, state in ids} == {"pending"}


@pytest.mark.case("D17")
def test_a_dataset_that_is_added_later_is_told_of_no_earlier_order(acme: SimpleNamespace) -> None:
    a_kept_order(acme.lyon, an_order(1001))
    read_all()
    a_mapping(acme.lyon, a_pixel(acme.workspace, pixel_id="9999999999999"))
    read_all()

    assert ConversionEvent.objects.count() == 1


@pytest.mark.case("V46")
def test_two_orders_of_one_buyer_in_one_second_are_two(acme: SimpleNamespace) -> None:
    for number in (1001, 1002):
        a_kept_order(acme.lyon, an_order(number))
    read_all()

    assert ConversionEvent.objects.filter(state="pending").count() == 2


@pytest.mark.case("V41")
def test_an_order_that_is_refunded_before_it_is_sent_has_one_state(acme: SimpleNamespace) -> None:
    a_kept_order(acme.lyon, an_order(1001))
    refunded = an_order(
        1001, minutes_ago=1, financial_status="refunded", created_at=None, processed_at=None
    )
    a_kept_order(acme.lyon, refunded, topic="orders/updated")
    read_all()

    assert ConversionEvent.objects.count() == 1
