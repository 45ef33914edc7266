"""What a browser tells: what is taken of it, and what an order learns from it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from purchases.browser import (
    BrowserError,
    BrowserHalf,
    Told,
    UnreadableVisit,
    read_browser_half,
    read_told,
    with_told,
)
from purchases.consent import Consent, Permission, Said, marketing, permission_of
from purchases.decision import Report, Wait, cut_off, decide, held_until
from purchases.mapping import Rules
from purchases.order import Order, Quote, Visit
from tests.purchases import test_consent
from tests.purchases.test_consent import NOW

FBP, FBC = (
    "fb.1.1782900000000.1098115397",
    "fb.1.1782900000000.IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB_qa2of",
)
TOLD = {
    "checkout": "0123456789abcdef0123456789abcdef",
    "at": 1782907200000,
    "marketing": "granted",
    "fbp": FBP,
    "fbc": FBC,
    "user_agent": "Mozilla/5.0 (X11)",
    "page": "https://boutique.example/sale?email=zoe@example.com#top",
    "event_id": "sh-f1a2b3c4-0000-4000-8000-00000000beef",
}


def an_order(**changes: Any) -> Order:
    """By a checkout that a script may tell of."""
    return test_consent.an_order(**{"checkout_token": TOLD["checkout"]} | changes)


def told(**changes: Any) -> Told:
    return read_told(json.dumps(TOLD | changes).encode())


class TestWhatIsTaken:
    def test_with_a_yes_it_is_what_the_script_knows(self) -> None:
        visit = told()

        assert (visit.fbp, visit.fbc, visit.user_agent) == (FBP, FBC, "Mozilla/5.0 (X11)")
        assert visit.event_id == TOLD["event_id"]
        assert visit.said_at == datetime(2026, 7, 1, 12, tzinfo=UTC)

    def test_of_the_page_no_query_is_taken(self) -> None:
        assert told().page == "https://boutique.example/sale"

    @pytest.mark.parametrize("word", ["denied", "not_given", ""])
    def test_without_a_yes_nothing_that_tells_of_the_buyer_is_taken(self, word: str) -> None:
        visit = told(marketing=word)

        assert visit == Told(checkout=TOLD["checkout"], at=TOLD["at"], marketing=word)

    def test_what_it_does_not_know_is_left_out(self) -> None:
        assert told(email="zoe@example.com", password="secret") == told()

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("fbp", "zoe@example.com"),
            ("fbp", "fb.1.1782900000000." + "9" * 400),
            ("fbc", "<script>"),
            ("user_agent", "Mozilla\x00"),
            ("user_agent", "M" * 501),
            ("page", "https://boutique.example/" + "a" * 500),
            ("event_id", "zoe@example.com"),
            ("event_id", "é"),
        ],
    )
    def test_a_value_that_cannot_be_what_its_key_promises_is_left_out(
        self, key: str, value: str
    ) -> None:
        assert told(**{key: value}) == replace(told(), **{key: ""})

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"checkout": "short"}, "checkout"),
            ({"checkout": None}, "checkout"),
            ({"marketing": "maybe"}, "marketing"),
            ({"at": -1}, "at"),
            ({"at": 10**15}, "at"),
            ({"fbp": ["fb.1"]}, "fbp"),
        ],
    )
    def test_what_cannot_be_joined_or_understood_is_refused_by_name(
        self, changes: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(UnreadableVisit) as refusal:
            told(**changes)

        assert refusal.value.field == field

    @given(st.binary(max_size=200))
    def test_of_any_bytes_it_makes_a_visit_or_says_no(self, body: bytes) -> None:
        try:
            read_told(body)
        except UnreadableVisit:
            return
        raise AssertionError("no visit is made of noise")

    @pytest.mark.parametrize("body", [b"[" * 3_000, b'{"checkout": "\xff"}', b"null", b"[]"])
    def test_no_form_of_json_breaks_it(self, body: bytes) -> None:
        with pytest.raises(UnreadableVisit):
            read_told(body)


class TestWhatAnOrderLearns:
    def test_the_browsers_own_cookies_come_before_older_notes(self) -> None:
        noted = Visit(fbps=(Quote(text="fb.1.1.1", origin="note_attributes._fbp"),))

        order = with_told(an_order(visit=noted), told())

        assert [quote.origin for quote in order.visit.fbps] == [
            "browser.fbp",
            "note_attributes._fbp",
        ]

    def test_the_landing_page_is_told_where_the_shop_has_none(self) -> None:
        assert with_told(an_order(), told()).visit.landing_page == "https://boutique.example/sale"

    def test_the_event_id_stands_where_a_mapping_finds_it(self) -> None:
        assert with_told(an_order(), told()).attribute("_capi_event_id") == TOLD["event_id"]

    def test_what_the_scripts_own_pixel_has_told_can_be_matched_for_two_days(self) -> None:
        order = with_told(an_order(), told(purchased=True))

        assert cut_off(order, rules=Rules()) < NOW + timedelta(days=2)

    @pytest.mark.parametrize(
        ("word", "said"),
        [
            ("granted", Said.YES),
            ("denied", Said.NO),
            ("not_given", Said.NOT_GIVEN),
            ("", Said.NOTHING),
        ],
    )
    def test_the_buyers_word_stands_on_the_order(self, word: str, said: Said) -> None:
        assert marketing(with_told(an_order(), told(marketing=word))) is said

    def test_the_later_word_of_the_browser_counts_more_than_a_note(self) -> None:
        noted = an_order(attributes=(("_capi_consent_marketing", "granted"),))

        assert marketing(with_told(noted, told(marketing="denied"))) is Said.NO

    @pytest.mark.parametrize(
        ("policy", "regions", "permission"),
        [
            ("required", (), Permission.AWAITED),
            ("unless_refused", (), Permission.REFUSED),
            ("limited", (), Permission.LIMITED),
            ("required", ("GB",), Permission.REFUSED),
        ],
    )
    def test_a_banner_without_a_yes_is_no_refusal_but_where_a_yes_is_the_rule(
        self, policy: Any, regions: tuple[str, ...], permission: Permission
    ) -> None:
        """Elsewhere the shop allows marketing from the start: without a yes somebody has objected."""
        from purchases.order import Address, Buyer

        american = Buyer(addresses=(Address(origin="billing", country="US"),))
        order = with_told(an_order(buyer=american), told(marketing="not_given"))

        assert permission_of(order, Consent(policy=policy, regions=regions)) is permission

    def test_a_sale_of_data_that_is_objected_to_limits_its_use(self) -> None:
        order = with_told(an_order(), told(sale_of_data="denied"))

        assert permission_of(order, Consent(policy="unless_refused")) is Permission.LIMITED


class TestWaitingForTheBrowser:
    RULES = Rules(browser_wait=60)

    def test_an_order_waits_for_what_its_checkout_tells(self) -> None:
        order = an_order()

        assert decide(order, rules=self.RULES, now=NOW + timedelta(seconds=59)) == Wait(
            reason="hold"
        )
        assert held_until(order, rules=self.RULES) == NOW + timedelta(seconds=60)

    def test_and_no_longer(self) -> None:
        assert decide(an_order(), rules=self.RULES, now=NOW + timedelta(seconds=60)) == Report()

    def test_what_has_been_told_need_not_be_waited_for(self) -> None:
        order = with_told(an_order(), told())

        assert decide(order, rules=self.RULES, now=NOW + timedelta(seconds=1)) == Report()

    def test_an_order_that_no_checkout_made_has_nothing_to_wait_for(self) -> None:
        order = an_order(checkout_token="")

        assert decide(order, rules=self.RULES, now=NOW + timedelta(seconds=1)) == Report()

    def test_a_longer_hold_of_the_mappings_stays_longer(self) -> None:
        rules = replace(self.RULES, hold="2h")

        assert held_until(an_order(), rules=rules) == NOW + timedelta(hours=2)


class TestSettings:
    def test_a_minute_is_waited_unless_it_is_said_otherwise(self) -> None:
        assert read_browser_half({}) == BrowserHalf(wait=60, purchase=False)

    @pytest.mark.parametrize("wait", [-1, 181, "60", 1.5, None])
    def test_a_wait_that_makes_no_sense_is_refused(self, wait: Any) -> None:
        with pytest.raises(BrowserError, match=r"^wait: must be 0 to 180 seconds$"):
            read_browser_half({"wait": wait})

    def test_an_unknown_key_is_refused_by_name(self) -> None:
        with pytest.raises(BrowserError) as refusal:
            read_browser_half({"pixels": []})

        assert refusal.value.key == "pixels"
