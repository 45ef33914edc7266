"""The webhook door as the server calls it: what Django would have done around a view is not missed."""

import io
import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.signals import request_started
from django.db import connection

from connector.wsgi import application
from shop_webhooks import doors
from shop_webhooks.models import WebhookDelivery
from tests.pipeline import an_order, signed


def call(body: bytes, *, path: str = "/webhooks/shopify/", **changes: str) -> tuple[str, bytes]:
    """The status line and the body that the application answers to a signed webhook."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "testserver",
        "HTTP_X_SHOPIFY_TOPIC": "orders/paid",
        "HTTP_X_SHOPIFY_SHOP_DOMAIN": "lyon.myshopify.com",
        "HTTP_X_SHOPIFY_HMAC_SHA256": signed(body),
    }
    said: list[str] = []
    answer = application(environ | changes, lambda status, headers: said.append(status))
    return said[0], b"".join(answer)


def test_a_webhook_is_kept_without_a_signal_being_sent(acme: SimpleNamespace) -> None:
    heard: list[object] = []

    def hear(**sent: object) -> None:
        heard.append(sent)

    request_started.connect(hear)

    status, _ = call(an_order())

    request_started.disconnect(hear)

    assert (status, heard) == ("200 OK", [])
    assert WebhookDelivery.objects.get().store == acme.lyon


def test_a_chunked_body_without_a_length_is_read_to_its_end(acme: SimpleNamespace) -> None:
    status, _ = call(an_order(), HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="")

    assert status == "200 OK"


@pytest.mark.parametrize("path", ["/webhooks/", "/webhooks/magento/", "/webhooks/a\r\nb"])
def test_an_address_that_is_no_door_is_answered_in_one_shape(path: str) -> None:
    status, body = call(b"{}", path=path)

    assert (status, json.loads(body)["error"]["code"]) == ("404 Not Found", "not_found")


def test_a_fault_of_ours_is_a_logged_500(
    acme: SimpleNamespace, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SHOPIFY_API_SECRET = 5  # which nothing can be signed with

    with caplog.at_level(logging.ERROR, "django.request"):
        status, _ = call(an_order())

    assert status == "500 Internal Server Error"
    assert "Internal Server Error: /webhooks/shopify/" in caplog.messages


def test_a_connection_that_has_died_meanwhile_costs_no_delivery(acme: SimpleNamespace) -> None:
    call(an_order(1))
    doors.forget_doors()  # so that the store is looked up with the ORM, on the kept connection
    connection.connection.close()

    status, _ = call(an_order(2))

    assert (status, WebhookDelivery.objects.count()) == ("200 OK", 2)
