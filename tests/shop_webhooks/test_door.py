"""The door as a shop meets it: addresses, signatures, answers, and what is kept."""

import json
import uuid
import zlib
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from shop_webhooks import doors
from shop_webhooks.models import WebhookDelivery
from shop_webhooks.views import MAX_BODY
from stores.models import Store
from stores.secrets import store_ring
from tests.pipeline import (
    APP_SECRET,
    STORE_SECRET,
    an_order,
    at_once,
    post_to_shopify_door,
    post_to_woocommerce_door,
    signed,
)

JSON_ANSWER = {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def kept_body(delivery: WebhookDelivery) -> bytes:
    ring = store_ring(bytes(delivery.store.sealed_key))
    purpose = f"delivery.{bytes(delivery.delivery_key).hex()}"
    return zlib.decompress(ring.open(bytes(delivery.body), purpose=purpose))


def assert_refused(answer: Any, status: int, code: str) -> None:
    """The one shape of every refusal, which repeats nothing of the request."""
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in JSON_ANSWER} == JSON_ANSWER
    content = json.loads(answer.content)
    request_id = uuid.UUID(content["error"]["request_id"])
    assert content == {"error": {"code": code, "request_id": str(request_id)}}
    assert WebhookDelivery.objects.count() == 0


class TestAddresses:
    @pytest.mark.parametrize("path", ["/webhooks/shopify", "/webhooks/shopify/"])
    def test_shopify_is_answered_with_and_without_the_slash(
        self, acme: SimpleNamespace, path: str
    ) -> None:
        answer = post_to_shopify_door(an_order(), store=acme.lyon, path=path)

        assert (answer.status_code, json.loads(answer.content)) == (200, {"status": "accepted"})

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_woocommerce_is_answered_with_and_without_the_slash(
        self, acme: SimpleNamespace, slash: str
    ) -> None:
        path = acme.kitchen.webhook_path.rstrip("/") + slash

        answer = post_to_woocommerce_door(b"{}", store=acme.kitchen, path=path)

        assert answer.status_code == 200

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_plain_http_is_answered_where_everything_else_is_redirected_to_https(
        self, acme: SimpleNamespace, settings: Any, slash: str
    ) -> None:
        settings.SECURE_SSL_REDIRECT = True

        answer = post_to_shopify_door(an_order(), store=acme.lyon, path=f"/webhooks/shopify{slash}")

        assert Client().get("/login/").status_code == 301
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        "method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
    )
    def test_only_post_is_allowed(self, acme: SimpleNamespace, method: str) -> None:
        answer = Client().generic(method, "/webhooks/shopify/", b"")

        assert answer.status_code == 405
        assert answer.headers["Allow"] == "POST"

    def test_a_method_that_is_not_allowed_is_told_so_in_the_one_shape(
        self, acme: SimpleNamespace
    ) -> None:
        assert_refused(Client().get("/webhooks/shopify/"), 405, "method_not_allowed")

    @pytest.mark.parametrize(
        "path",
        [
            "/webhooks/",
            "/webhooks/magento/",
            "/webhooks/shopify//",
            "/webhooks/shopify/%00",
            "/webhooks/%c0%ae%c0%ae/",
            "/webhooks/woocommerce/",
            "/webhooks/woocommerce/not-a-token/",
            f"/webhooks/woocommerce/{'x' * 101}/",
        ],
    )
    def test_an_address_that_is_nobodys_is_not_found(
        self, acme: SimpleNamespace, path: str
    ) -> None:
        assert_refused(Client().post(path, b"{}", content_type="text/plain"), 404, "not_found")

    @pytest.mark.parametrize("forwarded", ["127.0.0.1", "1.2.3.4, " * 1000, "not an address"])
    def test_a_forwarded_address_changes_nothing(
        self, acme: SimpleNamespace, forwarded: str
    ) -> None:
        answer = post_to_shopify_door(
            an_order(), store=acme.lyon, headers={"X-Forwarded-For": forwarded}
        )

        assert answer.status_code == 200


class TestSignatures:
    @pytest.mark.parametrize(
        "signature",
        [
            None,
            "",
            "garbled",
            signed(an_order())[:-1],
            signed(an_order(), "another app's secret"),
            signed(an_order(), ""),
            f"{signed(an_order())},{signed(an_order())}",
            "é" * 44,
            "☕",
            "A" * 100_000,
        ],
        # Its own value would differ between the processes that share the tests.
        ids=[
            "none",
            "empty",
            "garbled",
            "cut",
            "another-app's",
            "keyless",
            "twice",
            "latin",
            "coffee",
            "long",
        ],
    )
    def test_what_is_not_signed_is_refused_and_never_kept(
        self, acme: SimpleNamespace, signature: str | None
    ) -> None:
        headers = {"X-Shopify-Hmac-Sha256": signature}

        answer = post_to_shopify_door(an_order(1), store=acme.lyon, headers=headers)

        assert_refused(answer, 401, "invalid_signature")

    def test_a_session_token_is_no_signature(self, acme: SimpleNamespace) -> None:
        headers = {"X-Shopify-Hmac-Sha256": None, "Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9"}

        answer = post_to_shopify_door(an_order(), store=acme.lyon, headers=headers)

        assert_refused(answer, 401, "invalid_signature")

    def test_the_previous_app_secret_still_signs(
        self, acme: SimpleNamespace, settings: Any
    ) -> None:
        settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_PREVIOUS = "new", APP_SECRET

        answer = post_to_shopify_door(an_order(), store=acme.lyon)

        assert answer.status_code == 200

    def test_an_empty_app_secret_verifies_nothing(
        self, acme: SimpleNamespace, settings: Any
    ) -> None:
        settings.SHOPIFY_API_SECRET = ""
        headers = {"X-Shopify-Hmac-Sha256": signed(an_order(), "")}

        answer = post_to_shopify_door(an_order(), store=acme.lyon, headers=headers)

        assert_refused(answer, 503, "shopify_not_configured")

    def test_an_empty_store_secret_verifies_nothing(self, acme: SimpleNamespace) -> None:
        Store.objects.filter(pk=acme.kitchen.pk).update(webhook_secret="")
        headers = {"X-WC-Webhook-Signature": signed(b"{}", "")}

        answer = post_to_woocommerce_door(b"{}", store=acme.kitchen, headers=headers)

        assert_refused(answer, 401, "invalid_signature")

    def test_a_stores_previous_secret_still_signs(self, acme: SimpleNamespace) -> None:
        Store.objects.filter(pk=acme.kitchen.pk).update(
            webhook_secret="new", webhook_secret_previous=STORE_SECRET
        )

        answer = post_to_woocommerce_door(b"{}", store=acme.kitchen)

        assert answer.status_code == 200

    def test_another_stores_secret_does_not_sign(self, acme: SimpleNamespace) -> None:
        Store.objects.filter(pk=acme.kitchen.pk).update(webhook_secret="another")

        assert_refused(
            post_to_woocommerce_door(b"{}", store=acme.kitchen), 401, "invalid_signature"
        )

    def test_a_new_secret_is_in_force_at_once(self, acme: SimpleNamespace) -> None:
        assert post_to_woocommerce_door(b"{}", store=acme.kitchen).status_code == 200
        Store.objects.filter(pk=acme.kitchen.pk).update(webhook_secret="new")
        headers = {"X-WC-Webhook-Signature": signed(b"[]", "new")}

        answer = post_to_woocommerce_door(b"[]", store=acme.kitchen, headers=headers)

        assert answer.status_code == 200

    def test_a_forged_signature_writes_nothing(self, acme: SimpleNamespace) -> None:
        forged = {"X-WC-Webhook-Signature": "forged"}
        written = "tup_inserted + tup_updated + tup_deleted"
        before = counted(written)

        for _ in range(5):
            post_to_woocommerce_door(b"{}", store=acme.kitchen, headers=forged)

        assert counted(written) == before


class TestPing:
    def test_woocommerces_unsigned_ping_is_answered_and_not_kept(
        self, acme: SimpleNamespace
    ) -> None:
        answer = ping(acme.kitchen, b"webhook_id=12")

        assert (answer.status_code, json.loads(answer.content)) == (200, {"status": "pong"})
        assert WebhookDelivery.objects.count() == 0

    @pytest.mark.case("W01")
    def test_a_flood_of_pings_is_answered_and_written_down_ten_times_a_minute(
        self, acme: SimpleNamespace
    ) -> None:
        def pinged_at() -> Any:
            return Store.objects.values_list("pinged_at", flat=True).get(pk=acme.kitchen.pk)

        statuses = {ping(acme.kitchen, b"webhook_id=12").status_code}
        first = pinged_at()
        statuses |= {ping(acme.kitchen, b"webhook_id=12").status_code for _ in range(20)}
        assert (statuses, pinged_at()) == ({200}, first)

        earlier = first - timedelta(seconds=7)
        Store.objects.filter(pk=acme.kitchen.pk).update(pinged_at=earlier)
        ping(acme.kitchen, b"webhook_id=12")
        assert pinged_at() > earlier

    def test_a_huge_ping_is_too_large(self, acme: SimpleNamespace) -> None:
        assert_refused(ping(acme.kitchen, b"webhook_id=" + b"1" * 1_000_000), 413, "body_too_large")

    def test_what_only_begins_like_a_ping_is_not_signed(self, acme: SimpleNamespace) -> None:
        assert_refused(ping(acme.kitchen, b"webhook_id=12&x=1"), 401, "invalid_signature")

    def test_a_ping_to_a_disconnected_store_is_gone(self, acme: SimpleNamespace) -> None:
        Store.objects.filter(pk=acme.kitchen.pk).update(connected=False)

        assert_refused(ping(acme.kitchen, b"webhook_id=12"), 410, "gone")


class TestBodies:
    @pytest.mark.parametrize(
        "body",
        [b"", b" ", b"{", b"\xff\xfe\x00", b"[]", "é☕".encode(), b"\x1f\x8b\x08gzip"],
    )
    def test_any_signed_bytes_are_kept_as_they_are(
        self, acme: SimpleNamespace, body: bytes
    ) -> None:
        answer = post_to_shopify_door(body, store=acme.lyon)

        assert answer.status_code == 200
        assert kept_body(WebhookDelivery.objects.get()) == body

    def test_a_body_is_never_inflated(self, acme: SimpleNamespace) -> None:
        body = zlib.compress(an_order())

        post_to_shopify_door(body, store=acme.lyon, headers={"Content-Encoding": "gzip"})

        assert kept_body(WebhookDelivery.objects.get()) == body

    def test_a_body_at_rest_shows_nothing_of_the_buyer(self, acme: SimpleNamespace) -> None:
        post_to_shopify_door(an_order(), store=acme.lyon)

        stored = bytes(WebhookDelivery.objects.get().body)

        assert (b"zoe@example.com" in stored, b"1001" in stored) == (False, False)

    def test_ten_megabytes_are_taken(self, acme: SimpleNamespace) -> None:
        body = b" " * MAX_BODY

        answer = post_to_shopify_door(body, store=acme.lyon)

        assert answer.status_code == 200
        assert kept_body(WebhookDelivery.objects.get()) == body

    def test_a_byte_more_is_too_large_signed_or_not(self, acme: SimpleNamespace) -> None:
        answer = post_to_shopify_door(b" " * (MAX_BODY + 1), store=acme.lyon)

        assert_refused(answer, 413, "body_too_large")

    def test_a_length_that_is_no_number_is_refused(self, acme: SimpleNamespace) -> None:
        answer = post_to_shopify_door(an_order(), store=acme.lyon, CONTENT_LENGTH="many")

        assert_refused(answer, 400, "bad_content_length")


class TestStores:
    def test_a_disconnected_store_is_gone(self, acme: SimpleNamespace) -> None:
        Store.objects.filter(pk=acme.kitchen.pk).update(connected=False)

        assert_refused(post_to_woocommerce_door(b"{}", store=acme.kitchen), 410, "gone")

    @pytest.mark.parametrize(
        "domain",
        [
            "unknown.myshopify.com",
            "lyon.myshopify.com.evil.example",
            "lyon.myshopify.com/",
            "ѕhop.myshopify.com".encode().decode("latin-1"),
            "'; DROP TABLE stores_store; --",
            "x" * 5000,
        ],
    )
    def test_a_shop_that_we_do_not_know_is_thanked_and_not_kept(
        self, acme: SimpleNamespace, domain: str
    ) -> None:
        answer = post_to_shopify_door(an_order(), headers={"X-Shopify-Shop-Domain": domain})

        assert answer.status_code == 200
        assert WebhookDelivery.objects.count() == 0

    def test_a_delivery_that_names_no_shop_is_kept_without_its_body(
        self, acme: SimpleNamespace
    ) -> None:
        answer = post_to_shopify_door(an_order())

        delivery = WebhookDelivery.objects.get()
        assert answer.status_code == 200
        assert (delivery.store, delivery.body, delivery.state) == (None, None, "received")


class TestCost:
    def test_a_delivery_is_one_statement_and_one_commit(self, acme: SimpleNamespace) -> None:
        # Without an explicit transaction a statement is one; a health check would show as another.
        spent = [self.transactions_of_ten_deliveries(acme) for _ in range(3)]

        assert min(spent) == 10  # a look at the store, or a vacuum, may fall into one of them

    def transactions_of_ten_deliveries(self, acme: SimpleNamespace) -> int:
        looked = counted("xact_commit + xact_rollback")
        looked_again = counted("xact_commit + xact_rollback")
        for order_id in range(1, 11):
            post_to_shopify_door(an_order(order_id), store=acme.lyon)
        return counted("xact_commit + xact_rollback") - looked_again - (looked_again - looked)

    def test_while_one_thread_looks_a_store_up_again_the_others_do_not(
        self, acme: SimpleNamespace, django_assert_num_queries: Any
    ) -> None:
        key = ("shopify", acme.lyon.domain)
        known = doors.shopify_door(acme.lyon.domain)
        doors._held[key] = (doors.NEVER, known)

        def find() -> Store:
            with django_assert_num_queries(0):
                assert doors.shopify_door(acme.lyon.domain) is known
            return Store.objects.get(pk=acme.lyon.pk)

        assert doors._door(*key, find, reload=False) is not known


class TestIdentity:
    def test_twenty_redeliveries_at_once_are_one_row(self, acme: SimpleNamespace) -> None:
        body, headers = an_order(), {"X-Shopify-Webhook-Id": "b1946ac9"}

        answers = at_once(
            [lambda: post_to_shopify_door(body, store=acme.lyon, headers=headers)] * 20
        )

        assert [answer.status_code for answer in answers] == [200] * 20
        assert WebhookDelivery.objects.get().repeats == 19

    def test_an_id_that_comes_with_another_body_is_another_delivery(
        self, acme: SimpleNamespace
    ) -> None:
        headers = {"X-Shopify-Webhook-Id": "b1946ac9"}

        post_to_shopify_door(an_order(1), store=acme.lyon, headers=headers)
        post_to_shopify_door(an_order(2), store=acme.lyon, headers=headers)

        assert WebhookDelivery.objects.count() == 2

    def test_woocommerces_id_of_the_second_does_not_merge_two_orders(
        self, acme: SimpleNamespace
    ) -> None:
        headers = {"X-WC-Webhook-Delivery-ID": "5f4dcc3b5aa765d61d8327deb882cf99"}

        post_to_woocommerce_door(b'{"id":1}', store=acme.kitchen, headers=headers)
        post_to_woocommerce_door(b'{"id":2}', store=acme.kitchen, headers=headers)

        assert WebhookDelivery.objects.count() == 2

    def test_two_deliveries_without_a_shop_are_one_row_if_they_are_the_same(
        self, acme: SimpleNamespace
    ) -> None:
        body = an_order()

        post_to_shopify_door(body)
        post_to_shopify_door(body)

        assert WebhookDelivery.objects.get().repeats == 1

    @pytest.mark.parametrize("webhook_id", ["x" * 10_000, "é☕".encode().decode("latin-1"), ""])
    def test_a_strange_delivery_id_is_no_reason_to_refuse(
        self, acme: SimpleNamespace, webhook_id: str
    ) -> None:
        headers = {"X-Shopify-Webhook-Id": webhook_id}

        answer = post_to_shopify_door(an_order(), store=acme.lyon, headers=headers)

        assert answer.status_code == 200
        assert WebhookDelivery.objects.count() == 1


def ping(store: Store, body: bytes) -> Any:
    content_type = "application/x-www-form-urlencoded"
    return Client().post(store.webhook_path, body, content_type=content_type)


def counted(what: str) -> int:
    """What PostgreSQL has counted of this database, as of now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(f"SELECT {what} FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
