"""Forty things that nobody but the shop, Meta and an encrypted column may hold go down every path; then
all that an installation leaves behind is searched for them, in each of their spellings."""

import base64
import contextlib
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import redis
import requests
from installation import SECRETS, TOKEN, Stack, wait_for

from sandbox.graph_api import GraphApi
from sandbox.shops.shopify import signature

CANARIES = {
    "first name": "Kanarina",
    "last name": "Gelbvogel-Ünzig",
    "billing first name": "Serinusa",
    "billing last name": "Zeisigmann",
    "shipping name": "Stieglitzia Girlitz",
    "e-mail": "kanarina.gelbvogel@voliere.example",
    "contact e-mail": "KONTAKT-KANARIE@voliere.example",
    "woo e-mail": "serin+woo@voliere.example",
    "login e-mail": "einbrecher.kanarie@voliere.example",
    "password": "piep-piep-4711-voliere",
    "phone": "+4915790012345",
    "billing phone": "01579 0054321",
    "shipping phone": "+33 6 98 76 54 32",
    "woo phone": "+44 7700 900461",
    "street": "Vogelbauerweg 17b",
    "second line": "Hinterhof Nistkasten",
    "city": "Kanarienstadt",
    "shipping city": "Finkenheim am See",
    "postcode": "98K7V6",
    "company": "Volierenbau GmbH & Co. Kanarie",
    "address": "198.51.100.231",
    "woo address": "203.0.113.177",
    "address of version 6": "2001:db8:ca4a:71e5::7",
    "user agent": "Mozilla/5.0 (KanarienOS 9; Voliere)",
    "woo user agent": "Opera/9 (Serinus; Piep)",
    "note": "Bitte beim Nachbarn Dompfaff abgeben",
    "gift message": "Alles Gute zum Brutfest, Oma Zilpzalp",
    "attribute": "Geburtstag 17.03.1971 Kanarie",
    "landing page": "kanarie-landing-4d1f",
    "referrer": "https://forum.voliere.example/thread/kanarie-geheim",
    "click id": "IwAR0KanarienKlick0123456789abcdefgh",
    "browser id": "fb.1.1790000000000.7171717171",
    "item": "Nistmaterial Modell Intim",
    "card": "4242-9900-7171",
    "customer note": "Kundin Kanarina ist schwerhörig",
    "token of Meta": TOKEN,
    "secret of the app": SECRETS["SHOPIFY_API_SECRET"],
    "secret of the shop": SECRETS["KITCHEN_SECRET"],
    "echoed by Meta": "meta.echo.kanarie@voliere.example",
    "in an unreadable body": "unlesbar.kanarie@voliere.example",
}
C = CANARIES
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def stack(make_stack: Callable[..., Stack], tmp_path_factory: pytest.TempPathFactory) -> Stack:
    mails, static = tmp_path_factory.mktemp("mails"), tmp_path_factory.mktemp("static")
    stack = make_stack(
        settings={
            "EMAIL_URL": f"filemail:///{mails}",
            "SWEEP_EVERY_SECONDS": "0.5",
            "STATIC_ROOT": str(static),  # not the one in which other tests look
        }
    )
    stack.environment["MAILS"] = str(mails)
    stack.manage("collectstatic", "--noinput", "--verbosity", "0")
    stack.kill("web")  # it had looked for the pages' files before
    stack.start("web")
    wait_for(stack.is_up, within=30)
    stack.start("broker")
    stack.start("worker")
    return stack


def of_shopify(number: int, **changes: Any) -> bytes:
    at = (NOW - timedelta(minutes=number % 50)).isoformat()
    place = {
        "first_name": C["billing first name"],
        "last_name": C["billing last name"],
        "phone": C["billing phone"],
        "address1": C["street"],
        "address2": C["second line"],
        "city": C["city"],
        "zip": C["postcode"],
        "company": C["company"],
        "country_code": "DE",
    }
    order = {
        "id": number,
        "name": f"#{number}",
        "financial_status": "paid",
        "source_name": "web",
        "created_at": at,
        "processed_at": at,
        "updated_at": at,
        "currency": "EUR",
        "total_price": "42.50",
        "email": C["e-mail"],
        "contact_email": C["contact e-mail"],
        "phone": C["phone"],
        "browser_ip": C["address"],
        "client_details": {
            "user_agent": C["user agent"],
            "browser_ip": C["address of version 6"],
        },
        "landing_site": f"/{C['landing page']}?email={quote(C['e-mail'])}&fbclid={C['click id']}",
        "referring_site": C["referrer"],
        "note": C["note"],
        "note_attributes": [
            {"name": "gift", "value": C["gift message"]},
            {"name": "birthday", "value": C["attribute"]},
            {"name": "_fbp", "value": C["browser id"]},
        ],
        "customer": {
            "id": 7,
            "first_name": C["first name"],
            "last_name": C["last name"],
            "email": C["e-mail"],
            "note": C["customer note"],
        },
        "billing_address": place,
        "shipping_address": place
        | {
            "first_name": C["shipping name"],
            "phone": C["shipping phone"],
            "city": C["shipping city"],
        },
        "payment_details": {"credit_card_number": C["card"]},
        "line_items": [
            {"id": 1, "variant_id": 11, "title": C["item"], "quantity": 1, "price": "42.50"}
        ],
    }
    return json.dumps(order | changes).encode()


def of_woocommerce(number: int, **changes: Any) -> bytes:
    at = (NOW - timedelta(minutes=5)).replace(tzinfo=None).isoformat()
    order = {
        "id": number,
        "number": str(number),
        "order_key": f"wc_order_{number}",
        "status": "processing",
        "currency": "EUR",
        "total": "42.50",
        "date_created_gmt": at,
        "date_modified_gmt": at,
        "date_paid_gmt": at,
        "billing": {
            "email": C["woo e-mail"],
            "phone": C["woo phone"],
            "first_name": C["first name"],
            "last_name": C["last name"],
            "address_1": C["street"],
            "city": C["city"],
            "postcode": C["postcode"],
            "country": "GB",
        },
        "customer_ip_address": C["woo address"],
        "customer_user_agent": C["woo user agent"],
        "customer_note": C["note"],
        "line_items": [{"id": 1, "product_id": 1, "quantity": 1, "total": "42.50"}],
    }
    return json.dumps(order | changes).encode()


def test_nothing_that_is_a_buyers_or_a_secret_is_left_anywhere(
    stack: Stack, graph: GraphApi
) -> None:
    said = list(down_every_path(stack, graph))
    found = {
        f"{what} in {place}"
        for place, text in [*said, *left_behind(stack)]
        for what, spellings in SPELLINGS.items()
        if any(spelling in text for spelling in spellings)
    }

    sys.stdout.write(f"\n{len(CANARIES)} canaries, {len(found)} found\n")
    assert sorted(found) == []
    assert len(CANARIES) == 40
    assert len(stack.sql("SELECT 1 FROM conversions_conversionevent")) >= 6


def down_every_path(stack: Stack, graph: GraphApi) -> Iterator[tuple[str, str]]:
    """What the outside is answered, path by path."""
    shopify, woocommerce = stack.shopify(), stack.woocommerce()

    def told(place: str, answer: Any) -> tuple[str, str]:
        return place, answer.text if hasattr(answer, "text") else repr(answer.answers)

    # Taken, and sent.
    yield told("a webhook", shopify.deliver("orders/paid", of_shopify(1)))
    yield told("a webhook", woocommerce.deliver("order.updated", of_woocommerce(2)))
    wait_for(lambda: stack.arrived(1) and stack.arrived(2))
    # Refused by Meta, in words that repeat a buyer and the token.
    echo = f"Invalid parameter: {C['echoed by Meta']} {C['e-mail']} access_token={TOKEN}"
    error = {"error": {"message": echo, "code": 100, "error_user_msg": echo, "fbtrace_id": "A1"}}
    graph.will_answer(400, error)
    yield told("a webhook", shopify.deliver("orders/paid", of_shopify(3)))
    wait_for(lambda: stack.ledger("3") != ("pending",))
    # A worker that is killed while Meta thinks.
    graph.fault("hang")
    shopify.deliver("orders/paid", of_shopify(4))
    wait_for(lambda: stack.sql("SELECT 1 FROM conversions_sendattempt WHERE finished_at IS NULL"))
    stack.kill("worker")
    stack.start("worker")
    # Not paid, a test, cancelled.
    shopify.deliver("orders/create", of_shopify(5, financial_status="pending"))
    shopify.deliver("orders/paid", of_shopify(6, test=True))
    shopify.deliver("orders/cancelled", of_shopify(7, cancelled_at=NOW.isoformat()))
    # Unreadable in each way.
    spoilt = C["in an unreadable body"]
    for body in (
        of_shopify(8, total_price=spoilt),
        of_shopify(9, currency=spoilt),
        of_shopify(10, id=spoilt),
        of_shopify(11, email=spoilt)[:-5],
        f'"{spoilt}"'.encode(),
        of_shopify(12, created_at=spoilt, processed_at=spoilt),
    ):
        yield told("a webhook", shopify.deliver("orders/paid", body))
    # Nobody's, and not signed.
    yield told(
        "a refusal",
        requests.post(
            stack.url("/webhooks/shopify/"),
            of_shopify(13),
            headers={"X-Shopify-Hmac-Sha256": C["e-mail"].encode().hex(), "X-Shopify-Topic": "a"},
            timeout=10,
        ),
    )
    stranger = {
        "X-Shopify-Hmac-Sha256": signature(SECRETS["SHOPIFY_API_SECRET"], of_shopify(14)),
        "X-Shopify-Topic": "orders/paid",
        "X-Shopify-Shop-Domain": "nobody-knows.myshopify.com",
        "User-Agent": C["user agent"],
        "X-Forwarded-For": C["address"],
    }
    yield told(
        "a stranger's webhook",
        requests.post(
            stack.url("/webhooks/shopify/"), of_shopify(14), headers=stranger, timeout=10
        ),
    )
    # At the login, and in addresses.
    requests.get(stack.url(f"/stores/1/orders/?q={quote(C['e-mail'])}"), timeout=10)
    for path in (
        f"/{quote(C['first name'])}/",
        f"/join/{quote(C['landing page'])}/",
    ):
        yield told("a page", requests.get(stack.url(path), timeout=10))
    with requests.Session() as visitor:
        form = visitor.get(stack.url("/login/"), timeout=10)
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)', form.text)
        visitor.post(
            stack.url("/login/"),
            {
                "csrfmiddlewaretoken": token[1] if token else "",
                "login": C["login e-mail"],
                "password": C["password"],
            },
            headers={"Referer": stack.url("/login/")},
            timeout=10,
        )
    # A customer asks, and is forgotten.
    for topic in ("customers/data_request", "customers/redact"):
        body = json.dumps(
            {
                "shop_domain": "lyon.myshopify.com",
                "customer": {"id": 7, "email": C["e-mail"], "phone": C["phone"]},
                "orders_to_redact": [5],
            }
        ).encode()
        yield told("a notice", shopify.deliver(topic, body))
    wait_for(lambda: stack.unread() == 0, within=30)
    stack.manage("member", "owner@example.com", "--role", "owner", "--workspace", "acme")
    for command in (
        ("ledger", "--json"),
        ("deliveries", "--json"),
        ("export",),
        ("audit_export", "--workspace", "acme"),
        ("notices", "--json"),
    ):
        yield f"the command {command[0]}", stack.manage(*command)
    with contextlib.suppress(AssertionError):  # it says that something is wrong, as it is
        stack.manage("doctor")


def left_behind(stack: Stack) -> Iterator[tuple[str, str]]:
    """Whatever an intruder could read: tables, the broker, logs, mails, certificates."""
    names = stack.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for (name,) in names:
        # Bytes are shown as hexadecimal, which is one of the spellings.
        yield (
            f"table {name}",
            "\n".join(row for (row,) in stack.sql(f'SELECT t::text FROM "{name}" AS t')),
        )
    with redis.Redis(unix_socket_path=str(stack.broker_socket)) as broker:
        for key in broker.keys("*"):
            yield "the broker", key.decode() + repr(broker.dump(key))
    for log in stack.folder.glob("*.log"):
        yield f"the log {log.name}", log.read_text(errors="replace")
    for mail in Path(stack.environment["MAILS"]).glob("*"):
        yield "a mail", mail.read_text()


def spellings(value: str) -> set[str]:
    """The value as text, in capitals, in addresses, JSON and base64, as bytes, and hashed for Meta."""
    plain = {value, value.lower(), value.upper(), re.sub(r"\D", "", value) * value.startswith("+")}
    encoded = {form.encode() for form in plain - {""}}
    return {
        *plain,
        *(quote(form) for form in plain),
        *(quote_plus(form) for form in plain),
        *(json.dumps(form)[1:-1] for form in plain),
        *(base64.b64encode(form).decode().rstrip("=")[:-1] for form in encoded),
        *(form.hex() for form in encoded),
        *(hashlib.sha256(form).hexdigest() for form in encoded),
    } - {""}


SPELLINGS = {what: spellings(value) for what, value in CANARIES.items()}


def test_the_search_finds_what_is_there(stack: Stack) -> None:
    """Else it would find nothing because it looks for nothing."""
    stack.sql(
        "INSERT INTO stores_cache VALUES ('leak', 'hash "
        + hashlib.sha256(C["e-mail"].encode()).hexdigest()
        + f" bytes {C['phone'].encode().hex()}', now()) RETURNING 1"
    )
    text = dict(left_behind(stack))["table stores_cache"]
    found = {what for what, forms in SPELLINGS.items() if any(form in text for form in forms)}
    stack.sql("DELETE FROM stores_cache WHERE cache_key = 'leak' RETURNING 1")

    assert found == {"e-mail", "phone"}
