"""`match_event_id` names the strategy, in the words of the fleet file."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from purchases.shops.delivery import DeliveryHead
from shop_webhooks import inbox
from shop_webhooks.doors import shopify_door
from tests.factories import a_store, a_workspace, numbers
from tests.pipeline import an_order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store():
    store = a_store(a_workspace(), key="lyon", domain=f"lyon-{next(numbers)}.myshopify.com")
    head = DeliveryHead(topic="orders/paid", shop=store.domain, delivery_id="1")
    inbox.store_delivery(door=shopify_door(store.domain), head=head, body=an_order(5678901))
    inbox.process_batch()
    return store


def match(*options):
    out = io.StringIO()
    call_command("match_event_id", "--store", "lyon", "--order", "5678901", *options, stdout=out)
    return out.getvalue()


def test_the_strategy_is_told_as_the_fleet_file_has_it(store):
    assert match("lyon_5678901") == 'event_id: template:"{shop}_{order_id}"\n'
    assert json.loads(match("5678901", "--json"))["strategies"][0] == "order_id"


def test_an_id_that_the_browser_makes_up_cannot_be_matched(store):
    with pytest.raises(CommandError) as caught:
        match("0b5b2c1e-7d1f-4c59-9a68-3f4b0c6ad111")

    assert caught.value.returncode == 1
    assert "the browser makes it up by itself" in str(caught.value)
