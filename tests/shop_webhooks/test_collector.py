"""The collector: what a browser tells and its order meet, whichever comes first, and nobody else's."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from conversions import visits
from conversions.ledger import let_go
from conversions.models import BrowserVisit, ConversionEvent, EventPayload, SendAttempt
from purchases.browser import MOST_BYTES
from sandbox.graph_api import GraphApi
from shop_webhooks import collector
from shop_webhooks.doors import forget_doors
from stores.models import Store
from tests.pipeline import a_kept_order, an_order, at_once, read_all, send_all

CHECKOUT = "0123456789abcdef0123456789abcdef"
FBP = "fb.1.1782900000000.1098115397"
FRANCE = {"billing_address": {"country_code": "FR", "first_name": "Zoe"}}
KEY = "lyons-public-key"


@pytest.fixture(autouse=True)
def script(acme: SimpleNamespace, meta: GraphApi) -> None:
    """Lyon runs the script, and asks for consent in the EEA."""
    policy = {"policy": "required", "regions": ["EEA"], "evidence": "order_meta"}
    Store.objects.filter(pk=acme.lyon.pk).update(
        browser={"wait": 60}, collect_key=KEY, consent=policy
    )
    acme.lyon.refresh_from_db()
    collector._buckets.clear()


def tell(key: str = KEY, *, at: float = 0, **changes: Any) -> HttpResponse:
    """What the script says; `at` is so many seconds after the first word."""
    said = {"checkout": CHECKOUT, "at": 1782907200000 + int(at * 1000)}
    said |= {"marketing": "granted", "fbp": FBP} | changes
    return post(json.dumps(said).encode(), key=key)


def post(body: bytes, *, key: str = KEY, **headers: str) -> HttpResponse:
    return Client().post(f"/collect/{key}/", body, content_type="text/plain", headers=headers)


def order_comes(store: Store, **changes: Any) -> None:
    given = {"checkout_token": CHECKOUT, "minutes_ago": 0} | FRANCE | changes
    a_kept_order(store, an_order(**given))
    read_all()


def stands() -> tuple[str, str]:
    event = ConversionEvent.objects.get()
    return event.state, event.reason


def sent_user_data(graph: GraphApi) -> dict[str, Any]:
    send_all(graph)
    (event,) = graph.events()
    user_data: dict[str, Any] = event.event["user_data"]
    return user_data


class TestMeeting:
    def test_told_before_the_order_it_goes_along(
        self, acme: SimpleNamespace, meta: GraphApi
    ) -> None:
        assert tell().status_code == 204

        order_comes(acme.lyon)

        assert stands() == ("pending", "")
        assert sent_user_data(meta)["fbp"] == FBP

    def test_told_after_the_order_it_releases_it(
        self, acme: SimpleNamespace, meta: GraphApi
    ) -> None:
        order_comes(acme.lyon)
        assert stands() == ("waiting", "consent")

        tell()
        read_all()

        assert stands() == ("pending", "")
        assert sent_user_data(meta)["fbp"] == FBP

    def test_told_in_the_same_moment_it_is_not_lost(
        self, acme: SimpleNamespace, meta: GraphApi
    ) -> None:
        a_kept_order(acme.lyon, an_order(checkout_token=CHECKOUT, minutes_ago=0, **FRANCE))

        at_once([read_all, tell])
        read_all()

        assert sent_user_data(meta)["fbp"] == FBP

    def test_an_order_without_a_policy_waits_a_minute_for_its_browser(
        self, acme: SimpleNamespace, meta: GraphApi
    ) -> None:
        Store.objects.update(consent={})

        order_comes(acme.lyon)
        assert stands() == ("waiting", "hold")
        ConversionEvent.objects.update(not_before=datetime.now(UTC) - timedelta(seconds=1))
        let_go()

        assert "fbp" not in sent_user_data(meta)

    def test_a_renewed_order_keeps_what_was_told(self, acme: SimpleNamespace) -> None:
        tell()
        order_comes(acme.lyon, financial_status="pending")
        assert stands() == ("waiting", "payment")

        order_comes(acme.lyon, updated_at=datetime.now(UTC).isoformat())

        assert stands() == ("pending", "")

    def test_another_checkout_and_another_store_learn_nothing(self, acme: SimpleNamespace) -> None:
        tell(checkout="f" * 32)
        acme.lyon.pk = None
        twin = acme.lyon
        twin.key, twin.domain, twin.webhook_token, twin.collect_key = (
            "twin",
            "twin.myshopify.com",
            "twin",
            "twins-key",
        )
        twin.save()
        tell("twins-key")

        order_comes(Store.objects.get(key="lyon"))

        assert stands() == ("waiting", "consent")


class TestConsent:
    def test_a_no_skips_the_order_and_leaves_nothing_of_the_buyer(
        self, acme: SimpleNamespace
    ) -> None:
        tell(marketing="denied")

        order_comes(acme.lyon)

        assert stands() == ("skipped", "consent_refused")
        assert not EventPayload.objects.exists()
        visit = BrowserVisit.objects.get()
        assert (visit.marketing, visit.order_id) == ("denied", "1001")

    def test_a_banner_without_an_answer_lets_it_wait_until_there_is_one(
        self, acme: SimpleNamespace
    ) -> None:
        tell(marketing="not_given")
        order_comes(acme.lyon)
        assert stands() == ("waiting", "consent")

        tell(at=30)
        read_all()

        assert stands() == ("pending", "")

    def test_a_yes_that_is_withdrawn_before_it_is_sent_stops_it(
        self, acme: SimpleNamespace, meta: GraphApi
    ) -> None:
        tell()
        order_comes(acme.lyon)

        tell(at=30, marketing="denied")
        read_all()
        send_all(meta)

        assert stands() == ("skipped", "consent_refused")
        assert not EventPayload.objects.exists()
        assert meta.events() == []

    def test_a_yes_that_is_withdrawn_in_doubt_is_never_sent_again(
        self, acme: SimpleNamespace, meta: GraphApi
    ) -> None:
        tell()
        order_comes(acme.lyon)
        meta.fault("reset_after")
        send_all(meta)
        assert ConversionEvent.objects.get().state == "in_doubt"

        tell(at=30, marketing="denied")
        read_all()
        ConversionEvent.objects.update(not_before=datetime.now(UTC) - timedelta(seconds=1))
        send_all(meta)

        event = ConversionEvent.objects.get()
        assert (event.state, event.reason, event.held) == ("in_doubt", "consent_refused", True)
        assert not EventPayload.objects.exists()
        assert SendAttempt.objects.count() == 1

    def test_what_meta_has_stays_accepted(self, acme: SimpleNamespace, meta: GraphApi) -> None:
        tell()
        order_comes(acme.lyon)
        send_all(meta)

        tell(at=30, marketing="denied")
        read_all()

        assert stands() == ("accepted", "")

    def test_of_two_words_that_overtake_each_other_the_later_counts(
        self, acme: SimpleNamespace
    ) -> None:
        tell(at=30, marketing="denied")
        tell(at=10)

        order_comes(acme.lyon)

        assert stands() == ("skipped", "consent_refused")


class TestStrangers:
    def test_any_page_may_ask_and_gets_no_cookie(self) -> None:
        answer = Client().options(f"/collect/{KEY}/", headers={"Origin": "null"})

        assert (answer.status_code, answer.content) == (204, b"")
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer
        assert [dict(answer.cookies), dict(tell().cookies)] == [{}, {}]

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (b"", 400, "not_a_visit"),
            (b"{}", 400, "not_a_visit"),
            (b"[]", 400, "not_a_visit"),
            (b'{"checkout": "x"}', 400, "not_a_visit"),
            (b"\xff" * 20, 400, "not_a_visit"),
            (b"[" * MOST_BYTES, 400, "not_a_visit"),
            (b" " * (MOST_BYTES + 1), 413, "body_too_large"),
        ],
    )
    def test_what_the_script_would_not_say_is_refused_and_not_kept(
        self, body: bytes, status: int, code: str
    ) -> None:
        answer = post(body)

        assert (answer.status_code, json.loads(answer.content)["error"]["code"]) == (status, code)
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert not BrowserVisit.objects.exists()

    def test_a_key_that_is_nobodys_is_not_found(self) -> None:
        assert tell("nobodys-key").status_code == 404

    def test_a_disconnected_store_collects_nothing(self, acme: SimpleNamespace) -> None:
        Store.objects.update(connected=False)
        forget_doors()

        assert tell().status_code == 404

    def test_a_store_that_has_switched_it_off_collects_nothing(self, acme: SimpleNamespace) -> None:
        Store.objects.update(browser={})
        forget_doors()

        assert tell().status_code == 404
        assert not BrowserVisit.objects.exists()

    def test_only_a_post_is_taken(self) -> None:
        answer = Client().get(f"/collect/{KEY}/")

        assert (answer.status_code, answer["Allow"]) == (405, "POST")

    def test_a_flood_is_turned_away_and_other_stores_are_not(self, acme: SimpleNamespace) -> None:
        Store.objects.filter(pk=acme.kitchen.pk).update(
            browser={"wait": 60}, collect_key="kitchens-key"
        )
        collector._buckets[acme.lyon.pk] = (0.0, float("inf"))  # empty, and never filled again

        answer = tell()

        assert (answer.status_code, answer["Retry-After"]) == (429, "30")
        assert tell("kitchens-key").status_code == 204

    def test_the_same_word_twice_is_one_row(self) -> None:
        assert [tell().status_code, tell().status_code] == [204, 204]

        assert BrowserVisit.objects.count() == 1

    def test_nothing_of_it_is_readable_in_the_database(self, acme: SimpleNamespace) -> None:
        tell(user_agent="Mozilla/5.0 (Zoes telephone)")

        kept = str(BrowserVisit.objects.values().get())

        assert [text for text in (CHECKOUT, FBP, "Zoe") if text in kept] == []


class TestForgetting:
    def test_after_eight_days_the_word_is_left_and_nothing_of_the_buyer(
        self, acme: SimpleNamespace
    ) -> None:
        tell()
        order_comes(acme.lyon)
        BrowserVisit.objects.update(told_at=datetime.now(UTC) - timedelta(days=8, minutes=1))

        assert visits.forget() == 1

        visit = BrowserVisit.objects.get()
        assert (visit.body, visit.marketing, visit.order_id) == (None, "granted", "1001")

    def test_a_checkout_that_no_order_came_of_is_deleted(self) -> None:
        tell()
        BrowserVisit.objects.update(met_at=datetime.now(UTC) - timedelta(days=8, minutes=1))

        visits.forget()

        assert not BrowserVisit.objects.exists()
