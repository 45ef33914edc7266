"""Sixty days of two shops, with weekends, sales, a holiday and six faults: all found, and no others."""

import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from conversions.models import ConversionEvent, LedgerTotal
from dashboard.alerts import raising
from dashboard.models import Alert, AlertMessage
from purchases.meta.match_quality import BITS
from shop_webhooks.models import Sweep, WebhookDelivery
from stores.models import Pixel, Store
from stores.sql import run
from tests import factories

START = datetime(2026, 8, 3, tzinfo=UTC)  # a Monday
LEARNING, DAYS = 28, 60
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# How a day's orders fall upon its hours: shops sleep too.
NIGHT, MORNING, EVENING = [0.2, 0.1, 0.1, 0.1, 0.1, 0.3, 0.6], [1, 1.5, 2, 2, 2], [2, 2.2, 2.2, 2]
BY_HOUR = [*NIGHT, *MORNING, 1.8, 1.6, 1.6, 1.6, 1.8, *EVENING, 1.5, 1, 0.5]
KNOWN = BITS["em"] | BITS["ph"] | BITS["client_ip_address"] | BITS["client_user_agent"]
UNKNOWN = BITS["client_ip_address"] | BITS["client_user_agent"]
# The trail is written by the database, at its own hour.
LIVED_THEN = """
UPDATE conversions_eventtransition AS step SET at = event.received_at
FROM conversions_conversionevent AS event WHERE event.id = step.event_id AND event.id = ANY(%s)
"""


class Shops:
    """Lyon can be read back, which is the control; of the kitchen only its webhooks tell."""

    def __init__(self, acme: SimpleNamespace) -> None:
        self.random = random.Random(22)
        self.lyon, self.kitchen, self.pixel = acme.lyon, acme.kitchen, acme.pixel
        self.sweep = Sweep.objects.create(store=self.lyon)
        self.state, self.identifiers = "accepted", KNOWN
        self.told_by, self.is_closed, self.is_cut_off = "webhook", False, False

    def pass_an_hour(self, begins: datetime) -> None:
        weekend = 0.4 if begins.weekday() >= 5 else 1.0
        sale = 3.0 if (begins - START).days % 21 in (4, 5) else 1.0
        share = BY_HOUR[begins.hour] / sum(BY_HOUR) * weekend * sale
        if not self.is_closed:
            self._sell(self.lyon, self._poisson(40 * share), begins)
        if not self.is_cut_off:
            self._sell(self.kitchen, self._poisson(110 * share), begins)
        Sweep.objects.filter(pk=self.sweep.pk).update(done_at=begins + HOUR)

    def _poisson(self, mean: float) -> int:
        count, left = 0, self.random.expovariate(1)
        while left < mean:
            count, left = count + 1, left + self.random.expovariate(1)
        return count

    def _sell(self, store: Store, orders: int, begins: datetime) -> None:
        state = self.state if store == self.lyon else "accepted"
        times = sorted(begins + HOUR * self.random.random() for _ in range(orders))
        made = ConversionEvent.objects.bulk_create(
            ConversionEvent(
                store=store,
                pixel=self.pixel,
                order_id=str(number := next(factories.numbers)),
                order_name=f"#{number}",
                event_name="Purchase",
                event_id=str(number),
                state=state,
                reason="meta_100_2804009" if state == "rejected" else "",
                value=Decimal(40),
                currency="EUR",
                identifiers=self.identifiers if store == self.lyon else KNOWN,
                event_time=at,
                order_updated_at=at,
                received_at=at,
                cut_off=at + timedelta(days=7),
            )
            for at in times
        )
        run(LIVED_THEN, [[event.pk for event in made]])
        if store == self.lyon:
            WebhookDelivery.objects.bulk_create(
                WebhookDelivery(
                    store=store,
                    delivery_key=event.order_id.encode(),
                    order_id=event.order_id,
                    received_at=event.event_time,
                    source=self.told_by,
                    state="recorded",
                )
                for event in made
            )
            if self.told_by == "sweep" and made:
                Sweep.objects.filter(pk=self.sweep.pk).update(found_at=begins + HOUR)

    def deliver_what_waits(self) -> None:
        ConversionEvent.objects.filter(state="pending").update(state="accepted")


def faults(shops: Shops) -> dict[int, tuple[str, Any, Any, int]]:
    """By hour since the start: the cause it must raise, how it begins and ends, and for how long."""

    def set_to(**changes: Any) -> Any:
        return lambda: [setattr(shops, name, value) for name, value in changes.items()]

    def token_dies() -> None:
        shops.state = "pending"
        Pixel.objects.filter(pk=shops.pixel.pk).update(broken_reason="token_expired")

    def token_is_given() -> None:
        shops.state = "accepted"
        Pixel.objects.filter(pk=shops.pixel.pk).update(broken_reason="")
        shops.deliver_what_waits()

    def queue_moves() -> None:
        shops.state = "accepted"
        shops.deliver_what_waits()

    def at(day: int, hour: int) -> int:
        return (LEARNING + day) * 24 + hour

    return {
        at(5, 10): ("pixel_broken", token_dies, token_is_given, 72),
        at(14, 9): ("webhooks_silent", set_to(told_by="sweep"), set_to(told_by="webhook"), 8),
        at(22, 12): ("queue_stuck", set_to(state="pending"), queue_moves, 3),
        at(30, 9): ("flow_stopped", set_to(is_cut_off=True), set_to(is_cut_off=False), 30),
        at(38, 10): ("rejects", set_to(state="rejected"), set_to(state="accepted"), 4),
        at(45, 0): (
            "quality_fell",
            set_to(identifiers=UNKNOWN),
            set_to(identifiers=KNOWN),
            24 * 10,
        ),
        at(26, 0): ("", set_to(is_closed=True), set_to(is_closed=False), 24),  # a holiday
    }


# Within how many hours each has to be known.
IN_TIME = {
    "pixel_broken": 1,
    "webhooks_silent": 3,
    "queue_stuck": 2,
    "flow_stopped": 6,
    "rejects": 3,
    "quality_fell": 24 * 6,
}


@pytest.fixture
def lived_through(acme: SimpleNamespace) -> Iterator[dict[str, tuple[datetime, datetime]]]:
    """When each fault began and ended."""
    shops = Shops(acme)
    planned = faults(shops)
    ending: dict[int, Any] = {}
    lived: dict[str, tuple[datetime, datetime]] = {}
    for hour in range((LEARNING + DAYS) * 24):
        begins = START + hour * HOUR
        if hour in ending:
            ending.pop(hour)()
        if hour in planned:
            cause, begin, end, hours = planned[hour]
            begin()
            ending[hour + hours] = end
            lived |= {cause: (begins, begins + hours * HOUR)} if cause else {}
        shops.pass_an_hour(begins)
        if hour >= LEARNING * 24:
            assert raising.look_out(now=begins + HOUR)
        if hour % 24 == 0:
            WebhookDelivery.objects.filter(received_at__lt=begins - DAY).delete()
    yield lived
    LedgerTotal.objects.all().delete()


@pytest.mark.timeout(0)
def test_six_faults_are_found_in_time_and_nothing_else_is_alarmed(
    lived_through: dict[str, tuple[datetime, datetime]],
) -> None:
    found: dict[str, timedelta] = {}
    false = []
    for alert in Alert.objects.order_by("opened_at"):
        began, ended = lived_through.get(alert.cause, (alert.opened_at, START))
        if began <= alert.opened_at <= ended:
            found.setdefault(alert.cause, alert.opened_at - began)
        else:
            false.append(f"{alert.cause} at {alert.opened_at}")
    for cause, late in found.items():
        sys.stdout.write(f"{cause}: known after {late}\n")
    sys.stdout.write(f"false alarms: {len(false)}\n")

    assert set(found) == set(lived_through)
    assert {cause for cause, late in found.items() if late > IN_TIME[cause] * HOUR} == set()
    assert len(false) <= 1, false
    assert not Alert.objects.filter(resolved_at=None).exists()
    # A token that was dead for three days is one alert, and two messages: it began, and it is over.
    (dead,) = Alert.objects.filter(cause="pixel_broken")
    assert dead.resolved_at is not None
    assert dead.resolved_at - dead.opened_at >= timedelta(hours=71)
    assert sorted(dead.alertmessage_set.values_list("kind", flat=True)) == ["opened", "resolved"]
    assert AlertMessage.objects.filter(kind="opened").count() <= len(lived_through) + 1
