"""The outbox: what an order owes to each pixel, and why not."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from django.db import connection, transaction
from django.db.models import F

from conversions import entries, ledger, outbox
from conversions.models import ConversionEvent, EventPayload, PixelQueue
from purchases.costs import read_costs
from sandbox.graph_api import GraphApi
from shop_webhooks import inbox
from stores.costs import keep_costs
from stores.models import MappingTemplate, PixelMapping, Store
from tests.factories import a_mapping, a_pixel, a_store, a_workspace
from tests.pipeline import a_kept_order, an_order, at_once, read_all, send_all


def only_event() -> ConversionEvent:
    return ConversionEvent.objects.get()


class TestRows:
    def test_each_pixel_of_a_store_gets_a_row_of_its_own(self, acme: SimpleNamespace) -> None:
        second = a_pixel(acme.workspace)
        a_mapping(acme.lyon, second)
        a_kept_order(acme.lyon, an_order())

        read_all()

        pixels = ConversionEvent.objects.values_list("pixel", "state").order_by("pixel")
        assert list(pixels) == [(acme.pixel.pk, "pending"), (second.pk, "pending")]

    def test_a_row_says_what_meta_is_told(self, acme: SimpleNamespace) -> None:
        a_kept_order(acme.lyon, an_order(7, name="#7"))

        read_all()

        event = only_event()
        assert (event.order_id, event.order_name, event.event_name) == ("7", "#7", "Purchase")
        assert (event.event_id, str(event.value), event.currency) == ("7", "42.5000", "EUR")

    def test_a_row_closes_an_hour_before_meta_refuses_its_age(self, acme: SimpleNamespace) -> None:
        a_kept_order(acme.lyon, an_order())

        read_all()

        event = only_event()
        assert event.cut_off - event.event_time == timedelta(days=7) - timedelta(hours=1)


class TestMappings:
    def test_the_first_mapping_that_matches_counts(self, acme: SimpleNamespace) -> None:
        PixelMapping.objects.filter(store=acme.lyon).delete()
        for position, settings in enumerate(
            [{"when": {"min_value": "100"}}, {"event_id": "order_name"}, {"event_id": "order_id"}]
        ):
            a_mapping(acme.lyon, acme.pixel, position=position, settings=settings)
        a_kept_order(acme.lyon, an_order(7, name="#1001"))

        read_all()

        assert only_event().event_id == "#1001"

    def test_position_decides_and_not_age(self, acme: SimpleNamespace) -> None:
        PixelMapping.objects.filter(store=acme.lyon).update(position=9)
        a_mapping(acme.lyon, acme.pixel, position=1, settings={"event_id": "order_name"})
        a_kept_order(acme.lyon, an_order(7, name="#1001"))

        read_all()

        assert only_event().event_id == "#1001"

    def test_if_none_matches_the_first_one_says_why(self, acme: SimpleNamespace) -> None:
        PixelMapping.objects.update(settings={"when": {"min_value": "100"}})
        a_mapping(acme.lyon, acme.pixel, settings={"when": {"source": ["pos"]}})
        a_kept_order(acme.lyon, an_order())

        read_all()

        assert (only_event().state, only_event().reason) == ("skipped", "below_min_value")

    def test_a_disabled_mapping_is_none(self, acme: SimpleNamespace) -> None:
        PixelMapping.objects.filter(store=acme.lyon).update(enabled=False)
        other = a_pixel(acme.workspace)
        a_mapping(acme.lyon, other)
        a_kept_order(acme.lyon, an_order())

        read_all()

        assert only_event().pixel == other

    def test_settings_that_cannot_be_meant_skip_and_name_their_mapping(
        self, acme: SimpleNamespace
    ) -> None:
        PixelMapping.objects.update(settings={"when": {"min_value": "100"}})
        wrong = a_mapping(acme.lyon, acme.pixel, settings={"trigger": "on a whim"})
        a_kept_order(acme.lyon, an_order())

        read_all()

        event = only_event()
        assert (event.state, event.reason, event.mapping) == ("skipped", "invalid_mapping", wrong)

    def test_a_template_is_overruled_by_its_mapping(self, acme: SimpleNamespace) -> None:
        template = MappingTemplate.objects.create(
            workspace=acme.workspace,
            name="shared",
            settings={"event_id": "order_name", "trigger": "created"},
        )
        PixelMapping.objects.update(template=template, settings={"event_id": "order_id"})
        a_kept_order(acme.lyon, an_order(7, financial_status="pending"))

        read_all()

        assert (only_event().state, only_event().event_id) == ("pending", "7")

    def test_an_order_without_what_the_event_id_is_made_of_is_skipped(
        self, acme: SimpleNamespace
    ) -> None:
        PixelMapping.objects.update(settings={"event_id": "attribute:_meta_event_id"})
        a_kept_order(acme.lyon, an_order())

        read_all()

        assert (only_event().state, only_event().reason) == ("skipped", "event_id_missing")


class TestValue:
    MARGIN = {"value": "margin"}

    def test_a_margin_is_what_the_costs_of_its_store_leave(self, acme: SimpleNamespace) -> None:
        PixelMapping.objects.update(settings=self.MARGIN)
        keep_costs(store=acme.lyon, costs=read_costs(b"variant_id,cost\n11,30"))
        a_kept_order(acme.lyon, an_order())

        read_all()

        assert (only_event().state, str(only_event().value)) == ("pending", "12.5000")

    def test_an_order_without_a_cost_says_so(self, acme: SimpleNamespace) -> None:
        PixelMapping.objects.update(settings=self.MARGIN)
        keep_costs(
            store=a_store(acme.workspace, key="paris"), costs=read_costs(b"variant_id,cost\n11,30")
        )
        a_kept_order(acme.lyon, an_order())

        read_all()

        event = only_event()
        assert (event.state, event.reason, event.value) == ("skipped", "cost_missing", None)

    def test_the_ledger_has_the_currency_that_meta_is_told(self, acme: SimpleNamespace) -> None:
        def both(amount: str) -> dict[str, object]:
            return {"presentment_money": {"amount": amount, "currency_code": "USD"}}

        PixelMapping.objects.update(settings={"currency": "presentment"})
        line = {"variant_id": 11, "quantity": 1, "price": "42.50", "price_set": both("46.75")}
        a_kept_order(
            acme.lyon,
            an_order(
                presentment_currency="USD",
                line_items=[line],
                **{
                    f"{name}_set": both(amount)
                    for name, amount in (
                        ("total_price", "46.75"),
                        ("subtotal_price", "46.75"),
                        ("total_tax", "0.00"),
                    )
                },
            ),
        )

        read_all()

        assert (str(only_event().value), only_event().currency) == ("46.7500", "USD")


class TestEvents:
    """A pixel may be told of an order under several names, each of them once."""

    def test_renewals_are_an_event_of_their_own(
        self, acme: SimpleNamespace, meta: GraphApi
    ) -> None:
        PixelMapping.objects.update(settings={"when": {"subscription": ["one_off", "first"]}})
        renewals = {"when": {"subscription": ["renewal"]}, "event": "SubscriptionRenewal"}
        a_mapping(acme.lyon, acme.pixel, settings=renewals | {"value": "net"})
        a_kept_order(acme.lyon, an_order(1))
        a_kept_order(acme.lyon, an_order(2, source_name="subscription_contract"))

        read_all()
        send_all(meta)

        ends = ConversionEvent.objects.order_by("order_id", "event_name").values_list(
            "order_id", "event_name", "state", "reason"
        )
        assert list(ends) == [
            ("1", "Purchase", "accepted", ""),
            ("1", "SubscriptionRenewal", "skipped", "other_subscription"),
            ("2", "Purchase", "skipped", "other_subscription"),
            ("2", "SubscriptionRenewal", "accepted", ""),
        ]

    def test_one_order_can_be_two_events_with_the_same_id(self, acme: SimpleNamespace) -> None:
        a_mapping(acme.lyon, acme.pixel, settings={"event": "Subscribe"})
        a_kept_order(acme.lyon, an_order(1))

        read_all()

        found = ConversionEvent.objects.order_by("event_name")
        assert list(found.values_list("event_name", "event_id", "state")) == [
            ("Purchase", "1", "pending"),
            ("Subscribe", "1", "pending"),
        ]
        assert EventPayload.objects.count() == 2


class TestHold:
    """An order that is due waits for a while, in case it is called off."""

    def held(self, acme: SimpleNamespace, *, minutes_ago: float) -> ConversionEvent:
        PixelMapping.objects.update(settings={"hold": "1h"})
        a_kept_order(acme.lyon, an_order(1, minutes_ago=minutes_ago))
        read_all()
        return only_event()

    def news(self, acme: SimpleNamespace, **changes: object) -> ConversionEvent:
        later = datetime.now(UTC).isoformat()
        a_kept_order(acme.lyon, an_order(1, minutes_ago=30, updated_at=later, **changes))
        read_all()
        return only_event()

    def test_it_is_let_go_when_its_time_has_come_and_not_before(
        self, acme: SimpleNamespace, meta: GraphApi
    ) -> None:
        event = self.held(acme, minutes_ago=30)

        assert (event.state, event.reason, event.event_id) == ("waiting", "hold", "1")
        assert abs(event.not_before - event.event_time - timedelta(hours=1)) < timedelta(seconds=1)
        assert (ledger.let_go(), send_all(meta)) == (0, 0)

        ConversionEvent.objects.update(not_before=F("not_before") - timedelta(minutes=31))

        assert (ledger.let_go(), ledger.let_go(), send_all(meta)) == (1, 0, 1)
        assert (only_event().state, only_event().reason) == ("accepted", "")

    def test_an_order_older_than_the_hold_goes_at_once(self, acme: SimpleNamespace) -> None:
        assert self.held(acme, minutes_ago=61).state == "pending"

    def test_one_that_is_cancelled_while_it_waits_never_goes(
        self, acme: SimpleNamespace, meta: GraphApi
    ) -> None:
        self.held(acme, minutes_ago=30)

        event = self.news(acme, cancelled_at=datetime.now(UTC).isoformat())

        assert (event.state, event.reason) == ("skipped", "cancelled")
        assert (ledger.let_go(), send_all(meta)) == (0, 0)

    def test_one_that_is_refunded_in_part_while_it_waits_goes_with_the_rest(
        self, acme: SimpleNamespace
    ) -> None:
        self.held(acme, minutes_ago=30)
        moved = {"kind": "refund", "status": "success", "amount": "12.50"}

        event = self.news(
            acme, financial_status="partially_refunded", refunds=[{"transactions": [moved]}]
        )

        assert (event.state, event.reason, str(event.value)) == ("waiting", "hold", "30.0000")

    def test_one_that_is_too_old_by_then_is_not_let_go(self, acme: SimpleNamespace) -> None:
        self.held(acme, minutes_ago=30)
        ConversionEvent.objects.update(not_before=datetime.now(UTC), cut_off=datetime.now(UTC))

        assert (ledger.let_go(), ledger.expire()) == (0, 1)


class TestAfterSending:
    """Meta has it: the row stays accepted, and says what the shop did afterwards."""

    def accepted(self, acme: SimpleNamespace, meta: GraphApi) -> None:
        a_kept_order(acme.lyon, an_order(1, minutes_ago=30))
        read_all()
        send_all(meta)

    def news(self, acme: SimpleNamespace, **changes: object) -> tuple[str, str, str]:
        later = datetime.now(UTC).isoformat()
        a_kept_order(acme.lyon, an_order(1, minutes_ago=30, updated_at=later, **changes))
        read_all()
        event = only_event()
        return event.state, event.reason, str(event.value)

    def test_a_cancelled_order_is_marked(self, acme: SimpleNamespace, meta: GraphApi) -> None:
        self.accepted(acme, meta)

        marked = self.news(acme, cancelled_at=datetime.now(UTC).isoformat())

        assert marked == ("accepted", "cancelled_after_send", "42.5000")
        assert send_all(meta) == 0

    def test_a_refund_in_part_is_marked_and_a_full_one_after_it(
        self, acme: SimpleNamespace, meta: GraphApi
    ) -> None:
        self.accepted(acme, meta)
        moved = {"kind": "refund", "status": "success", "amount": "12.50"}
        refund = {"refunds": [{"transactions": [moved]}]}

        in_part = self.news(acme, financial_status="partially_refunded", **refund)
        in_full = self.news(acme, financial_status="refunded", **refund)

        assert in_part == ("accepted", "refunded_in_part_after_send", "42.5000")
        assert in_full == ("accepted", "refunded_after_send", "42.5000")

    def test_an_edit_that_takes_nothing_back_marks_nothing(
        self, acme: SimpleNamespace, meta: GraphApi
    ) -> None:
        self.accepted(acme, meta)

        assert self.news(acme, tags="vip") == ("accepted", "", "42.5000")

    def test_a_cancellation_that_comes_while_meta_answers_is_marked_too(
        self, acme: SimpleNamespace, meta: GraphApi
    ) -> None:
        a_kept_order(acme.lyon, an_order(1, minutes_ago=30))
        read_all()
        event = only_event()
        self.news(acme, cancelled_at=datetime.now(UTC).isoformat())

        ledger.accept([event.pk], attempt=ledger.NOT_BEGUN, fbtrace_id="A")

        assert (only_event().state, only_event().reason) == ("accepted", "cancelled_after_send")


class TestRefunds:
    """A refund may be told as an event of its own, if Meta has the purchase."""

    REFUND = {"event": "Refund", "trigger": "refunded"}

    def refund(self, acme: SimpleNamespace) -> ConversionEvent:
        moved = {"kind": "refund", "status": "success", "amount": "12.50"}
        body = an_order(
            1,
            updated_at=datetime.now(UTC).isoformat(),
            financial_status="partially_refunded",
            refunds=[{"transactions": [moved]}],
        )
        a_kept_order(acme.lyon, body)
        read_all()
        return ConversionEvent.objects.get(event_name="Refund")

    def test_what_was_given_back_is_told_once_meta_has_the_purchase(
        self, acme: SimpleNamespace, meta: GraphApi
    ) -> None:
        a_mapping(acme.lyon, acme.pixel, settings=self.REFUND)
        a_kept_order(acme.lyon, an_order(1))
        read_all()
        send_all(meta)
        waiting = ConversionEvent.objects.get(event_name="Refund")

        event = self.refund(acme)
        send_all(meta)

        assert (waiting.state, waiting.reason) == ("skipped", "not_refunded")
        assert (event.state, str(event.value), event.event_id) == ("pending", "12.5000", "1")
        ends = ConversionEvent.objects.order_by("event_name").values_list("state", "reason")
        assert list(ends) == [("accepted", "refunded_in_part_after_send"), ("accepted", "")]

    def test_a_purchase_that_meta_never_had_is_not_given_back(self, acme: SimpleNamespace) -> None:
        a_mapping(acme.lyon, acme.pixel, settings=self.REFUND)
        a_kept_order(acme.lyon, an_order(1))
        read_all()

        event = self.refund(acme)

        assert (event.state, event.reason, event.event_id) == ("skipped", "never_sent", "")


class TestContestedIds:
    def test_they_are_found_by_the_index_and_not_by_reading_the_ledger(
        self, acme: SimpleNamespace
    ) -> None:
        """The planner takes the partial unique index only for ids that it knows are not empty."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {entries.TAKEN}", [[acme.pixel.pk], ["Purchase"], ["1001"]])
            plan = "\n".join(line for (line,) in cursor.fetchall())

        assert "event_once_at_meta" in plan

    """Meta would discard the second of two events with the same id."""

    def second_store(self, acme: SimpleNamespace) -> Store:
        store = a_store(acme.workspace, key="paris")
        a_mapping(store, acme.pixel)
        return store

    def ends(self) -> list[tuple[str, str]]:
        return list(ConversionEvent.objects.order_by("state").values_list("state", "reason"))

    def test_the_second_order_with_an_id_is_skipped(self, acme: SimpleNamespace) -> None:
        other = self.second_store(acme)
        a_kept_order(acme.lyon, an_order(1))
        read_all()

        a_kept_order(other, an_order(1))
        read_all()

        assert self.ends() == [("pending", ""), ("skipped", "event_id_taken")]

    def test_it_is_so_within_one_batch_too(self, acme: SimpleNamespace) -> None:
        a_kept_order(acme.lyon, an_order(1))
        a_kept_order(self.second_store(acme), an_order(1))

        inbox.process_batch()

        assert self.ends() == [("pending", ""), ("skipped", "event_id_taken")]

    def test_it_is_so_when_two_workers_record_them_at_once(self, acme: SimpleNamespace) -> None:
        other = self.second_store(acme)
        for order_id in range(1, 21):
            a_kept_order(acme.lyon, an_order(order_id))
        first = inbox._claim()
        for order_id in range(20, 0, -1):
            a_kept_order(other, an_order(order_id))
        second = inbox._claim()

        at_once([lambda: self.record(first), lambda: self.record(second)])
        inbox.process_batch()

        assert sorted(self.ends()) == [("pending", "")] * 20 + [("skipped", "event_id_taken")] * 20

    def record(self, deliveries: list[object]) -> None:
        """What `process_batch` does with its claim."""
        readings = [inbox.read(delivery) for delivery in deliveries]
        try:
            inbox._settle(readings)
        except (inbox.IntegrityError, inbox.OperationalError):
            inbox._settle(readings)

    def test_the_same_id_at_two_pixels_is_two_events(self, acme: SimpleNamespace) -> None:
        workspace = a_workspace("other")
        store = a_store(workspace, key="lille")
        a_mapping(store, a_pixel(workspace))
        a_kept_order(acme.lyon, an_order(1))
        a_kept_order(store, an_order(1))

        inbox.process_batch()

        assert self.ends() == [("pending", ""), ("pending", "")]

    def test_a_cancelled_order_keeps_the_id_that_may_be_on_its_way(
        self, acme: SimpleNamespace
    ) -> None:
        a_kept_order(acme.lyon, an_order(1, minutes_ago=60))
        read_all()

        later = datetime.now(UTC).isoformat()
        a_kept_order(acme.lyon, an_order(1, updated_at=later, cancelled_at=later))
        read_all()

        event = only_event()
        assert (event.state, event.reason, event.event_id) == ("skipped", "cancelled", "1")

    def test_it_keeps_the_id_and_value_whatever_else_the_shop_tells(
        self, acme: SimpleNamespace
    ) -> None:
        a_kept_order(acme.lyon, an_order(1, minutes_ago=60))
        read_all()

        for changes in ({"total_price": "0.00"}, {"financial_status": "refunded"}):
            later = datetime.now(UTC).isoformat()
            cancelled = {"updated_at": later, "cancelled_at": later}
            a_kept_order(acme.lyon, an_order(1, **cancelled, **changes))
            read_all()

        event = only_event()
        assert (event.state, event.event_id, str(event.value)) == ("skipped", "1", "42.5000")


class TestPayloads:
    def test_nothing_of_the_buyer_can_be_read_in_the_table(self, acme: SimpleNamespace) -> None:
        a_kept_order(acme.lyon, an_order())
        read_all()

        with connection.cursor() as cursor:
            cursor.execute("SELECT body FROM conversions_eventpayload")
            ((body,),) = cursor.fetchall()

        assert [
            word for word in (b"203.0.113.9", b"Mozilla", b'"em"', b"Purchase") if word in body
        ] == []

    def test_a_payload_of_a_settled_event_is_erased_after_two_days(
        self, acme: SimpleNamespace
    ) -> None:
        for order_id in (1, 2, 3):
            a_kept_order(acme.lyon, an_order(order_id))
        read_all()
        EventPayload.objects.update(written_at=F("written_at") - outbox.KEPT_FOR)
        ConversionEvent.objects.filter(order_id="1").update(state="accepted")
        ConversionEvent.objects.filter(order_id="2").update(state="in_doubt")

        forgotten = outbox.forget_payloads()

        assert forgotten == 1
        left = EventPayload.objects.order_by("pk").values_list("event__order_id", flat=True)
        assert list(left) == ["2", "3"]

    def test_a_young_payload_stays(self, acme: SimpleNamespace) -> None:
        a_kept_order(acme.lyon, an_order())
        read_all()
        ConversionEvent.objects.update(state="accepted")

        assert outbox.forget_payloads() == 0

    def test_what_is_skipped_has_no_payload_and_no_turn(self, acme: SimpleNamespace) -> None:
        a_kept_order(acme.lyon, an_order(test=True))

        read_all()

        assert (EventPayload.objects.count(), PixelQueue.objects.count()) == (0, 0)
