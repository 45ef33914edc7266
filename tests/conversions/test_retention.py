"""The ledger's end: what is over for 400 days goes, with all that hangs on it; the rest stays."""

from datetime import timedelta
from types import SimpleNamespace

from django.utils import timezone

from conversions.models import (
    AttemptedEvent,
    ConversionEvent,
    EventTransition,
    LedgerTotal,
    SendAttempt,
)
from conversions.retention import forget_ledger
from conversions.tasks import forget_payloads
from shop_webhooks.models import WebhookDelivery
from shop_webhooks.tasks import forget_bodies
from tests import factories

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=401)


def test_what_is_over_for_400_days_goes_with_all_that_hangs_on_it(acme: SimpleNamespace) -> None:
    old = factories.an_event(
        acme.lyon,
        acme.pixel,
        order_id="1",
        state="accepted",
        received_at=LONG_AGO,
        event_time=LONG_AGO,
        accepted_at=LONG_AGO,
    )
    factories.an_attempt(old, started_at=LONG_AGO, finished_at=LONG_AGO)
    open_still = factories.an_event(
        acme.lyon, acme.pixel, order_id="2", state="in_doubt", received_at=LONG_AGO
    )
    young = factories.an_event(acme.lyon, acme.pixel, order_id="3", state="accepted")
    factories.an_attempt(young)

    forget_payloads.run()

    assert set(ConversionEvent.objects.all()) == {open_still, young}
    assert not EventTransition.objects.filter(event_id=old.pk).exists()
    assert AttemptedEvent.objects.get().event == young
    assert SendAttempt.objects.count() == 1
    assert not LedgerTotal.objects.filter(day__lt=LONG_AGO.date()).exists()
    assert LedgerTotal.objects.exists()


def test_a_delivery_of_then_goes_and_one_that_nobody_read_stays(acme: SimpleNamespace) -> None:
    read = {"body": None, "state": "recorded", "received_at": LONG_AGO}
    factories.a_delivery(acme.lyon, order_id="1", **read)
    kept = factories.a_delivery(acme.lyon, order_id="2", state="received", received_at=LONG_AGO)
    young = factories.a_delivery(acme.lyon, order_id="3", state="recorded")

    forget_bodies.run()

    assert set(WebhookDelivery.objects.values_list("pk", flat=True)) >= {young.pk}
    assert not WebhookDelivery.objects.filter(order_id="1").exists()
    assert kept.pk


def test_an_arrear_of_many_goes_in_parts(acme: SimpleNamespace) -> None:
    for number in range(7):
        factories.an_event(
            acme.lyon, acme.pixel, order_id=str(number), state="skipped", received_at=LONG_AGO
        )

    assert forget_ledger(timedelta(days=400)) == 7
    assert not ConversionEvent.objects.exists()
