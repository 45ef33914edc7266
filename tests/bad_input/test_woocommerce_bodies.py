"""W: what a WooCommerce shop says that it should not, or that means something else than it seems."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from conversions.models import ConversionEvent
from sandbox.graph_api import GraphApi
from shop_webhooks.models import WebhookDelivery
from stores.models import Store
from tests.bad_input.meeting import meets, recorded, skipped, unreadable
from tests.pipeline import STORE_SECRET, post_to_woocommerce_door, read_all, send_all, signed

NOW = datetime.now(UTC).replace(microsecond=0, tzinfo=None)


def order(**changes: Any) -> bytes:
    at = (NOW - timedelta(hours=1)).isoformat()
    found = {
        "id": 1001,
        "number": "1001",
        "order_key": "wc_order_abc",
        "status": "processing",
        "currency": "EUR",
        "total": "42.50",
        "date_created_gmt": at,
        "date_modified_gmt": at,
        "date_paid_gmt": at,
        "billing": {"email": "zoe@example.com"},
        "customer_ip_address": "203.0.113.9",
        "customer_user_agent": "Mozilla/5.0 (X11)",
        "line_items": [{"id": 1, "product_id": 1, "quantity": 1, "total": "42.50"}],
    }
    return json.dumps(found | changes).encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(body, end, marks=pytest.mark.case(name), id=f"{name}-{number}")
        for number, (name, body, end) in enumerate(
            [
                ("W03", order(), recorded()),
                *(
                    (
                        "W11",
                        order(status=status, date_paid_gmt=None),
                        recorded(("waiting", "payment")),
                    )
                    for status in ("pending", "on-hold")
                ),
                ("W12", b'{"id":5}', skipped("deleted", "stub", "hint")),
                (
                    "W13",
                    json.dumps({"order": json.loads(order())}).encode(),
                    unreadable("unsupported_api", "legacy_api"),
                ),
                ("W14", order(total="42,50"), unreadable("bad_money")),
                ("W14", order(total="1.234,50"), unreadable("bad_money")),
                ("W15", order(date_created="2001-01-01T00:00:00"), recorded()),
                (
                    "V34",
                    order(billing={"email": "zoe@example.com", "first_name": "<script>"}),
                    recorded(),
                ),
            ]
        )
    ],
)
def test_what_a_shop_says_is_taken_set_aside_or_waited_for(
    acme: SimpleNamespace, body: bytes, expected: SimpleNamespace
) -> None:
    meets(body, store=acme.kitchen, expected=expected)


@pytest.mark.case("W11")
@pytest.mark.parametrize("status", ["failed", "checkout-draft", "trash", "pending", "on-hold"])
def test_an_order_that_is_not_paid_is_owed_to_nobody_until_it_is(
    acme: SimpleNamespace, status: str
) -> None:
    post_to_woocommerce_door(order(status=status, date_paid_gmt=None), store=acme.kitchen)
    read_all()
    unpaid = set(ConversionEvent.objects.values_list("state", flat=True))
    later = NOW.isoformat()
    post_to_woocommerce_door(order(date_modified_gmt=later), store=acme.kitchen)
    read_all()

    assert "pending" not in unpaid
    assert list(ConversionEvent.objects.values_list("state", "reason")) == [("pending", "")]


@pytest.mark.case("W10")
def test_every_change_of_an_order_is_one_purchase(acme: SimpleNamespace) -> None:
    for minutes, status in enumerate(("processing", "completed", "processing", "completed")):
        at = (NOW - timedelta(minutes=30 - minutes)).isoformat()
        post_to_woocommerce_door(order(status=status, date_modified_gmt=at), store=acme.kitchen)
        read_all()

    assert ConversionEvent.objects.count() == 1


@pytest.mark.case("W07")
def test_two_orders_of_one_second_are_two_though_woocommerce_gives_them_one_id(
    acme: SimpleNamespace,
) -> None:
    headers = {"X-WC-Webhook-Delivery-ID": "same"}
    for number in (1001, 1002):
        post_to_woocommerce_door(order(id=number), store=acme.kitchen, headers=headers)
    read_all()

    assert ConversionEvent.objects.count() == 2


@pytest.mark.case("W09")
def test_what_the_shop_calls_itself_decides_nothing(acme: SimpleNamespace) -> None:
    """Decision 0018: the header is unsigned, and shops change their address."""
    headers = {"X-WC-Webhook-Source": "https://elsewhere.example/"}

    meets(order(), store=acme.kitchen, expected=recorded(), headers=headers)


@pytest.mark.case("W08")
def test_a_secret_that_the_shop_decodes_as_html_still_verifies(acme: SimpleNamespace) -> None:
    secret = "a&amp;b&lt;c&gt;d&#039;e&quot;f"
    Store.objects.filter(pk=acme.kitchen.pk).update()
    acme.kitchen.webhook_secret = secret
    acme.kitchen.save()
    decoded = "a&b<c>d'e\"f"
    for number, key in enumerate((secret, decoded)):
        body = order(id=2000 + number)
        signature = base64.b64encode(hmac.digest(key.encode(), body, "sha256")).decode()
        answer = post_to_woocommerce_door(
            body, store=acme.kitchen, headers={"X-WC-Webhook-Signature": signature}
        )
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(value, marks=pytest.mark.case("W04"), id=name)
        for name, value in {
            "none": None,
            "short": "AAAA",
            "another store's": signed(order(), "another store's"),
        }.items()
    ],
)
def test_another_signature_is_refused(acme: SimpleNamespace, signature: str | None) -> None:
    answer = post_to_woocommerce_door(
        order(),
        store=acme.kitchen,
        headers={"X-WC-Webhook-Signature": signature},
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_signature")
    assert not WebhookDelivery.objects.exists()
    assert STORE_SECRET.encode() not in answer.content


@pytest.mark.case("W05")
def test_an_address_that_nobody_was_given_is_nowhere(acme: SimpleNamespace) -> None:
    answer = post_to_woocommerce_door(
        order(), store=acme.kitchen, path="/webhooks/woocommerce/AAAAAAAAAAAAAAAAAAAAAA/"
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.case("W06")
def test_a_store_that_was_disconnected_is_gone(acme: SimpleNamespace) -> None:
    Store.objects.filter(pk=acme.kitchen.pk).update(connected=False)

    answer = post_to_woocommerce_door(order(), store=acme.kitchen)

    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "gone")
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"webhook_id=12", 200, marks=pytest.mark.case("W01")),
        pytest.param(b"webhook_id=" + b"1" * 1_000_000, 413, marks=pytest.mark.case("W02")),
    ],
)
def test_a_ping_is_answered_and_not_kept(acme: SimpleNamespace, body: bytes, status: int) -> None:
    answer = post_to_woocommerce_door(
        body,
        store=acme.kitchen,
        headers={"X-WC-Webhook-Signature": None},
    )

    assert answer.status_code == status
    assert not WebhookDelivery.objects.exists()


@pytest.mark.case("V47")
class TestNumbersGivenAgain:
    """A shop that was set up anew at its address, or came back from a backup."""

    LONG_AGO = timedelta(days=100)

    @pytest.fixture(autouse=True)
    def old_order(self, acme: SimpleNamespace) -> None:
        meets(order(), store=acme.kitchen, expected=recorded())

    def came(self, ago: timedelta, **fields: Any) -> None:
        """The old order came that long ago, and Meta has it, or what `fields` say."""
        then = datetime.now(UTC) - ago
        has_it = {"state": "accepted", "accepted_at": then}
        ConversionEvent.objects.update(received_at=then, **(has_it | fields))

    def tell(self, store: Store, **changes: Any) -> list[tuple[str, str, str]]:
        """What the ledger says once the shop has told of an order 1001 that is another one."""
        body = order(**({"order_key": "wc_order_xyz", "total": "7.00"} | changes))
        assert post_to_woocommerce_door(body, store=store).status_code == 200
        read_all()
        events = ConversionEvent.objects.order_by("pk")
        return list(events.values_list("order_id", "event_id", "state"))

    def test_an_order_that_bears_the_number_of_another_is_owed(self, acme: SimpleNamespace) -> None:
        self.came(self.LONG_AGO)

        (old_id, old_event_id, old_state), new = self.tell(acme.kitchen)

        assert new == ("1001", "1001", "pending")
        assert old_id.startswith("1001-")
        assert (old_event_id, old_state) == (old_id, "accepted")

    @pytest.mark.parametrize(
        "same",
        [
            {"order_key": "wc_order_abc"},
            {"order_key": ""},
            {"date_created_gmt": (NOW - timedelta(days=200)).isoformat()},
        ],
    )
    def test_it_takes_another_key_and_an_order_that_was_not_there_yet(
        self, acme: SimpleNamespace, same: dict[str, str]
    ) -> None:
        self.came(self.LONG_AGO)

        assert self.tell(acme.kitchen, **same) == [("1001", "1001", "accepted")]

    def test_an_id_that_meta_still_remembers_is_not_sent_for_another_order(
        self, acme: SimpleNamespace
    ) -> None:
        self.came(timedelta(hours=40))

        (_old_id, old_event_id, _state), new = self.tell(acme.kitchen)

        assert old_event_id == "1001"
        assert new == ("1001", "", "skipped")
        assert ConversionEvent.objects.get(order_id="1001").reason == "event_id_taken"

    def test_the_longest_event_id_steps_aside_as_well(self, acme: SimpleNamespace) -> None:
        self.came(self.LONG_AGO, event_id="x" * 200)

        (old_id, old_event_id, _state), new = self.tell(acme.kitchen)

        assert old_event_id == "x" * 190 + old_id.removeprefix("1001")
        assert new == ("1001", "1001", "pending")

    def test_an_old_order_that_is_still_owed_goes_on_its_way(
        self, acme: SimpleNamespace, meta: GraphApi
    ) -> None:
        self.came(timedelta(days=2), state="pending", accepted_at=None)
        self.tell(acme.kitchen)

        send_all(meta)

        (event,) = meta.events(event_id="1001")
        assert event.value == "42.5"
