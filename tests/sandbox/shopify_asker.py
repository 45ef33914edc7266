"""How a test asks the stand-in for Shopify: as anybody's app would."""

from typing import Any

import requests

from sandbox.shopify.oauth import EXCHANGE, ID_TOKEN, OFFLINE
from sandbox.shopify_admin import ShopifyAdmin

SHOP = "lyon.myshopify.com"
KEY, SECRET = "our-client-id", "shpss_" + "a" * 32


def ask_tokens(shopify: ShopifyAdmin, *, shop: str = SHOP, **form: Any) -> requests.Response:
    given = {"client_id": KEY, "client_secret": SECRET} | form
    return requests.post(f"{shopify.url}/{shop}/admin/oauth/access_token", data=given, timeout=10)


def exchange(shopify: ShopifyAdmin, subject: str = "", **form: Any) -> requests.Response:
    given = {
        "grant_type": EXCHANGE,
        "subject_token": subject or shopify.session_token(SHOP),
        "subject_token_type": ID_TOKEN,
        "requested_token_type": OFFLINE,
        "expiring": "1",
    }
    return ask_tokens(shopify, **(given | form))


def refresh(shopify: ShopifyAdmin, token: str) -> requests.Response:
    return ask_tokens(shopify, grant_type="refresh_token", refresh_token=token)


def ask(
    shopify: ShopifyAdmin,
    query: str,
    variables: dict[str, Any] | None = None,
    *,
    token: str = "",
    version: str = "2026-10",
    operation: str | None = None,
) -> requests.Response:
    token = token or exchange(shopify).json()["access_token"]
    return requests.post(
        f"{shopify.url}/{SHOP}/admin/api/{version}/graphql.json",
        json={"query": query, "variables": variables or {}, "operationName": operation},
        headers={"X-Shopify-Access-Token": token},
        timeout=10,
    )


def code_of(answer: requests.Response) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])
