"""Shopify's stand-in refuses what Shopify refuses: tokens, documents, points, scopes."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from shopify_asker import KEY, SECRET, SHOP, ask, ask_tokens, code_of, exchange, refresh

from sandbox.shopify.execution import Refused, check
from sandbox.shopify.language import Unreadable, read_document
from sandbox.shopify.oauth import OFFLINE
from sandbox.shopify_admin import ShopifyAdmin

SHOP_NAME = "query ShopName { shop { name } }"
IDS = (
    "query Ids($first: Int!, $after: String, $q: String!) { orders(first: $first, after: $after,"
    " query: $q, sortKey: UPDATED_AT, reverse: false) {"
    " pageInfo { hasNextPage endCursor } nodes { legacyResourceId email } } }"
)
NOW = datetime.now(UTC).replace(microsecond=0)
SHARED = next(
    (
        folder
        for up in ("../shared", "../../shared")
        if (folder := Path(__file__).parents[2] / up / "reference/shopify_queries").is_dir()
    ),
    None,
)


@pytest.fixture
def shopify() -> Iterator[ShopifyAdmin]:
    with ShopifyAdmin(client_id=KEY, client_secret=SECRET) as shopify:
        shopify.shop(SHOP, name="Boutique Lyon")
        yield shopify


def an_order(number: int, *, minutes_ago: float = 10) -> dict[str, Any]:
    at = (NOW - timedelta(minutes=minutes_ago)).isoformat()
    return {
        "id": number,
        "created_at": at,
        "processed_at": at,
        "updated_at": at,
        "currency": "EUR",
        "total_price": "10.00",
        "email": "zoe@example.com",
        "line_items": [],
    }


def ids(answer: requests.Response) -> list[str]:
    return [node["legacyResourceId"] for node in answer.json()["data"]["orders"]["nodes"]]


# Tokens


def test_a_session_token_is_exchanged_for_a_pair_that_expires(shopify: ShopifyAdmin) -> None:
    answer = exchange(shopify)

    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 3600
    assert answer.json()["refresh_token_expires_in"] == 7_776_000
    assert answer.json()["scope"] == "read_orders,write_pixels,read_customer_events"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_secret": "guess"}, "invalid_client"),
        ({"client_id": "another"}, "invalid_client"),
        ({"subject_token": "a.b.c"}, "invalid_subject_token"),
        ({"requested_token_type": "online"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_wrong_exchange_is_refused(
    shopify: ShopifyAdmin, form: dict[str, str], error: str
) -> None:
    answer = exchange(shopify, **form)

    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize(
    "claims", [{"exp": 1_000}, {"aud": "another"}, {"dest": "https://paris.myshopify.com"}]
)
def test_a_stale_or_foreign_session_token_is_refused(
    shopify: ShopifyAdmin, claims: dict[str, Any]
) -> None:
    answer = exchange(shopify, shopify.session_token(SHOP, **claims))

    assert answer.json()["error"] == "invalid_subject_token"


def test_each_refresh_rotates_both_and_the_old_access_token_lives_on(shopify: ShopifyAdmin) -> None:
    first = exchange(shopify).json()

    second = refresh(shopify, first["refresh_token"]).json()

    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert ask(shopify, SHOP_NAME, token=first["access_token"]).status_code == 200
    assert ask(shopify, SHOP_NAME, token=second["access_token"]).status_code == 200


def test_a_refresh_that_is_repeated_at_once_gets_the_same_answer_and_later_none(
    shopify: ShopifyAdmin,
) -> None:
    first = exchange(shopify).json()
    second = refresh(shopify, first["refresh_token"]).json()

    assert refresh(shopify, first["refresh_token"]).json() == second
    shopify.pass_time(61)
    late = refresh(shopify, first["refresh_token"])
    assert (late.status_code, late.json()["error"]) == (401, "invalid_request")


def test_a_new_exchange_kills_the_refresh_tokens_before_it(shopify: ShopifyAdmin) -> None:
    first = exchange(shopify).json()

    exchange(shopify)

    assert refresh(shopify, first["refresh_token"]).status_code == 401


@pytest.mark.parametrize(("seconds", "access", "renewal"), [(3_599, 200, 200), (3_600, 401, 200)])
def test_an_access_token_lives_an_hour(
    shopify: ShopifyAdmin, seconds: int, access: int, renewal: int
) -> None:
    pair = exchange(shopify).json()

    shopify.pass_time(seconds)

    assert ask(shopify, SHOP_NAME, token=pair["access_token"]).status_code == access
    assert refresh(shopify, pair["refresh_token"]).status_code == renewal


def test_a_refresh_token_lives_90_days(shopify: ShopifyAdmin) -> None:
    pair = exchange(shopify).json()

    shopify.pass_time(90 * 86_400)

    assert refresh(shopify, pair["refresh_token"]).status_code == 401


def test_a_token_that_never_expires_is_given_and_then_refused_to_a_public_app(
    shopify: ShopifyAdmin,
) -> None:
    pair = exchange(shopify, expiring="0").json()

    assert set(pair) == {"access_token", "scope"}
    assert ask(shopify, SHOP_NAME, token=pair["access_token"]).status_code == 403


def test_an_old_token_is_changed_for_a_pair_and_is_dead(shopify: ShopifyAdmin) -> None:
    old = exchange(shopify, expiring="0").json()["access_token"]

    answer = exchange(shopify, old, subject_token_type=OFFLINE)

    assert answer.json()["expires_in"] == 3600
    assert ask(shopify, SHOP_NAME, token=old).status_code == 401


def test_a_code_of_the_consent_page_is_good_once(shopify: ShopifyAdmin) -> None:
    page = requests.get(
        f"{shopify.url}/{SHOP}/admin/oauth/authorize",
        params={
            "client_id": KEY,
            "scope": "read_orders",
            "state": "nonce",
            "redirect_uri": "http://127.0.0.1:8000/shopify/callback",
        },
        timeout=10,
    )
    found = re.search(r"code=(\w+)", page.text)
    assert found

    answers = [ask_tokens(shopify, code=found[1], expiring="1") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 400]


def test_after_an_uninstall_no_token_is_alive(shopify: ShopifyAdmin) -> None:
    pair = exchange(shopify).json()

    shopify.uninstall(SHOP)

    assert ask(shopify, SHOP_NAME, token=pair["access_token"]).status_code == 401
    assert refresh(shopify, pair["refresh_token"]).json()["error"] == "invalid_client"


def test_an_answer_can_lack_what_it_should_hold(shopify: ShopifyAdmin) -> None:
    shopify.fault("token", "incomplete", drop=["refresh_token"])

    assert "refresh_token" not in exchange(shopify).json()
    assert "refresh_token" in exchange(shopify).json()


# Documents


@pytest.mark.skipif(SHARED is None, reason="there is no folder of shared queries")
@pytest.mark.parametrize(
    "path", sorted(SHARED.glob("*.graphql")) if SHARED else [], ids=lambda path: path.stem
)
def test_the_documents_that_were_checked_against_the_real_schema_fit(path: Path) -> None:
    given = {"first": 5, "q": "", "id": "gid://x/1", "px": {}, "topic": "ORDERS_PAID", "sub": {}}

    for operation in read_document(path.read_text()):
        variables = {name: given.get(name) for name in operation.variables}
        assert check(operation, variables) <= 1_000


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("{ shop { nam } }", {}),
        ("{ shop }", {}),
        ("{ shop { name { first } } }", {}),
        ("{ orders { nodes { id } } }", {}),
        ("{ orders(first: 251) { nodes { id } } }", {}),
        ("{ orders(first: 5, last: 5) { nodes { id } } }", {}),
        ("query A($first: Int!) { orders(first: $first) { nodes { id } } }", {}),
        ("query A($first: Int!) { orders(first: $first) { nodes { id } } }", {"first": "5"}),
        ("query A($first: Int) { shop { name } }", {"first": 5}),
        ("{ shop { name } }", {"first": 5}),
        ("{ orders(first: $n) { nodes { id } } }", {}),
        ("query A($q: Int!) { orders(first: 1, query: $q) { nodes { id } } }", {"q": 1}),
        ("{ order { id } }", {}),
    ],
)
def test_a_document_that_does_not_fit_is_refused(document: str, variables: dict[str, Any]) -> None:
    (operation,) = read_document(document)

    with pytest.raises(Refused):
        check(operation, variables)


@pytest.mark.parametrize("text", ["", "{", "{}", "{ shop { name }", "subscription { x }", "{ ~ }"])
def test_what_is_no_document_cannot_be_read(text: str) -> None:
    with pytest.raises(Unreadable):
        read_document(text)


def test_the_operation_that_is_named_runs(shopify: ShopifyAdmin) -> None:
    two = SHOP_NAME + " query Domain { shop { myshopifyDomain } }"

    assert ask(shopify, two, operation="Domain").json()["data"] == {
        "shop": {"myshopifyDomain": SHOP}
    }
    assert code_of(ask(shopify, two)) == "BAD_REQUEST"


# Orders


def test_orders_are_read_by_when_they_changed_page_by_page(shopify: ShopifyAdmin) -> None:
    for number in (1, 2, 3):
        shopify.order(SHOP, an_order(number, minutes_ago=10 - number))
    shopify.order(SHOP, an_order(9, minutes_ago=60))
    since = (NOW - timedelta(minutes=30)).isoformat()
    asked = {"first": 2, "q": f"updated_at:>='{since}'"}

    first = ask(shopify, IDS, asked)
    info = first.json()["data"]["orders"]["pageInfo"]
    rest = ask(shopify, IDS, asked | {"after": info["endCursor"]})

    assert ids(first) == ["1", "2"]
    assert ids(rest) == ["3"]
    assert not rest.json()["data"]["orders"]["pageInfo"]["hasNextPage"]


def test_a_search_finds_an_order_a_little_late_and_none_older_than_60_days(
    shopify: ShopifyAdmin,
) -> None:
    shopify.shop(SHOP, index_lag=30)
    shopify.order(SHOP, an_order(1))
    shopify.order(SHOP, an_order(2, minutes_ago=61 * 1440))

    early = ask(shopify, IDS, {"first": 5, "q": ""})
    shopify.pass_time(31)
    late = ask(shopify, IDS, {"first": 5, "q": ""})

    assert (ids(early), ids(late)) == ([], ["1"])


def test_without_the_scope_or_the_approval_orders_are_denied(shopify: ShopifyAdmin) -> None:
    shopify.order(SHOP, an_order(1))
    asked = {"first": 5, "q": ""}

    shopify.world.shops[SHOP].customer_data = "none"
    unapproved = ask(shopify, IDS, asked)
    shopify.world.shops[SHOP].customer_data = "level1"
    nameless = ask(shopify, IDS, asked)
    shopify.world.shops[SHOP].scopes = []
    unscoped = ask(shopify, IDS, asked)

    assert [answer.status_code for answer in (unapproved, nameless, unscoped)] == [200] * 3
    assert code_of(unapproved) == code_of(nameless) == code_of(unscoped) == "ACCESS_DENIED"
    assert nameless.json()["data"]["orders"]["nodes"] == [{"legacyResourceId": "1", "email": None}]
    assert unapproved.json()["data"] is None


# Points


def test_a_query_that_costs_more_points_than_are_there_is_throttled(shopify: ShopifyAdmin) -> None:
    shopify.shop(SHOP, bucket=300, restore=50)
    token = exchange(shopify).json()["access_token"]
    asked = {"first": 250, "q": ""}

    first = ask(shopify, IDS, asked, token=token)
    second = ask(shopify, IDS, asked, token=token)
    shopify.pass_time(10)
    third = ask(shopify, IDS, asked, token=token)

    assert first.json()["extensions"]["cost"]["requestedQueryCost"] == 250
    assert code_of(second) == "THROTTLED"
    assert "data" in third.json()


# Subscriptions


def test_a_subscription_can_be_made_once_for_a_topic_and_an_address(shopify: ShopifyAdmin) -> None:
    create = (
        "mutation S($topic: WebhookSubscriptionTopic!, $sub: WebhookSubscriptionInput!) {"
        " webhookSubscriptionCreate(topic: $topic, webhookSubscription: $sub) {"
        " webhookSubscription { topic uri } userErrors { message } } }"
    )
    wish = {"topic": "ORDERS_PAID", "sub": {"uri": "https://connector.example/webhooks/shopify/"}}

    made, again = (
        ask(shopify, create, wish).json()["data"]["webhookSubscriptionCreate"] for _ in range(2)
    )
    plain = ask(shopify, create, wish | {"sub": {"uri": "http://x.example/"}}).json()["data"]
    redact = ask(shopify, create, wish | {"topic": "SHOP_REDACT"}).json()["data"]

    assert made == {"webhookSubscription": {"topic": "ORDERS_PAID"} | wish["sub"], "userErrors": []}
    assert again["userErrors"] == [{"message": "Address for this topic has already been taken"}]
    assert plain["webhookSubscriptionCreate"]["webhookSubscription"] is None
    assert redact["webhookSubscriptionCreate"]["webhookSubscription"] is None


# By HTTP alone


def test_everything_can_be_told_and_read_over_http(shopify: ShopifyAdmin) -> None:
    def control(method: str, path: str, wish: Any = None) -> requests.Response:
        return requests.request(method, f"{shopify.url}/_sandbox/{path}", json=wish, timeout=10)

    assert control("POST", "shops", {"domain": "paris.myshopify.com"}).status_code == 200
    order = an_order(7)
    assert control("POST", "orders", {"shop": SHOP, "order": order}).json() == {"orders": 1}
    control("POST", "faults", {"where": "graphql", "kind": "answer", "status": 503})
    token = exchange(shopify).json()["access_token"]

    statuses = [ask(shopify, SHOP_NAME, token=token).status_code for _ in range(2)]

    assert statuses == [503, 200]
    books = control("GET", "books").json()
    assert [call["what"] for call in books["calls"]] == ["token-exchange", "", "ShopName"]
    assert token not in str(books)
    assert control("GET", "nothing").status_code == 404
    assert control("POST", "shops", {"colour": "red"}).status_code == 400


def test_the_stand_in_serves_loopback_only() -> None:
    with pytest.raises(ValueError, match="not loopback"):
        ShopifyAdmin(client_id=KEY, client_secret=SECRET, host="192.0.2.1")
