"""The least a webhook door can do: a WSGI function that verifies and INSERTs, without Django."""

import base64
import hmac
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg

SECRET = os.environ["SHOPIFY_API_SECRET"].encode()
INSERT = """
INSERT INTO bench_inbox (store_id, delivery_id, topic, body) VALUES (1, %s, %s, %b)
ON CONFLICT (store_id, delivery_id) DO NOTHING
"""
MAKE = """
CREATE TABLE IF NOT EXISTS bench_inbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, store_id int NOT NULL,
    delivery_id text NOT NULL, topic text NOT NULL, body bytea COMPRESSION lz4 NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(), UNIQUE (store_id, delivery_id))
"""
local = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Verify, insert, 200."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    signature = base64.b64encode(hmac.digest(SECRET, body, "sha256"))
    if not hmac.compare_digest(signature, environ["HTTP_X_SHOPIFY_HMAC_SHA256"].encode("latin-1")):
        start_response("401 Unauthorized", [("Content-Length", "0")])
        return [b""]
    keep(environ["HTTP_X_SHOPIFY_WEBHOOK_ID"], environ["HTTP_X_SHOPIFY_TOPIC"], body)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def keep(delivery_id: str, topic: str, body: bytes) -> None:
    """One statement on the thread's own connection."""
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    local.connection.execute(INSERT, (delivery_id, topic, body), prepare=True)
