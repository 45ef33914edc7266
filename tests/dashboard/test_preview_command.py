"""`preview` shows what would be posted: the same bytes, their origins, and nothing is sent."""

import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from django.core.management import CommandError, call_command

from conversions.models import ConversionEvent, EventPayload
from conversions.outbox import payload_purpose
from purchases.meta.payload import request_body
from purchases.shops.delivery import DeliveryHead
from sandbox.orders import stories
from shop_webhooks import inbox
from shop_webhooks.doors import shopify_door
from shop_webhooks.models import WebhookDelivery
from shop_webhooks.preview import preview_order
from stores.models import Pixel
from stores.secrets import store_ring
from tests.factories import a_mapping, a_pixel, a_store, a_workspace, numbers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store():
    # A domain of its own: doors are held for two seconds, longer than a test takes.
    return a_store(a_workspace(), key="lyon", domain=f"lyon-{next(numbers)}.myshopify.com")


@pytest.fixture
def pixel(store):
    pixel = a_pixel(store.workspace, pixel_id="1234567890123")
    a_mapping(store, pixel)
    return pixel


def a_told_order(store, kind="card"):
    """An order of the sandbox, delivered and read."""
    (story,) = stories(platform="shopify", count=1, kinds=[kind], now=datetime.now(UTC))
    for step in story.steps:
        head = DeliveryHead(topic=step.topic, shop=store.domain, delivery_id=str(step.at))
        inbox.store_delivery(door=shopify_door(store.domain), head=head, body=step.body)
    inbox.process_batch()
    return story


def preview(*options):
    out = io.StringIO()
    call_command("preview", *options, stdout=out)
    return out.getvalue()


def posted(store, pixel):
    """The bytes that the outbox keeps to be posted."""
    event = ConversionEvent.objects.get(store=store, pixel=pixel)
    purpose = payload_purpose(store_id=store.pk, order_id=event.order_id, pixel_id=pixel.pk)
    sealed = EventPayload.objects.get(event=event).body
    return store_ring(bytes(store.sealed_key)).open(bytes(sealed), purpose=purpose)


def test_the_bytes_of_a_preview_are_those_that_are_posted(store, pixel):
    story = a_told_order(store)

    (shown,) = preview_order(store=store, order=story.order_id)

    assert bytes(shown.body) == request_body([posted(store, pixel)])


def test_a_preview_tells_where_each_value_comes_from(store, pixel):
    story = a_told_order(store)

    (shown,) = json.loads(preview("--store", "lyon", "--order", story.name, "--json"))["pixels"]

    origins = {field["path"]: field["origin"] for field in shown["fields"]}
    sent = shown["body"]["data"][0]
    assert (shown["pixel_id"], shown["state"], shown["ledger"]["state"]) == (
        "1234567890123",
        "pending",
        "pending",
    )
    assert origins["event_id"] == "order_id"
    assert sent["event_id"] == story.order_id
    assert {f"user_data.{key}" for key in sent["user_data"]} == {
        field["path"].partition("[")[0]
        for field in shown["fields"]
        if field["path"].startswith("user_data.") and field["value"]
    }


def test_a_preview_shows_the_steps_that_add_up_to_the_value(store, pixel):
    store.mappings.update(settings={"value": "net"})
    story = a_told_order(store)

    (shown,) = json.loads(preview("--store", "lyon", "--order", story.name, "--json"))["pixels"]

    steps = [Decimal(step["amount"]) for step in shown["value"]]
    assert sum(steps) == Decimal(str(shown["body"]["data"][0]["custom_data"]["value"]))
    assert [step["what"] for step in shown["value"]][-2:] == ["tax", "shipping without tax"]
    assert f"{steps[-1]:+}" in preview("--store", "lyon", "--order", story.name)


def test_a_preview_writes_nothing(store, pixel):
    story = a_told_order(store)
    before = list(ConversionEvent.objects.values()), list(WebhookDelivery.objects.values())

    preview("--store", "lyon", "--order", story.order_id)

    assert (
        list(ConversionEvent.objects.values()),
        list(WebhookDelivery.objects.values()),
    ) == before


def test_a_test_code_in_force_is_in_the_body(store, pixel):
    story = a_told_order(store)
    Pixel.objects.update(
        test_event_code="TEST1", test_event_code_until=datetime(2999, 1, 1, tzinfo=UTC)
    )

    (shown,) = preview_order(store=store, order=story.order_id)

    assert msgspec.json.decode(shown.body)["test_event_code"] == "TEST1"


def test_an_order_that_is_not_sent_has_its_reason_instead(store, pixel):
    story = a_told_order(store, kind="test")

    lines = preview("--store", "lyon", "--order", story.order_id).splitlines()

    assert lines == [
        "pixel 1234567890123, mappings[0]",
        "  the ledger says: skipped (test_order)",
        "  nothing would be sent: skipped (test_order). It is a test order.",
    ]


def test_a_forgotten_body_cannot_be_previewed(store, pixel):
    story = a_told_order(store)
    WebhookDelivery.objects.update(body=None)

    with pytest.raises(CommandError) as caught:
        preview("--store", "lyon", "--order", story.order_id)

    assert caught.value.returncode == 1
    assert str(caught.value) == (
        f"What the shop said of order {story.order_id} is forgotten: bodies are kept for 8 days."
    )


@pytest.mark.parametrize(
    ("options", "message", "code"),
    [
        (("--order", "99"), "No delivery of order '99' has been read from store lyon.", 1),
        (
            ("--order", "99", "--pixel", "55555"),
            "Store lyon has no mapping in force to pixel 55555; it has to 1234567890123.",
            1,
        ),
    ],
)
def test_what_cannot_be_previewed_is_told_in_a_sentence(store, pixel, options, message, code):
    with pytest.raises(CommandError) as caught:
        preview("--store", "lyon", *options)

    assert (str(caught.value), caught.value.returncode) == (message, code)


def test_a_store_without_mappings_tells_nobody(store):
    with pytest.raises(CommandError, match="Store lyon has no mapping in force"):
        preview("--store", "lyon", "--order", "1")
