"""Shopify's own test vectors, where the folder that collects them lies beside the tree."""

import base64
import json
import os
from pathlib import Path

import pytest

from purchases.shops import shopify
from purchases.shops.shopify import shop_domain
from stores.shopify.host import read_host
from stores.shopify.session_token import NotASessionToken, bearer, verify
from stores.shopify.signed_query import is_fresh, is_proxied, is_signed, read_query

ROOT = Path(__file__).parents[3]
VECTORS = next(
    (
        found
        for shared in (os.environ.get("SHARED", ""), ROOT / "../shared", ROOT / "../../shared")
        if shared and (found := Path(shared) / "vectors/shopify.json").is_file()
    ),
    None,
)
pytestmark = pytest.mark.skipif(VECTORS is None, reason="there is no folder of shared vectors")


def cases(family):
    found = json.loads(VECTORS.read_text())[family] if VECTORS else []
    return [
        pytest.param(case, id=str(case.get("name", number))) for number, case in enumerate(found)
    ]


@pytest.mark.parametrize("case", cases("oauth_query_hmac"))
def test_a_signed_query_is_told_from_others(case):
    pairs = [
        (key, value)
        for key, values in case["params"].items()
        for value in (values if isinstance(values, list) else [values])
    ]
    if "hmac" in case:
        pairs.append(("hmac", case["hmac"]))
    secrets = (case["secret"], case.get("old_secret", ""))

    valid = is_signed(pairs, secrets=secrets)
    if "now" in case:
        valid = valid and is_fresh(pairs, now=case["now"])

    assert valid == case["expected_valid"]


@pytest.mark.parametrize("case", cases("app_proxy_signature"))
def test_a_proxied_request_is_told_from_others(case):
    pairs = read_query(case["query"])
    if "signature" in case:
        pairs.append(("signature", case["signature"]))

    valid = is_proxied(pairs, secrets=(case["secret"],), now=case["now"])

    assert valid == case["expected_valid"]


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("case", cases("session_token_jwt"))
def test_a_session_token_of_the_admin_is_told_from_others(case):
    def valid(raw):
        secrets = (case["secret"], case.get("old_secret", ""))
        try:
            verify(raw, client_id=case["client_id"], secrets=secrets, now=case["now"])
        except NotASessionToken:
            return False
        return True

    assert valid(bearer(case["authorization_header"])) == case["our_app_home_expected_valid"]


@pytest.mark.parametrize("case", cases("shop_domain"))
def test_a_shops_domain_is_told_from_others(case):
    assert shop_domain(case["input"]) == case["our_rule"]


@pytest.mark.parametrize("case", cases("host_parameter"))
def test_a_host_parameter_is_told_from_others(case):
    for said in {case["host"], case.get("host_unpadded", case["host"])}:
        assert read_host(said) == (case["decoded"] if case["expected_valid"] else None)


@pytest.mark.parametrize(
    "case", [each for each in cases("webhook_hmac") if each.values[0].get("method") != "GET"]
)
def test_a_deliverys_signature_is_told_from_others(case):
    signed_by_nobody = {"missing_hmac", "invalid_hmac"}
    head = shopify.read_headers(case["headers"])
    body = case.get("body", "").encode()
    if "body_base64" in case:
        body = base64.b64decode(case["body_base64"])

    verified = shopify.verify(body, head=head, secrets=(case["secret"], case.get("old_secret", "")))

    assert verified == (case.get("expected_reason") not in signed_by_nobody)
