"""An order without the buyer's yes waits, goes when it comes, and never after a no."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from conversions.ledger import expire
from conversions.models import ConsentEvidence, ConversionEvent, EventPayload
from sandbox.graph_api import GraphApi
from stores.models import Store
from tests.pipeline import a_kept_order, an_order, read_all, send_all

FRANCE = {"billing_address": {"country_code": "FR", "first_name": "Zoe"}}


@pytest.fixture(autouse=True)
def policy(acme: SimpleNamespace, graph_api: GraphApi) -> None:
    graph_api.dataset("1234567890123", token="EAA-acme")
    asks = {"policy": "required", "regions": ["EEA", "GB"], "evidence": "order_meta"}
    Store.objects.update(consent=asks)


def seen(
    store: Store, said: str = "", *, minutes_ago: float = 60, **changes: Any
) -> tuple[str, str]:
    """The shop tells of the order as it is now; state and reason in the ledger."""
    notes = [{"name": "_capi_consent_marketing", "value": said}] if said else []
    order = an_order(minutes_ago=minutes_ago, note_attributes=notes, **FRANCE | changes)
    a_kept_order(store, order)
    read_all()
    event = ConversionEvent.objects.get()
    return event.state, event.reason


def later(minutes: float) -> dict[str, str]:
    return {"updated_at": (datetime.now(UTC) - timedelta(minutes=60 - minutes)).isoformat()}


def test_without_an_answer_it_waits_and_nothing_is_kept_to_send(
    acme: SimpleNamespace, graph_api: GraphApi
) -> None:
    assert seen(acme.lyon) == ("waiting", "consent")

    send_all(graph_api)

    assert not EventPayload.objects.exists()
    assert graph_api.events() == []


def test_a_yes_that_comes_later_releases_it(acme: SimpleNamespace, graph_api: GraphApi) -> None:
    seen(acme.lyon)

    assert seen(acme.lyon, "granted", **later(5)) == ("pending", "")
    send_all(graph_api)

    assert [event.event_id for event in graph_api.events()] == ["1001"]


def test_a_no_ends_it(acme: SimpleNamespace, graph_api: GraphApi) -> None:
    seen(acme.lyon)

    assert seen(acme.lyon, "denied", **later(5)) == ("skipped", "consent_refused")
    send_all(graph_api)

    assert graph_api.events() == []


def test_a_yes_that_is_taken_back_before_it_is_sent_is_a_no(
    acme: SimpleNamespace, graph_api: GraphApi
) -> None:
    assert seen(acme.lyon, "granted") == ("pending", "")

    assert seen(acme.lyon, "denied", **later(5)) == ("skipped", "consent_refused")
    send_all(graph_api)

    assert not EventPayload.objects.exists()
    assert graph_api.events() == []


def test_outside_the_regions_it_goes_at_once(acme: SimpleNamespace) -> None:
    america = {"billing_address": {"country_code": "US", "province_code": "NY"}}

    assert seen(acme.lyon, **america) == ("pending", "")


def test_it_waits_no_longer_than_meta_would_take_it(acme: SimpleNamespace) -> None:
    seen(acme.lyon)
    ConversionEvent.objects.update(cut_off=datetime.now(UTC) - timedelta(seconds=1))

    expire()

    event = ConversionEvent.objects.get()
    assert (event.state, event.reason) == ("expired", "too_old")


def test_a_store_without_a_policy_is_not_asked(acme: SimpleNamespace) -> None:
    Store.objects.update(consent={})

    assert seen(acme.lyon) == ("pending", "")


def test_a_policy_that_cannot_be_read_sends_nothing(acme: SimpleNamespace) -> None:
    Store.objects.update(consent={"policy": "nonsense"})

    assert seen(acme.lyon, "granted") == ("skipped", "invalid_mapping")


def test_limited_data_use_reaches_meta_with_country_and_state(
    acme: SimpleNamespace, graph_api: GraphApi
) -> None:
    Store.objects.update(consent={"policy": "limited", "regions": ["US-CA"]})
    graph_api.known_order(order_id="1001", limited_data_use=True)
    california = {"billing_address": {"country_code": "US", "province_code": "CA"}}

    assert seen(acme.lyon, **california) == ("pending", "")
    send_all(graph_api)

    (event,) = graph_api.events()
    assert event.event["data_processing_options"] == ["LDU"]
    assert event.event["data_processing_options_country"] == 1
    assert event.event["data_processing_options_state"] == 1000


def test_the_proof_of_consent_outlives_what_was_sent(acme: SimpleNamespace) -> None:
    seen(acme.lyon)
    seen(acme.lyon, "granted", **later(5))
    seen(acme.lyon, "denied", **later(10))
    seen(acme.lyon, "granted", **later(15))

    proof = ConsentEvidence.objects.order_by("first_seen_at")

    assert [(each.order_id, each.said) for each in proof] == [
        ("1001", "_capi_consent_marketing: granted"),
        ("1001", "_capi_consent_marketing: denied"),
    ]
    assert proof[0].last_seen_at > proof[1].last_seen_at


def test_a_store_that_does_not_ask_keeps_no_proof(acme: SimpleNamespace) -> None:
    Store.objects.update(consent={})

    seen(acme.lyon, "granted")

    assert not ConsentEvidence.objects.exists()
