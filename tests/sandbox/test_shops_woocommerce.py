"""A WooCommerce store against a real server: what leaves it, and what an answer does to it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from shop_door import HANG_UP, NOON, ORDER, Door, independent_signature, open_door

from sandbox.shops import Clock, WooCommerceStore


@pytest.fixture
def door() -> Iterator[Door]:
    with open_door() as door:
        yield door


@pytest.fixture
def store(door: Door) -> WooCommerceStore:
    return WooCommerceStore("https://kitchen.example/", "hush", door.url, clock=Clock(NOON))


def test_woocommerce_sends_these_headers_and_no_others(store: WooCommerceStore, door: Door) -> None:
    delivery = store.deliver("order.updated", b'{"id":19}')

    assert delivery.status == 200
    assert door.received[0].sent == [
        ("Host", door.url.split("/")[2]),
        ("User-Agent", "WooCommerce/11.0.1 Hookshot (WordPress/7.1)"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "deflate, gzip, br, zstd"),
        ("Content-Type", "application/json"),
        ("X-WC-Webhook-Source", "https://kitchen.example/"),
        ("X-WC-Webhook-Topic", "order.updated"),
        ("X-WC-Webhook-Resource", "order"),
        ("X-WC-Webhook-Event", "updated"),
        ("X-WC-Webhook-Signature", independent_signature(b"hush", b'{"id":19}')),
        ("X-WC-Webhook-ID", "2"),
        ("X-WC-Webhook-Delivery-ID", delivery.delivery_id),
        ("Connection", "close"),
        ("Content-Length", "9"),
    ]


def test_woocommerce_signs_as_a_real_store_did(store: WooCommerceStore, door: Door) -> None:
    # Secret, body and signature of a delivery of WooCommerce 11.0.1.
    store.secret = "wh-s3cr3t-Lekki-0123456789"

    store.deliver("order.deleted", b'{"id":19}')

    signature = dict(door.received[0].sent)["X-WC-Webhook-Signature"]
    assert signature == "5EQ2eK35l5L2C7/zKK8VAe5Wba3M6O95hemumYdRX+Y="


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("a&amp;b", b"a&b"),
        ("&lt;&gt;&quot;&#039;&#x27;&#38;", b"<>\"''&"),
        ("&eacute;&nbsp;", b"&eacute;&nbsp;"),
        ("&amp;amp;", b"&amp;"),
        ("plain & simple é", "plain & simple é".encode()),
    ],
)
def test_the_signing_key_is_the_secret_with_its_entities_decoded(
    store: WooCommerceStore, door: Door, secret: str, key: bytes
) -> None:
    store.secret = secret

    store.deliver("order.created", ORDER)

    signature = dict(door.received[0].sent)["X-WC-Webhook-Signature"]
    assert signature == independent_signature(key, ORDER)


def test_the_ping_is_an_unsigned_form(store: WooCommerceStore, door: Door) -> None:
    answer = store.create_webhook("order.created")

    assert answer.status == 200
    assert door.received[0].body == b"webhook_id=5"
    assert door.received[0].sent == [
        ("Host", door.url.split("/")[2]),
        ("User-Agent", "WooCommerce/11.0.1 Hookshot (WordPress/7.1)"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "deflate, gzip, br, zstd"),
        ("Connection", "close"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", "12"),
    ]


def test_only_200_ends_the_pings(store: WooCommerceStore, door: Door) -> None:
    door.answers = [204, 200, 500, 200, 200]
    store.create_webhook("order.created")

    for _ in range(3):
        store.deliver("order.created", ORDER)

    assert [each.body[:10] for each in door.received] == [
        b"webhook_id", ORDER[:10], b"webhook_id", ORDER[:10], b"webhook_id", ORDER[:10],
    ]  # fmt: skip
    assert store.webhook("order.created").failure_count == 0


@pytest.mark.parametrize(
    ("status", "succeeded"),
    [
        (200, True), (201, True), (202, True), (204, True), (300, True), (301, True), (302, True),
        (303, False), (304, False), (400, False), (401, False), (410, False), (500, False),
        (HANG_UP, False),
    ],
)  # fmt: skip
def test_what_woocommerce_takes_for_success(
    store: WooCommerceStore, door: Door, status: int, succeeded: bool
) -> None:
    door.answers = [status]

    delivery = store.deliver("order.updated", ORDER)

    assert delivery.succeeded == succeeded
    assert store.webhook("order.updated").failure_count == (0 if succeeded else 1)
    assert [each.request_path for each in door.received] == ["/webhooks/"]


def test_the_seventh_failure_in_a_row_switches_the_webhook_off(
    store: WooCommerceStore, door: Door
) -> None:
    door.answers = [500] * 7
    webhook = store.webhook("order.updated")

    seen = []
    for _ in range(7):
        store.deliver("order.updated", ORDER)
        seen.append((webhook.failure_count, webhook.active))
    unsent = store.deliver("order.updated", ORDER)
    other = store.deliver("order.created", ORDER)

    assert seen == [*((count, True) for count in range(1, 7)), (6, False)]
    assert (unsent.sent, other.status) == (False, 200)


def test_a_webhook_switched_on_again_has_one_chance(store: WooCommerceStore, door: Door) -> None:
    door.answers = [500] * 8 + [200]
    webhook = store.webhook("order.updated")
    for _ in range(7):
        store.deliver("order.updated", ORDER)

    store.enable("order.updated")
    store.deliver("order.updated", ORDER)
    active_after_failure = webhook.active
    store.enable("order.updated")
    store.deliver("order.updated", ORDER)

    assert active_after_failure is False
    assert (webhook.active, webhook.failure_count) == (True, 0)


def test_two_orders_in_one_second_share_their_delivery_id(
    store: WooCommerceStore, door: Door
) -> None:
    first = store.deliver("order.updated", b'{"id":1}')
    second = store.deliver("order.updated", b'{"id":2}')
    other_webhook = store.deliver("order.created", b'{"id":2}')
    store.clock.advance(timedelta(seconds=1))
    later = store.deliver("order.updated", b'{"id":2}')

    assert first.delivery_id == second.delivery_id
    assert len({second.delivery_id, other_webhook.delivery_id, later.delivery_id}) == 3
    assert len(first.delivery_id) == 32


def test_woocommerce_opens_a_connection_for_each_delivery(
    store: WooCommerceStore, door: Door
) -> None:
    store.deliver("order.created", ORDER)
    store.deliver("order.updated", ORDER, chunked=True)

    assert len({each.port for each in door.received}) == 2
    assert [each.body for each in door.received] == [ORDER, ORDER]


def test_an_action_topic_gets_a_webhook_of_its_own(store: WooCommerceStore, door: Door) -> None:
    store.deliver("action.woocommerce_payment_complete", b'{"action":"x","arg":1}')

    headers = dict(door.received[0].sent)
    assert headers["X-WC-Webhook-ID"] == "5"
    assert headers["X-WC-Webhook-Resource"] == "action"
    assert headers["X-WC-Webhook-Event"] == "woocommerce_payment_complete"
