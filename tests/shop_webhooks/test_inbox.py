"""The inbox: what becomes of a delivery once it is kept."""

import itertools
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from conversions.models import ConversionEvent
from sandbox.graph_api import GraphApi
from sandbox.orders import KINDS, Platform, Story, stories
from shop_webhooks import inbox
from shop_webhooks.models import WebhookDelivery
from shop_webhooks.tasks import read_due
from stores.models import PixelMapping, Store
from tests.factories import a_delivery, a_mapping, a_pixel, a_store
from tests.pipeline import (
    STORE_SECRET,
    a_kept_order,
    an_order,
    at_once,
    post_to_shopify_door,
    post_to_woocommerce_door,
    read_all,
    send_all,
    signed,
)

# What the ledger says in the end of an order that is expected to be …; with no order, nothing.
ENDS = {
    "purchase": {("accepted", "")},
    "unpaid": {("waiting", "payment")},
    "cancelled": {("skipped", "cancelled")},
    "draft": {("skipped", "draft")},
    "test": {("skipped", "test_order")},
    "zero_value": {("skipped", "zero_value")},
    "tracked_elsewhere": {("skipped", "tracked_elsewhere")},
    "imported": {("skipped", "imported")},
    "anonymous": {("skipped", "unmatchable")},
    "unreadable": set(),
}


def states(order_id: object = None) -> set[tuple[str, str]]:
    found = ConversionEvent.objects.all()
    if order_id is not None:
        found = found.filter(order_id=order_id)
    return set(found.values_list("state", "reason"))


def only_delivery() -> tuple[str, str]:
    delivery = WebhookDelivery.objects.get()
    return delivery.state, delivery.reason


class TestStories:
    @pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
    def test_every_story_ends_as_it_says(
        self, acme: SimpleNamespace, meta: GraphApi, platform: Platform
    ) -> None:
        told = list(
            stories(platform=platform, count=len(KINDS[platform]), now=datetime.now(UTC), seed=3)
        )

        for number in range(max(len(story.steps) for story in told)):
            for story in told:
                self.deliver(acme, story, number)
            read_all()
            send_all(meta)

        ended = {(story.kind, story.expect): states(story.order_id) for story in told}
        afterwards = {
            ("refunded", "purchase"): {("accepted", "refunded_after_send")},
            ("partial_refund", "purchase"): {("accepted", "refunded_in_part_after_send")},
        }
        expected = {(story.kind, story.expect): ENDS[story.expect] for story in told}
        assert ended == expected | {
            key: afterwards[key] for key in afterwards.keys() & ended.keys()
        }

    @pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
    def test_every_delivery_of_a_story_is_closed(
        self, acme: SimpleNamespace, platform: Platform
    ) -> None:
        for story in stories(platform=platform, count=30, now=datetime.now(UTC), seed=4):
            for number in range(len(story.steps)):
                self.deliver(acme, story, number)

        read_all()

        assert WebhookDelivery.objects.filter(state="received").count() == 0

    def deliver(self, acme: SimpleNamespace, story: Story, number: int) -> None:
        if number >= len(story.steps):
            return
        step = story.steps[number]
        if story.platform == "shopify":
            answer = post_to_shopify_door(step.body, store=acme.lyon, topic=step.topic)
        else:
            headers = {
                "X-WC-Webhook-Topic": step.topic,
                "X-WC-Webhook-Signature": signed(step.body, STORE_SECRET),
            }
            answer = post_to_woocommerce_door(step.body, store=acme.kitchen, headers=headers)
        assert answer.status_code == 200


class TestVersions:
    """One order, told several times."""

    @pytest.mark.parametrize("arrival", list(itertools.permutations(["create", "paid", "updated"])))
    def test_whatever_comes_first_it_is_one_purchase(
        self, acme: SimpleNamespace, arrival: tuple[str, ...]
    ) -> None:
        versions = {
            "create": an_order(financial_status="pending", updated_at=moment(-30)),
            "paid": an_order(updated_at=moment(-20)),
            "updated": an_order(updated_at=moment(-10), note="gift"),
        }

        for topic in arrival:
            a_kept_order(acme.lyon, versions[topic], topic=f"orders/{topic}")
            read_all()

        assert states() == {("pending", "")}
        assert ConversionEvent.objects.count() == 1

    def test_both_topics_of_one_order_in_one_batch_are_one_purchase(
        self, acme: SimpleNamespace
    ) -> None:
        a_kept_order(acme.lyon, an_order(), topic="orders/create")
        a_kept_order(acme.lyon, an_order(), topic="orders/paid")

        count = inbox.process_batch()

        assert (count, ConversionEvent.objects.count()) == (2, 1)

    def test_a_cancellation_before_the_sending_stops_it(self, acme: SimpleNamespace) -> None:
        a_kept_order(acme.lyon, an_order(updated_at=moment(-20)))
        read_all()

        a_kept_order(acme.lyon, an_order(updated_at=moment(-10), cancelled_at=moment(-10)))
        read_all()

        assert states() == {("skipped", "cancelled")}

    def test_a_cancellation_stops_what_meta_has_only_put_off(self, acme: SimpleNamespace) -> None:
        a_kept_order(acme.lyon, an_order(updated_at=moment(-20)))
        read_all()
        ConversionEvent.objects.update(attempts=1, reason="throttled_app")

        a_kept_order(acme.lyon, an_order(updated_at=moment(-10), cancelled_at=moment(-10)))
        read_all()

        assert states() == {("skipped", "cancelled")}

    @pytest.mark.parametrize("state", ["in_doubt", "accepted", "rejected", "expired"])
    def test_a_cancellation_cannot_take_back_what_meta_may_have(
        self, acme: SimpleNamespace, state: str
    ) -> None:
        a_kept_order(acme.lyon, an_order(updated_at=moment(-20)))
        read_all()
        ConversionEvent.objects.update(state=state)

        a_kept_order(acme.lyon, an_order(updated_at=moment(-10), cancelled_at=moment(-10)))
        read_all()

        assert states() == {(state, "cancelled_after_send" if state == "accepted" else "")}

    def test_a_stale_paid_version_does_not_undo_a_cancellation(self, acme: SimpleNamespace) -> None:
        a_kept_order(acme.lyon, an_order(updated_at=moment(-10), cancelled_at=moment(-10)))
        read_all()

        a_kept_order(acme.lyon, an_order(updated_at=moment(-20)))
        read_all()

        assert states() == {("skipped", "cancelled")}

    def test_an_order_that_waits_is_owed_once_it_is_paid(self, acme: SimpleNamespace) -> None:
        a_kept_order(acme.lyon, an_order(financial_status="pending", updated_at=moment(-20)))
        read_all()
        waited = states()

        a_kept_order(acme.lyon, an_order(updated_at=moment(-10)))
        read_all()

        assert (waited, states()) == ({("waiting", "payment")}, {("pending", "")})


class TestReasons:
    def test_a_delivery_without_a_shop_is_unreadable(self, acme: SimpleNamespace) -> None:
        post_to_shopify_door(an_order())

        read_all()

        assert only_delivery() == ("unreadable", "no_shop")

    def test_a_store_without_a_mapping_in_force_asks_for_nothing(
        self, acme: SimpleNamespace
    ) -> None:
        PixelMapping.objects.update(enabled=False)
        a_kept_order(acme.lyon, an_order())

        read_all()

        assert only_delivery() == ("skipped", "no_mapping")

    def test_an_order_of_which_nothing_is_sent_is_recorded_all_the_same(
        self, acme: SimpleNamespace
    ) -> None:
        a_kept_order(acme.lyon, an_order(77, test=True))

        read_all()

        delivery = WebhookDelivery.objects.get()
        assert (delivery.state, delivery.order_id) == ("recorded", "77")
        assert states() == {("skipped", "test_order")}

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (b"", "not_json"),
            (b"\xff", "undecodable"),
            (b"[]", "not_an_object"),
            (b'{"id":1,"financial_status":"paid"', "not_json"),
            (an_order(total_price="NaN"), "bad_money"),
            (an_order(currency="XXX"), "bad_currency"),
            (an_order(created_at=None, processed_at=None), "no_time"),
        ],
    )
    def test_what_cannot_be_read_says_why_and_keeps_its_body(
        self, acme: SimpleNamespace, body: bytes, reason: str
    ) -> None:
        delivery = a_kept_order(acme.lyon, body)

        read_all()

        kept = WebhookDelivery.objects.get()
        assert (kept.state, kept.reason) == ("unreadable", reason)
        assert bytes(kept.body) == bytes(delivery.body)

    def test_endless_texts_do_not_stop_the_batch(self, acme: SimpleNamespace) -> None:
        a_kept_order(acme.lyon, an_order(1, name=None, order_number="9" * 400))
        a_kept_order(acme.lyon, an_order(2, name="\ud83d\ude00" * 300, note="\0"))
        a_kept_order(acme.lyon, an_order(3))

        read_all()

        assert states() == {("pending", "")}
        assert ConversionEvent.objects.count() == 3

    def test_a_body_that_no_key_opens_is_unreadable_and_the_others_are_read(
        self, acme: SimpleNamespace
    ) -> None:
        damaged = a_kept_order(acme.lyon, an_order(1))
        whole = a_kept_order(acme.lyon, an_order(2))
        WebhookDelivery.objects.filter(pk=damaged.pk).update(body=b"\x01damaged")

        inbox.process_batch()

        damaged.refresh_from_db()
        whole.refresh_from_db()
        assert (damaged.state, damaged.reason) == ("unreadable", "cannot_be_decrypted")
        assert whole.state == "recorded"

    def test_a_store_whose_secrets_no_key_opens_does_not_stop_another(
        self, acme: SimpleNamespace
    ) -> None:
        a_kept_order(acme.lyon, an_order(1))
        other = a_store(acme.workspace, key="paris")
        a_mapping(other, a_pixel(acme.workspace))
        a_kept_order(other, an_order(2))
        damage_secrets(acme.lyon)

        inbox.process_batch()

        assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"recorded"}


class TestClaims:
    def test_two_readers_share_nothing(self, acme: SimpleNamespace) -> None:
        for order_id in range(1, 41):
            a_kept_order(acme.lyon, an_order(order_id))
        WebhookDelivery.objects.update(claims=0)

        counts = at_once([inbox.process_batch] * 4)

        assert sum(counts) == 40
        assert set(WebhookDelivery.objects.values_list("claims", flat=True)) == {1}
        assert ConversionEvent.objects.count() == 40

    def test_what_a_dead_reader_held_is_left_alone_until_its_lease_ends(
        self, acme: SimpleNamespace
    ) -> None:
        a_kept_order(acme.lyon, an_order())
        inbox._claim()  # and the worker dies

        during = inbox.process_batch()
        WebhookDelivery.objects.update(not_before=F("not_before") - inbox.LEASE)
        afterwards = inbox.process_batch()

        assert (during, afterwards) == (0, 1)
        assert states() == {("pending", "")}

    def test_one_ring_reads_all_that_a_dead_reader_held_and_what_came_since(
        self, acme: SimpleNamespace
    ) -> None:
        for order_id in range(1, 31):
            a_kept_order(acme.lyon, an_order(order_id))
        WebhookDelivery.objects.update(claims=1)
        for order_id in range(31, 41):
            a_kept_order(acme.lyon, an_order(order_id))

        read_due.run()

        assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"recorded"}

    def test_a_body_that_may_have_killed_its_reader_is_read_alone_in_its_turn(
        self, acme: SimpleNamespace
    ) -> None:
        suspects = [a_kept_order(acme.lyon, an_order(order_id)).pk for order_id in (1, 2)]
        WebhookDelivery.objects.update(claims=1)
        for order_id in (3, 4):
            a_kept_order(acme.lyon, an_order(order_id))

        counts = [inbox.process_batch() for _ in range(4)]

        assert counts == [1, 1, 2, 0]
        assert WebhookDelivery.objects.filter(pk__in=suspects, claims=2).count() == 2

    def test_a_body_that_kills_its_reader_is_set_aside_after_five_claims(
        self, acme: SimpleNamespace
    ) -> None:
        deadly = a_kept_order(acme.lyon, an_order(1))

        for claims in range(1, 6):
            a_kept_order(acme.lyon, an_order(100 + claims))
            while inbox.process_batch():  # itself alone, then the others
                pass
            WebhookDelivery.objects.filter(pk=deadly.pk).update(
                claims=claims, state="received", not_before=datetime.now(UTC) - inbox.LEASE
            )
        inbox.process_batch()

        deadly.refresh_from_db()
        assert (deadly.state, deadly.reason) == ("unreadable", "kills_its_reader")
        assert ConversionEvent.objects.exclude(order_id=1).count() == 5

    def test_suspects_are_read_again_each_at_a_time_of_its_own(self, acme: SimpleNamespace) -> None:
        """Else the oldest would be blamed for whatever kills its reader as it comes back."""
        suspects = [a_kept_order(acme.lyon, an_order(order_id)).pk for order_id in range(20)]
        WebhookDelivery.objects.update(claims=4)
        before = datetime.now(UTC)

        for _ in suspects:
            inbox._claim()

        waits = [
            (delivery.not_before - before) / inbox.LEASE
            for delivery in WebhookDelivery.objects.filter(claims=5)
        ]
        assert len(waits) == 20
        assert all(1 <= wait < 5.5 for wait in waits)
        assert max(waits) - min(waits) > 1  # at random over four leases

    def test_a_reader_that_was_overtaken_changes_nothing(self, acme: SimpleNamespace) -> None:
        a_kept_order(acme.lyon, an_order())
        slow = inbox._claim()
        readings = [inbox.read(delivery) for delivery in slow]
        WebhookDelivery.objects.update(not_before=datetime.now(UTC) - inbox.LEASE)
        inbox.process_batch()
        closed = WebhookDelivery.objects.get().processed_at

        inbox._settle(readings)

        assert WebhookDelivery.objects.get().processed_at == closed
        assert ConversionEvent.objects.count() == 1


class TestReadingAgain:
    def test_what_could_not_be_read_is_read_after_the_fix(self, acme: SimpleNamespace) -> None:
        delivery = a_kept_order(acme.lyon, an_order())
        WebhookDelivery.objects.update(state="unreadable", reason="bad_money", claims=5)

        again = inbox.read_again(deliveries=WebhookDelivery.objects.all())
        read_all()

        delivery.refresh_from_db()
        assert (again, delivery.state, delivery.reason) == (1, "recorded", "")
        assert states() == {("pending", "")}

    def test_what_nobody_asked_for_is_read_once_a_mapping_asks(
        self, acme: SimpleNamespace, capsys: Any
    ) -> None:
        PixelMapping.objects.update(enabled=False)
        a_kept_order(acme.lyon, an_order())
        read_all()
        PixelMapping.objects.update(enabled=True)

        call_command("reread", "--store", "lyon", "--reason", "no_mapping", "--json")
        read_all()

        assert capsys.readouterr().out.strip() == '{\n  "deliveries": 1\n}'
        assert states() == {("pending", "")}

    def test_what_has_lost_its_body_or_was_read_stays_as_it_is(self, acme: SimpleNamespace) -> None:
        a_delivery(acme.lyon, state="unreadable", reason="not_json", body=None)
        a_delivery(acme.lyon, state="recorded", body=b"sealed")

        again = inbox.read_again(deliveries=WebhookDelivery.objects.all())

        assert again == 0


class TestForgetting:
    def test_a_body_is_erased_after_eight_days_and_its_row_stays(
        self, acme: SimpleNamespace
    ) -> None:
        read, unread = (a_kept_order(acme.lyon, an_order(order_id)) for order_id in (1, 2))
        WebhookDelivery.objects.filter(pk=read.pk).update(state="recorded")
        WebhookDelivery.objects.update(received_at=F("received_at") - inbox.KEPT_FOR)
        young = a_kept_order(acme.lyon, an_order(3))

        forgotten = inbox.forget_bodies()

        assert forgotten == 2
        rows = WebhookDelivery.objects.order_by("pk")
        assert [(row.pk, row.state, row.body is None) for row in rows] == [
            (read.pk, "recorded", True),
            (unread.pk, "forgotten", True),
            (young.pk, "received", False),
        ]


def moment(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def damage_secrets(store: Store) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE stores_store SET access_token = %s WHERE id = %s", [b"\x01damaged", store.pk]
        )
