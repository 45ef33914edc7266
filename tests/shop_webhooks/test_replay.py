"""A replay: the plan's numbers are the result's, a second run sends nothing, and Meta is told once."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from conversions import replay as replay_module
from conversions.graph import GraphClient
from conversions.models import ConversionEvent, Lane
from conversions.replay import Plan
from conversions.sending import send_next
from sandbox.graph_api import GraphApi
from shop_webhooks import replay as orders_module
from shop_webhooks.replay import count_orders, replay_stores
from tests.factories import a_mapping, a_pixel
from tests.pipeline import a_kept_order, an_order, read_all, send_all


def run(acme: SimpleNamespace, *, carry_out: bool, pixel_id: str = "", days: int = 8) -> Plan:
    now = datetime.now(UTC)
    return replay_stores(
        stores=[acme.lyon],
        since=now - timedelta(days=days),
        until=now,
        pixel_id=pixel_id,
        carry_out=carry_out,
    )


def counts(plan: Plan) -> dict[str, int]:
    return {fate: found for fate in replay_module.FATES if (found := plan.count(fate))}


@pytest.fixture
def lyon(acme: SimpleNamespace) -> Any:
    """Three orders of which Meta has been told, for 42.50 each."""
    for number in (1001, 1002, 1003):
        a_kept_order(acme.lyon, an_order(number))
    return acme.lyon


def test_a_new_pixel_is_told_what_the_other_has(
    acme: SimpleNamespace, lyon: Any, meta: GraphApi
) -> None:
    read_all()
    send_all(meta)
    second = a_pixel(acme.workspace, pixel_id="9999999999999", access_token="EAA-second")
    meta.dataset(second.pixel_id, token="EAA-second")
    a_mapping(acme.lyon, second)

    planned = run(acme, carry_out=False)
    assert counts(planned) == {"send": 3, "accepted": 3}
    assert ConversionEvent.objects.count() == 3
    done = run(acme, carry_out=True)
    send_all(meta)

    assert counts(done) == counts(planned)
    assert sum(share.money for share in done.shares.values() if share.fate == "send") == (
        Decimal("127.50")
    )
    assert len(meta.received) == 6
    assert counts(run(acme, carry_out=True)) == {"accepted": 6}
    assert send_all(meta) == 0
    assert len(meta.received) == 6


def test_the_sale_keeps_its_time(acme: SimpleNamespace, meta: GraphApi) -> None:
    acme.lyon.mappings.update(enabled=False)
    a_kept_order(acme.lyon, an_order(1001, minutes_ago=60 * 24 * 3))
    read_all()
    acme.lyon.mappings.update(enabled=True)

    assert counts(run(acme, carry_out=True)) == {"send": 1}
    # Behind what has just happened.
    client = GraphClient(url=meta.url, version="v26.0")
    assert send_next(graph=client, call_colleague=lambda: None, lane=Lane.BACKFILL)

    sold_at = datetime.now(UTC) - timedelta(days=3)
    (event,) = meta.received
    assert abs(event["event_time"] - sold_at.timestamp()) < 120


def test_a_run_that_is_stopped_goes_on_where_it_was(
    acme: SimpleNamespace, lyon: Any, meta: GraphApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.lyon.mappings.update(enabled=False)
    read_all()
    acme.lyon.mappings.update(enabled=True)
    monkeypatch.setattr(orders_module, "ORDERS_AT_ONCE", 1)
    batches = orders_module._batches

    def dies_after_one(*given: Any, **named: Any) -> Any:
        for number, batch in enumerate(batches(*given, **named)):
            if number == 1:
                raise KeyboardInterrupt
            yield batch

    with monkeypatch.context() as patched:
        patched.setattr(orders_module, "_batches", dies_after_one)
        with pytest.raises(KeyboardInterrupt):
            run(acme, carry_out=True)

    assert counts(run(acme, carry_out=True)) == {"send": 2, "on_its_way": 1}
    send_all(meta)
    assert sorted(event["event_id"] for event in meta.received) == ["1001", "1002", "1003"]


def test_what_cannot_or_must_not_be_sent_is_named(acme: SimpleNamespace, meta: GraphApi) -> None:
    acme.lyon.mappings.update(enabled=False)
    a_kept_order(acme.lyon, an_order(1001, minutes_ago=60 * 24 * 7 + 60))
    a_kept_order(acme.lyon, an_order(1002, financial_status="pending"))
    a_kept_order(acme.lyon, an_order(1003, test=True))
    read_all()
    acme.lyon.mappings.update(enabled=True)
    # The old one came in time, and was kept.
    assert counts(run(acme, carry_out=True, days=8)) == {"waiting": 1, "skipped": 1, "too_old": 1}

    assert send_all(meta) == 0


def test_the_latest_version_of_an_order_decides(acme: SimpleNamespace, meta: GraphApi) -> None:
    acme.lyon.mappings.update(enabled=False)
    now = datetime.now(UTC)
    a_kept_order(acme.lyon, an_order(1001, updated_at=(now - timedelta(minutes=9)).isoformat()))
    cancelled = {"cancelled_at": now.isoformat(), "updated_at": now.isoformat()}
    a_kept_order(acme.lyon, an_order(1001, **cancelled))
    read_all()
    acme.lyon.mappings.update(enabled=True)

    assert counts(run(acme, carry_out=True)) == {"skipped": 1}


def test_only_the_named_pixel_is_told(acme: SimpleNamespace, lyon: Any, meta: GraphApi) -> None:
    acme.lyon.mappings.update(enabled=False)
    read_all()
    acme.lyon.mappings.update(enabled=True)
    a_mapping(acme.lyon, a_pixel(acme.workspace, pixel_id="9999999999999"))

    assert counts(run(acme, carry_out=True, pixel_id=acme.pixel.pixel_id)) == {"send": 3}
    assert set(ConversionEvent.objects.values_list("pixel_id", flat=True)) == {acme.pixel.pk}


class Terminal(StringIO):
    """A person's keyboard."""

    def isatty(self) -> bool:
        return True


class TestCommand:
    def test_a_plan_sends_nothing_and_a_run_what_was_planned(
        self, acme: SimpleNamespace, lyon: Any
    ) -> None:
        acme.lyon.mappings.update(enabled=False)
        read_all()
        acme.lyon.mappings.update(enabled=True)
        asked = ["--since", "2d", "--until", "0m"]

        said = [StringIO() for _ in range(3)]
        call_command("replay", *asked, "--plan", stdout=said[0])
        assert ConversionEvent.objects.count() == 0
        call_command("replay", *asked, "--json", stdout=said[1])
        call_command("replay", *asked, stdout=said[2])

        assert said[0].getvalue().endswith("3 orders: 3 events would be sent.\n")
        document = json.loads(said[1].getvalue())
        assert (document["carried_out"], document["counts"]["send"]) == (True, 3)
        assert document["shares"][0]["money"] == "127.50"
        assert said[2].getvalue().endswith("3 orders: 0 events are on their way.\n")

    @pytest.mark.parametrize(("answer", "sent"), [("", 0), ("no", 0), ("y", 3), ("yes", 3)])
    def test_at_a_terminal_the_plan_is_shown_and_a_yes_is_asked_for(
        self,
        acme: SimpleNamespace,
        lyon: Any,
        monkeypatch: pytest.MonkeyPatch,
        answer: str,
        sent: int,
    ) -> None:
        acme.lyon.mappings.update(enabled=False)
        read_all()
        acme.lyon.mappings.update(enabled=True)
        monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
        said = StringIO()

        call_command("replay", "--since", "2d", "--until", "0m", stdout=said)

        assert "3 orders: 3 events would be sent." in said.getvalue()
        assert ConversionEvent.objects.count() == sent

    def test_how_far_it_has_come_is_told(self, acme: SimpleNamespace, lyon: Any) -> None:
        read_all()
        now = datetime.now(UTC)
        span = {"since": now - timedelta(days=2), "until": now}
        seen: list[int] = []

        replay_stores(stores=[acme.lyon], pixel_id="", carry_out=False, advance=seen.append, **span)

        assert sum(seen) == count_orders(stores=[acme.lyon], since=span["since"]) == 3

    def test_a_pixel_there_is_not_is_bad_usage(self, acme: SimpleNamespace) -> None:
        with pytest.raises(CommandError) as ended:
            call_command("replay", "--since", "2d", "--until", "0m", "--pixel", "1")

        assert ended.value.returncode == 2
