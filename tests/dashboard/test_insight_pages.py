"""Delivery speed and match quality on screen, from what the ledger holds."""

import csv
import io
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions import tasks
from conversions.models import ConversionEvent, EventTransition, State
from purchases.meta.match_quality import estimate, with_bits
from sandbox.graph_api import GraphApi
from tests import factories
from tests.dashboard.reading import asked, texts
from tests.pipeline import a_kept_order, an_order, read_all, send_all

EMAIL, WITH_PHONE = with_bits(0, "em"), with_bits(0, "em", "ph")


def quality_page(acme: SimpleNamespace) -> str:
    return f"/stores/{acme.lyon.pk}/match-quality/"


def speed_page(acme: SimpleNamespace) -> str:
    return f"/stores/{acme.lyon.pk}/speed/"


def events(acme: SimpleNamespace, count: int, **fields: Any) -> None:
    for _number in range(count):
        factories.an_event(acme.lyon, acme.pixel, **fields)


def test_an_event_remembers_which_identifiers_meta_is_told_and_none_of_their_values(
    acme: SimpleNamespace,
) -> None:
    a_kept_order(acme.lyon, an_order(1001))
    read_all()

    event = ConversionEvent.objects.get()

    assert event.identifiers == with_bits(event.identifiers, "em", "client_user_agent")


def test_the_median_the_weak_share_and_the_coverage_are_of_the_orders(
    owner: Client, acme: SimpleNamespace
) -> None:
    events(acme, 40, identifiers=EMAIL)
    events(acme, 60, identifiers=WITH_PHONE)

    quality = owner.get(quality_page(acme)).context["quality"]

    assert quality.median == pytest.approx(estimate(WITH_PHONE))
    assert quality.weak_percent == 40
    assert [(each.label, each.percent) for each in quality.coverage[:2]] == [
        ("E-mail", 100),
        ("Phone", 60),
    ]


def test_a_fix_promises_what_the_orders_would_then_have(
    owner: Client, acme: SimpleNamespace
) -> None:
    events(acme, 40, identifiers=EMAIL)
    events(acme, 60, identifiers=WITH_PHONE)

    fixes = {fix.label: fix for fix in owner.get(quality_page(acme)).context["quality"].fixes}

    after, before = estimate(WITH_PHONE), 0.4 * estimate(EMAIL) + 0.6 * estimate(WITH_PHONE)
    assert fixes["Phone"].gain == pytest.approx(after - before)
    assert fixes["Phone"].orders == 40
    assert "E-mail" not in fixes
    assert [fix.gain for fix in fixes.values()] == sorted(
        (fix.gain for fix in fixes.values()), reverse=True
    )


def test_too_few_orders_have_no_median(owner: Client, acme: SimpleNamespace) -> None:
    events(acme, 3, identifiers=EMAIL)

    answer = owner.get(quality_page(acme))

    assert "A median needs 50 orders; there are 3 of the last 30 days so far." in texts(answer, "p")


def test_metas_own_score_stands_beside_ours_where_the_token_may_read_it(
    owner: Client, acme: SimpleNamespace, meta: GraphApi, settings: Any
) -> None:
    settings.META_GRAPH_URL = meta.url
    tasks.graph_client.cache_clear()
    events(acme, 50, identifiers=EMAIL)
    a_kept_order(acme.lyon, an_order(1001))
    read_all()
    none_yet = owner.post(quality_page(acme))
    send_all(meta)

    scored = owner.post(quality_page(acme))
    meta.token("EAA-acme", state="expired")
    refused = owner.post(quality_page(acme))

    assert "Meta has not worked one out" in texts(none_yet, "p", "bad")[0]
    assert 0 < scored.context["metas"] <= 10
    assert texts(scored, "p", "bad") == []
    assert "The access token has expired." in texts(refused, "p", "bad")[0]


def test_who_may_only_read_does_not_ask_meta(client: Client, acme: SimpleNamespace) -> None:
    client.force_login(factories.a_member(acme.workspace, "reader", role="client"))

    assert client.get(quality_page(acme)).status_code == 200
    assert client.post(quality_page(acme)).status_code == 404


def test_the_percentiles_are_of_what_meta_has_taken(owner: Client, acme: SimpleNamespace) -> None:
    placed = datetime.now(UTC) - timedelta(hours=2)
    for taken in [2] * 90 + [30] * 9 + [400]:
        factories.an_event(
            acme.lyon,
            acme.pixel,
            event_time=placed,
            received_at=placed,
            accepted_at=placed + timedelta(seconds=taken),
        )

    answer = owner.get(speed_page(acme))

    speed = answer.context["speed"]
    assert (speed.p50, speed.p95, speed.p99, speed.soon_percent) == (2, 30, 400, 99)
    assert speed.histogram.summary == "≤ 2 s: 90, ≤ 30 s: 9, ≤ 1 h: 1"
    table = list(
        csv.reader(io.StringIO(owner.get(f"{speed_page(acme)}?format=histogram").content.decode()))
    )
    assert ["≤ 2 s", "90"] in table


def test_the_time_that_an_order_waited_for_its_payment_is_not_ours(
    owner: Client, acme: SimpleNamespace
) -> None:
    now = datetime.now(UTC)
    event = factories.an_event(
        acme.lyon,
        acme.pixel,
        state=State.WAITING,
        reason="payment",
        received_at=now - timedelta(days=3),
    )
    ConversionEvent.objects.filter(pk=event.pk).update(state=State.PENDING, reason="")
    EventTransition.objects.filter(event=event, state=State.PENDING).update(
        at=now - timedelta(seconds=5)
    )
    ConversionEvent.objects.filter(pk=event.pk).update(state=State.ACCEPTED, accepted_at=now)

    assert owner.get(speed_page(acme)).context["speed"].p50 == pytest.approx(5, abs=0.1)


def test_what_waits_is_counted_by_the_time_it_has_left(
    owner: Client, acme: SimpleNamespace
) -> None:
    now = datetime.now(UTC)
    for hours in (1, 5, 30):
        factories.an_event(
            acme.lyon,
            acme.pixel,
            state=State.WAITING,
            reason="payment",
            cut_off=now + timedelta(hours=hours),
        )

    clock = owner.get(speed_page(acme)).context["speed"].clock

    assert clock.summary == "< 6 h: 2, < 2 days: 1"


def test_a_store_without_any_order_says_so(owner: Client, acme: SimpleNamespace) -> None:
    said = texts(owner.get(speed_page(acme)), "p")

    assert "No order has reached Meta in these days." in said
    assert "Nothing waits." in said


@pytest.mark.parametrize("page", ["speed", "match-quality"])
@pytest.mark.parametrize("orders", [1, 60])
def test_the_number_of_queries_does_not_grow_with_the_orders(
    owner: Client, acme: SimpleNamespace, page: str, orders: int
) -> None:
    events(acme, orders, identifiers=EMAIL)

    with CaptureQueriesContext(connection) as queries:
        owner.get(f"/stores/{acme.lyon.pk}/{page}/")

    # session, user; store, pixels; the sample; what waits, or whether the user may change
    assert len(asked(queries)) == 6


def test_what_the_browsers_ids_add_stands_beside_the_median(
    owner: Client, acme: SimpleNamespace
) -> None:
    told = with_bits(EMAIL, "fbp", "fbc")
    events(acme, 60, identifiers=told)

    answer = owner.get(quality_page(acme))

    quality = answer.context["quality"]
    assert (quality.median, quality.without_browser) == (estimate(told), estimate(EMAIL))
    assert "Without what browsers tell" in answer.content.decode()
