"""The stand-in for a WooCommerce shop refuses what a real one refuses."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlencode

import pytest

from sandbox.orders import stories
from sandbox.woocommerce_store import WooCommerceShop

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Receiver:
    """Our side: takes webhooks and callbacks, and answers `status`."""

    def __init__(self) -> None:
        self.status, self.heard = 200, []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.heard.append((self.path, dict(self.headers), body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def store(receiver: Receiver) -> Iterator[WooCommerceShop]:
    """Behind a proxy that ends TLS and says so: plain http here, https to WordPress."""
    with WooCommerceShop(
        sees_tls=True, routes={"https://connector.example": receiver.url}
    ) as store:
        yield store


def ask(
    store: WooCommerceShop, method: str, route: str, document: Any = None, **query: str
) -> tuple[int, Any]:
    key = store.key()
    query |= {"consumer_key": key.consumer_key, "consumer_secret": key.consumer_secret}
    body = None if document is None else json.dumps(document).encode()
    url = f"{store.url}/wp-json/wc/v3/{route}?{urlencode(query)}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, method=method)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def make_webhook(store: WooCommerceShop, topic: str = "order.updated") -> dict[str, Any]:
    url = "https://connector.example/webhooks/woocommerce/token/"
    given = {"topic": topic, "delivery_url": url, "secret": "s", "status": "paused"}
    status, hook = ask(store, "POST", "webhooks", given)
    assert status == 201
    return hook


def test_a_webhook_is_active_and_pinged_whatever_was_asked(
    store: WooCommerceShop, receiver: Receiver
) -> None:
    hook = make_webhook(store)

    assert hook["status"] == "active"
    assert "secret" not in hook
    path, headers, body = receiver.heard[0]
    assert path == "/webhooks/woocommerce/token/"
    assert body == f"webhook_id={hook['id']}".encode()
    assert not any(name.startswith("X-WC") for name in headers)


def test_the_seventh_failure_in_a_row_disables_a_webhook(
    store: WooCommerceShop, receiver: Receiver
) -> None:
    hook = make_webhook(store)
    receiver.status = 500
    (story,) = stories(platform="woocommerce", count=1, now=NOW, kinds=("card",))
    store.sell(story)
    for _ in range(5):
        store.touch(story.order_id, NOW)
    assert store.webhooks == {"order.updated": "active"}

    store.touch(story.order_id, NOW)

    assert store.webhooks == {"order.updated": "disabled"}
    ask(store, "PUT", f"webhooks/{hook['id']}", {"status": "active"})
    store.touch(story.order_id, NOW)
    assert store.webhooks == {"order.updated": "disabled"}  # the count had stayed


def test_a_topic_in_capitals_makes_a_dead_webhook(store: WooCommerceShop) -> None:
    assert make_webhook(store, "Order.Updated")["topic"] == ""


@pytest.mark.parametrize("topic", ["order.paid", "", "product.created.x"])
def test_a_topic_there_is_not_is_refused(store: WooCommerceShop, topic: str) -> None:
    status, said = ask(store, "POST", "webhooks", {"topic": topic, "delivery_url": "https://a.b"})

    assert (status, said["code"]) == (400, "woocommerce_rest_shop_webhook_invalid_topic")


def test_a_webhook_is_deleted_by_force_only(store: WooCommerceShop) -> None:
    hook = make_webhook(store)

    assert ask(store, "DELETE", f"webhooks/{hook['id']}")[0] == 501
    assert ask(store, "DELETE", f"webhooks/{hook['id']}", force="true")[0] == 200
    assert ask(store, "PUT", f"webhooks/{hook['id']}", {})[0] == 400


@pytest.mark.parametrize(
    ("form", "gmt", "found"),
    [("naive", True, 2), ("naive", False, 0), ("zoned", False, 2), ("zoned", True, 4)],
)
def test_a_date_means_what_it_means_in_the_shop(
    store: WooCommerceShop, form: str, gmt: bool, found: int
) -> None:
    for number, hours in enumerate((1, 2, 4, 5), start=1):
        at = NOW - timedelta(hours=hours)
        store.orders[number] = {
            "id": number,
            "status": "processing",
            "date_modified_gmt": at.strftime("%Y-%m-%dT%H:%M:%S"),
            "date_modified": (at - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%S"),
            "date_created_gmt": at.strftime("%Y-%m-%dT%H:%M:%S"),
        }
    since = (NOW - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%S")

    query = {"modified_after": since + ("Z" if form == "zoned" else "")}
    _, orders = ask(store, "GET", "orders", **query, **({"dates_are_gmt": "true"} if gmt else {}))

    assert len(orders) == found


def test_trash_and_drafts_are_not_any_order(store: WooCommerceShop) -> None:
    for number, status in enumerate(("processing", "trash", "checkout-draft"), start=1):
        at = "2026-11-21T10:00:00"
        store.orders[number] = {"id": number, "status": status, "date_created_gmt": at}

    assert [order["id"] for order in ask(store, "GET", "orders")[1]] == [1]
    assert [order["id"] for order in ask(store, "GET", "orders", status="trash")[1]] == [2]


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


def visit(url: str, *, logged_in: bool = True) -> tuple[int, str, str]:
    headers = {"Cookie": "wordpress_logged_in=manager"} if logged_in else {}
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status, "", answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location", ""), error.read().decode()


def handover(store: WooCommerceShop, page: str = "authorize", **changes: str) -> str:
    query = {
        "app_name": "Connector",
        "scope": "read_write",
        "user_id": "state-123",
        "return_url": "https://connector.example/back/?a=b",
        "callback_url": "https://connector.example/callback/",
    }
    return f"{store.url}/wc-auth/v1/{page}/?{urlencode(query | changes)}"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"app_name": "0"}, "Missing parameter app_name"),
        ({"scope": "Read_Write"}, "Invalid scope"),
        ({"callback_url": "http://connector.example/"}, "needs to be over SSL"),
    ],
)
def test_a_hand_over_that_lacks_something_is_refused(
    store: WooCommerceShop, changes: dict[str, str], said: str
) -> None:
    status, _, page = visit(handover(store, **changes))

    assert status == 401
    assert said in page


def test_nobody_is_sent_to_the_login_first(store: WooCommerceShop) -> None:
    status, location, _ = visit(handover(store), logged_in=False)

    assert status == 302
    assert location.startswith("/wc-auth/v1/login/?")


def test_an_approved_key_is_posted_and_works(store: WooCommerceShop, receiver: Receiver) -> None:
    status, location, _ = visit(handover(store, "access_granted", wc_auth_nonce="a-nonce"))

    assert status == 302
    assert location == "https://connector.example/back/?a=b&success=1&user_id=state-123"
    path, headers, body = receiver.heard[0]
    assert path == "/callback/"
    assert headers["Content-Type"] == "application/json;charset=UTF-8"
    given = json.loads(body)
    assert (given["user_id"], given["key_permissions"]) == ("state-123", "read_write")
    assert given["consumer_key"] in [key.consumer_key for key in store.shop.keys]


@pytest.mark.parametrize("status", [201, 204, 302, 404, 500])
def test_any_answer_but_200_takes_the_key_back(
    store: WooCommerceShop, receiver: Receiver, status: int
) -> None:
    receiver.status = status

    answered, _, page = visit(handover(store, "access_granted", wc_auth_nonce="a-nonce"))

    assert answered == 401
    assert "unable to send the consumer data" in page
    assert store.shop.keys == []


def test_the_back_room_works_over_http(store: WooCommerceShop) -> None:
    body = json.dumps({"wall": "challenge"}).encode()
    with urllib.request.urlopen(f"{store.url}/_sandbox/settings", body) as answer:
        assert json.load(answer)["settings"]["wall"] == "challenge"

    assert visit(f"{store.url}/wp-json/")[0] == 403
