from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions.models import EventTransition, SendAttempt, State
from purchases.mapping import Rules
from stores.models import Pixel, Store
from tests import factories
from tests.dashboard.reading import asked, texts

PLACED = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def test_an_accepted_order_is_told_from_the_webhook_to_metas_answer(
    page: Client, store: Store, pixel: Pixel
) -> None:
    Store.objects.update(time_zone="Europe/Paris")
    event = factories.an_event(
        store,
        pixel,
        order_id="1042",
        event_time=PLACED,
        mapping=factories.a_mapping(store, pixel),
        config_version=factories.a_config_version(Rules()),
    )
    factories.a_delivery(store, order_id="1042", received_at=event.received_at, delivery_id="d-1")
    factories.an_attempt(event)
    EventTransition.objects.update(at=event.accepted_at)

    answer = page.get(f"/stores/{store.pk}/orders/1042/")

    assert texts(answer, "p", "verdict") == [
        "Accepted #1042 reached Meta dataset Main 4 s after the shop told us."
    ]
    assert texts(answer, "h3") == [
        "Decision",
        "Purchase",
        "Requests to Meta",
        "Steps",
        "Meta's answer",
    ]
    assert texts(answer, "ol", "steps") == ["Accepted 20 Nov 2026, 11:00:06 (UTC+01:00)"]
    assert texts(answer, "td")[:2] == ["orders/paid d-1", "Recorded"]
    assert texts(answer, "dd") == [
        pixel.pixel_id,
        f"number 1 of the store as it was then, version {Rules().version}",
        "paid",
        "total",
        "order_id",
        "Accepted",
        "1042",
        "46.08 EUR",
        "20 Nov 2026, 11:00:00 (UTC+01:00)",
        "20 Nov 2026, 11:00:02 (UTC+01:00)",
        "27 Nov 2026, 10:00:00 (UTC+01:00)",
        "20 Nov 2026, 11:00:06 (UTC+01:00)",
        "Atrace0123456789",
    ]
    assert texts(answer, "div", "try") == [
        "Accepted Meta accepted the whole request. 20 Nov 2026, 11:00:04 (UTC+01:00) · took 0.4 s"
        " · 1 event in the request · HTTP status 200 · trace Atrace0123456789"
    ]


def test_the_delay_is_counted_from_the_delivery_that_made_the_order_due(
    page: Client, store: Store, pixel: Pixel
) -> None:
    event = factories.an_event(
        store,
        pixel,
        order_id="1042",
        event_time=PLACED,
        not_before=PLACED + timedelta(days=2, seconds=1),
        accepted_at=PLACED + timedelta(days=2, seconds=7),
    )
    for received_at in (PLACED, PLACED + timedelta(days=2), PLACED + timedelta(days=2, seconds=5)):
        factories.a_delivery(store, order_id="1042", received_at=received_at)
    factories.an_attempt(event, started_at=PLACED + timedelta(days=2, seconds=6))

    answer = page.get(f"/stores/{store.pk}/orders/1042/")

    assert texts(answer, "p", "verdict") == [
        "Accepted #1042 reached Meta dataset Main 7 s after the shop told us."
    ]


def test_the_verdict_names_times_in_the_zone_of_the_store(
    page: Client, store: Store, pixel: Pixel
) -> None:
    Store.objects.update(time_zone="America/New_York")
    factories.an_event(
        store, pixel, order_id="1042", event_time=PLACED, state=State.WAITING, reason="payment"
    )

    answer = page.get(f"/stores/{store.pk}/orders/1042/")

    assert texts(answer, "p", "verdict") == [
        "Waiting #1042 waits for payment; it can be sent to Main until"
        " 27 Nov 2026, 04:00:00 (UTC-05:00)."
    ]


def test_an_order_that_nobody_asked_for_has_a_verdict_too(page: Client, store: Store) -> None:
    factories.a_delivery(store, order_id="1042", state="skipped", reason="no_mapping")

    answer = page.get(f"/stores/{store.pk}/orders/1042/")

    assert texts(answer, "p", "verdict") == [
        "Skipped Order 1042 is owed to no Meta dataset."
        " No mapping of this store is in force: nobody asked for its orders."
    ]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"outcome": "unknown", "finished_at": None}, "No answer No answer yet."),
        (
            {"outcome": "unknown", "reason": "network_readtimeout"},
            "No answer It is not known whether Meta counted it."
            " The connection to Meta failed (readtimeout).",
        ),
        (
            {"outcome": "try_later", "reason": "throttled_app"},
            "Try later Nothing was counted; we try again."
            " Meta asks for a pause: too many calls of this app.",
        ),
        (
            {"outcome": "pixel_broken", "reason": "token_expired"},
            "Dataset paused Nothing was counted; we paused the dataset."
            " The access token has expired.",
        ),
        (
            {"outcome": "rejected", "reason": "meta_100_2804036"},
            "Rejected Meta refused the event. Meta gave its error 100/2804036.",
        ),
        (
            {"outcome": "rejected", "reason": "too_large", "event_count": 8},
            "Rejected One event made Meta refuse the whole request; we look for it."
            " It is too large for Meta.",
        ),
    ],
)
def test_a_request_says_what_its_answer_meant(
    page: Client, store: Store, pixel: Pixel, fields: dict[str, object], told: str
) -> None:
    event = factories.an_event(store, pixel, order_id="1042", state=State.PENDING)
    factories.an_attempt(event, **fields)

    answer = page.get(f"/stores/{store.pk}/orders/1042/")

    assert texts(answer, "div", "try")[0].startswith(told)


def test_a_mapping_that_is_gone_or_not_valid_leaves_the_page_standing(
    page: Client, store: Store, pixel: Pixel
) -> None:
    wrong = factories.a_mapping(store, pixel, settings={"trigger": "sometimes"})
    other = factories.a_pixel(store.workspace, name="Other")
    invalid = {"state": State.SKIPPED, "reason": "invalid_mapping"}
    factories.an_event(store, pixel, order_id="1042", mapping=wrong, **invalid)
    factories.an_event(store, other, order_id="1042", mapping=None)

    answer = page.get(f"/stores/{store.pk}/orders/1042/")
    said = texts(answer, "dd")

    assert "number 1 of the store; its settings were not valid" in said
    assert "since removed" in said


def test_hundreds_of_requests_and_deliveries_are_cut_to_the_last_ones(
    page: Client, store: Store, pixel: Pixel
) -> None:
    event = factories.an_event(store, pixel, order_id="1042", state=State.PENDING)
    for _number in range(30):
        factories.an_attempt(event, outcome=SendAttempt.Outcome.TRY_LATER)
        factories.a_delivery(store, order_id="1042")

    answer = page.get(f"/stores/{store.pk}/orders/1042/")

    assert len(texts(answer, "div", "try")) == 25
    assert "5 earlier requests are not shown." in texts(answer, "p", "quiet")
    assert "5 earlier deliveries are not shown." in texts(answer, "p", "quiet")


def test_an_order_we_never_heard_of_is_no_page(page: Client, store: Store) -> None:
    assert page.get(f"/stores/{store.pk}/orders/1042/").status_code == 404


@pytest.mark.parametrize("pixels", [1, 3])
def test_the_number_of_queries_does_not_grow_with_the_pixels(
    page: Client, store: Store, pixels: int
) -> None:
    factories.a_delivery(store, order_id="1042")
    for _number in range(pixels):
        pixel = factories.a_pixel(store.workspace)
        mapping = factories.a_mapping(store, pixel)
        factories.an_attempt(factories.an_event(store, pixel, order_id="1042", mapping=mapping))

    with CaptureQueriesContext(connection) as queries:
        page.get(f"/stores/{store.pk}/orders/1042/")

    # session, user; store, events, deliveries, attempts, steps, rules, consent
    assert len(asked(queries)) == 9
