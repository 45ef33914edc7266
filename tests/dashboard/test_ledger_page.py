from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions.models import State
from dashboard.models import SavedFilter
from stores.models import Pixel, Store, Workspace
from tests import factories
from tests.dashboard.reading import asked, attributes, texts


@pytest.fixture(autouse=True)
def heard_of(store: Store) -> None:
    factories.a_delivery(store)


def test_an_order_is_one_row_with_a_state_for_each_pixel(
    page: Client, store: Store, pixel: Pixel, workspace: Workspace
) -> None:
    belgium = factories.a_pixel(workspace, name="Belgium")
    factories.an_event(store, pixel, order_id="1042")
    factories.an_event(store, belgium, order_id="1042", state=State.SKIPPED, reason="other_country")

    answer = page.get(f"/stores/{store.pk}/orders/")

    assert texts(answer, "th", "")[4:] == ["#1042 1042"]
    assert texts(answer, "li") == [
        "Skipped Belgium – It goes to a country that the mapping leaves out.",
        "Accepted Main",
    ]


def test_a_pending_event_of_a_paused_pixel_says_why_it_is_held(
    page: Client, store: Store, workspace: Workspace
) -> None:
    broken = factories.a_pixel(workspace, broken_reason="token_expired")
    factories.an_event(store, broken, state=State.PENDING)

    answer = page.get(f"/stores/{store.pk}/orders/")

    assert texts(answer, "li") == ["Pending Main – The access token has expired."]


@pytest.mark.parametrize(
    ("money", "shown"),
    [
        ((Decimal("1284.5"), "EUR"), "1,284.50 EUR"),
        ((Decimal("12800"), "JPY"), "12,800 JPY"),
        ((Decimal("1.25"), "KWD"), "1.250 KWD"),
        ((Decimal("0.003"), "KWD"), "0.003 KWD"),
        ((None, "EUR"), ""),
    ],
)
def test_money_has_its_currency_and_its_decimals(
    page: Client, store: Store, pixel: Pixel, money: tuple[Decimal | None, str], shown: str
) -> None:
    factories.an_event(store, pixel, value=money[0], currency=money[1])

    answer = page.get(f"/stores/{store.pk}/orders/")

    assert texts(answer, "td", "number") == [shown]


def test_times_are_in_the_zone_of_the_store_with_its_offset(
    page: Client, store: Store, pixel: Pixel
) -> None:
    Store.objects.update(time_zone="Asia/Kolkata")
    placed_at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    factories.an_event(store, pixel, event_time=placed_at)
    there = placed_at + timedelta(hours=5, minutes=30)

    answer = page.get(f"/stores/{store.pk}/orders/")
    exact = f"{there.day} {there:%b %Y, %H:%M:%S} (UTC+05:30)"

    assert texts(answer, "time")[-1] == "5 min ago"
    assert attributes(answer, "time", "title")[-1] == exact


@pytest.mark.parametrize("search", ["1042", "#1042", " 1042 ", "5550001042", "a-1042"])
def test_an_order_is_found_by_its_name_or_number(
    page: Client, store: Store, pixel: Pixel, search: str
) -> None:
    factories.an_event(store, pixel, order_id="5550001042", order_name="#1042")
    factories.an_event(store, pixel, order_id="5550001043", order_name="FR-A-1042-B")
    factories.an_event(store, pixel, order_id="5550001044", order_name="#1099")

    answer = page.get(f"/stores/{store.pk}/orders/", {"q": search})

    expected = {"5550001042": ["#1042"], "#1042": ["#1042"], "a-1042": ["FR-A-1042-B"]}
    assert names(answer) == expected.get(search, ["FR-A-1042-B", "#1042"])


def test_filters_by_state_and_pixel_and_keeps_them_in_its_links(
    page: Client, store: Store, pixel: Pixel, workspace: Workspace
) -> None:
    other = factories.a_pixel(workspace, name="Other")
    factories.an_event(store, pixel, order_id="1", state=State.REJECTED, reason="too_large")
    factories.an_event(store, pixel, order_id="2")
    factories.an_event(store, other, order_id="3", state=State.REJECTED, reason="too_large")

    answer = page.get(f"/stores/{store.pk}/orders/", {"state": "rejected", "pixel": pixel.pk})
    links = [href for href in attributes(answer, "a", "href") if "state=accepted" in href]

    assert names(answer) == ["#1"]
    assert texts(answer, "nav", "chips") == [
        "All 2 Waiting 0 Pending 0 In doubt 0 Accepted 1 Skipped 0 Rejected 1 Expired 0"
    ]
    assert links == [f"?state=accepted&pixel={pixel.pk}"]


def test_shows_the_last_30_days_unless_asked_for_more(
    page: Client, store: Store, pixel: Pixel
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=90)
    factories.an_event(store, pixel, order_id="1", event_time=long_ago)

    recent = page.get(f"/stores/{store.pk}/orders/")
    all_time = page.get(f"/stores/{store.pk}/orders/", {"days": "0"})

    assert texts(recent, "h2") == ["No order to show"]
    assert names(all_time) == ["#1"]


@pytest.mark.parametrize(
    "query",
    [
        "?state=nonsense&pixel=x&days=9999&before=-1",
        "?pixel=9223372036854775808&before=99999999999999999999",
        "?q=%00&before=%D9%A3",
        f"?q={'x' * 5000}&days=",
        "?on=9999-12-31",
    ],
)
def test_an_address_that_makes_no_sense_is_no_error(page: Client, store: Store, query: str) -> None:
    answer = page.get(f"/stores/{store.pk}/orders/{query}")

    assert answer.status_code == 200


def test_turning_pages_shows_each_order_once_even_with_two_pixels(
    page: Client, store: Store, pixel: Pixel, workspace: Workspace
) -> None:
    other = factories.a_pixel(workspace, name="Other")
    for of in (pixel, other):
        for number in range(2000, 2120):
            factories.an_event(store, of, order_id=str(number))

    seen, query = [], ""
    while query is not None:
        answer = page.get(f"/stores/{store.pk}/orders/{query}")
        seen += names(answer)
        older = [href for href in attributes(answer, "a", "href") if "before=" in href]
        query = older[0] if older else None

    assert seen == [f"#{number}" for number in reversed(range(2000, 2120))]


def test_a_shop_that_has_not_sent_anything_is_told_where_to(
    page: Client, workspace: Workspace
) -> None:
    silent = factories.a_store(workspace, platform=Store.Platform.WOOCOMMERCE)

    answer = page.get(f"/stores/{silent.pk}/orders/")

    assert texts(answer, "h2") == ["This shop has not sent anything yet"]
    assert texts(answer, "code", "id")[:-1] == [  # the last is the page as a command
        f"http://testserver/webhooks/woocommerce/{silent.webhook_token}/"
    ]


@pytest.mark.parametrize("orders", [1, 3])
def test_the_number_of_queries_does_not_grow_with_the_orders(
    page: Client, store: Store, pixel: Pixel, orders: int
) -> None:
    for _number in range(orders):
        factories.an_event(store, pixel)

    with CaptureQueriesContext(connection) as queries:
        page.get(f"/stores/{store.pk}/orders/")

    # session, user; store, counts (twice), orders, events, pixels, kept filters, broken pixels
    assert len(asked(queries)) == 10


def names(answer: object) -> list[str]:
    return [row.order_name for row in answer.context["page"].rows]


def test_orders_are_chosen_by_why_they_are_where_they_are(
    page: Client, store: Store, pixel: Pixel
) -> None:
    for order_id, reason in (("1", "cancelled"), ("2", "consent_refused"), ("3", "cancelled")):
        factories.an_event(store, pixel, order_id=order_id, state=State.SKIPPED, reason=reason)
    factories.an_event(store, pixel, order_id="4")
    factories.a_delivery(store)
    address = f"/stores/{store.pk}/orders/"

    skipped = page.get(address, {"state": "skipped"})
    refused = page.get(address, {"state": "skipped", "reason": "consent_refused"})

    assert skipped.context["reasons"] == [("cancelled", 2), ("consent_refused", 1)]
    assert [row.order_id for row in refused.context["page"].rows] == ["2"]
    assert texts(skipped, "option")[:3] == [
        "For any reason",
        "The order was cancelled. (2)",
        "The buyer has refused that Meta is told. (1)",
    ]
    assert page.get(address).context["reasons"] == []


@pytest.mark.parametrize("reason", ["'; DROP", "a" * 65, "Consent", "\0"])
def test_a_reason_that_is_none_leaves_the_filter_out(
    page: Client, store: Store, pixel: Pixel, reason: str
) -> None:
    factories.an_event(store, pixel, state=State.SKIPPED, reason="cancelled")

    answer = page.get(f"/stores/{store.pk}/orders/", {"state": "skipped", "reason": reason})

    assert len(answer.context["page"].rows) == 1


# Filters that are kept


def keep(page: Client, store: Store, *, name: str, query: str) -> Any:
    return page.post(f"/stores/{store.pk}/orders/filters", {"name": name, "query": query})


def kept_filters(page: Client, store: Store) -> list[tuple[str, str]]:
    saved = page.get(f"/stores/{store.pk}/orders/").context["saved"]
    return [(each.name, each.query) for each in saved]


def test_filters_are_kept_under_a_name_and_lead_back_to_the_same_orders(
    page: Client, store: Store, pixel: Pixel
) -> None:
    factories.an_event(store, pixel, order_id="1", state="waiting", reason="payment")
    factories.an_event(store, pixel, order_id="2")

    answer = keep(
        page, store, name=" Unpaid ", query="state=waiting&reason=payment&days=0&before=9"
    )

    query = "state=waiting&reason=payment&days=0"
    assert answer.headers["Location"] == f"/stores/{store.pk}/orders/?{query}"
    assert kept_filters(page, store) == [("Unpaid", query)]
    shown = page.get(answer.headers["Location"])
    assert [row.order_id for row in shown.context["page"].rows] == ["1"]


def test_the_same_name_again_stands_for_the_later_choice(page: Client, store: Store) -> None:
    keep(page, store, name="Mine", query="state=waiting")
    keep(page, store, name="Mine", query=f"q={'%C3%A9' * 100}")

    assert kept_filters(page, store) == [("Mine", f"q={'%C3%A9' * 100}")]


@pytest.mark.parametrize(
    ("name", "query"), [("", "state=waiting"), ("Mine", ""), ("Mine", "state=x&pixel=y&days=z")]
)
def test_nothing_is_kept_without_a_name_or_a_choice(
    page: Client, store: Store, name: str, query: str
) -> None:
    keep(page, store, name=name, query=query)

    assert kept_filters(page, store) == []


def test_one_person_keeps_twenty_at_most(page: Client, store: Store) -> None:
    for number in range(21):
        keep(page, store, name=f"Filter {number}", query="state=waiting")

    assert len(kept_filters(page, store)) == 20


def test_a_filter_is_its_owners_alone(page: Client, client: Client, store: Store) -> None:
    keep(page, store, name="Mine", query="state=waiting")
    mine = SavedFilter.objects.get()
    bob = factories.a_member(store.workspace, "bob")
    client.force_login(bob)

    assert kept_filters(client, store) == []
    removal = f"/stores/{store.pk}/orders/filters/{mine.pk}/removal"
    assert client.post(removal).status_code == 404
    assert SavedFilter.objects.count() == 1


def test_a_filter_that_is_removed_is_gone(page: Client, store: Store) -> None:
    keep(page, store, name="Mine", query="state=waiting")

    page.post(f"/stores/{store.pk}/orders/filters/{SavedFilter.objects.get().pk}/removal")

    assert kept_filters(page, store) == []
