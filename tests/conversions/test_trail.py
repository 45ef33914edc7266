"""Every step of an event is written down by the database itself, whoever made it."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from conversions import ledger
from conversions.models import ConfigVersion, ConversionEvent, EventTransition, SendAttempt
from purchases.mapping import Rules, read_rules
from sandbox.graph_api import GraphApi
from stores.models import PixelMapping
from tests.pipeline import a_kept_order, an_order, at_once, read_all, send_all


def trail() -> list[tuple[str, str]]:
    return list(EventTransition.objects.order_by("pk").values_list("state", "reason"))


def test_an_event_leaves_a_trail_from_the_first_sight_to_its_end(
    acme: SimpleNamespace, meta: GraphApi
) -> None:
    a_kept_order(acme.lyon, an_order(1, financial_status="pending", minutes_ago=60))
    read_all()
    a_kept_order(acme.lyon, an_order(1, minutes_ago=50))
    read_all()
    meta.fault("error", error="throttled_app")
    send_all(meta)

    assert trail() == [
        ("waiting", "payment"),
        ("pending", ""),
        ("pending", "throttled_app"),
    ]


def test_a_step_names_the_attempt_that_made_it_and_no_other(
    acme: SimpleNamespace, meta: GraphApi, owe: Callable[..., list[ConversionEvent]]
) -> None:
    owe(1)
    send_all(meta)

    attempts = EventTransition.objects.order_by("pk").values_list("attempt_id", flat=True)
    assert list(attempts) == [None, SendAttempt.objects.get().pk]


def test_a_step_carries_the_version_of_the_rules_it_was_made_by(
    acme: SimpleNamespace, owe: Callable[..., list[ConversionEvent]]
) -> None:
    owe(1)
    PixelMapping.objects.update(settings={"value": "subtotal"})
    owe(2)

    versions = list(EventTransition.objects.order_by("pk").values_list("config_version", flat=True))
    kept = {row.version: read_rules(row.rules) for row in ConfigVersion.objects.all()}
    assert [kept[version] for version in versions] == [Rules(), Rules(value="subtotal")]


def test_what_changes_nothing_leaves_no_step(
    owe: Callable[..., list[ConversionEvent]], meta: GraphApi
) -> None:
    owe(1)
    owe(1, note="told again")
    ConversionEvent.objects.update(order_name="#1")

    assert trail() == [("pending", "")]


def test_a_change_by_hand_is_written_down_too(
    owe: Callable[..., list[ConversionEvent]],
) -> None:
    owe(1)

    ConversionEvent.objects.update(state="rejected", reason="meta_100")

    assert trail() == [("pending", ""), ("rejected", "meta_100")]


def test_twenty_redeliveries_at_once_leave_one_step(
    acme: SimpleNamespace, owe: Callable[..., list[ConversionEvent]]
) -> None:
    for number in range(20):
        a_kept_order(acme.lyon, an_order(1, note=f"version {number}"))

    at_once([read_all] * 4)

    assert trail() == [("pending", "")]


def test_an_expired_event_says_so_in_its_trail(
    owe: Callable[..., list[ConversionEvent]], settings: Any
) -> None:
    (event,) = owe(1)
    ConversionEvent.objects.update(cut_off=event.received_at)

    ledger.expire()

    assert trail()[-1] == ("expired", "too_old")


def test_a_version_is_the_same_for_the_same_rules_and_another_for_others() -> None:
    spelt = read_rules(json.loads('{"trigger": "paid", "value": "total"}'))

    assert spelt.version == Rules().version
    assert Rules(value="subtotal").version != Rules().version
