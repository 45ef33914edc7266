"""The invented orders: repeatable, adding up to the cent, and as varied as promised."""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.orders import KINDS, Platform, Step, Story, bodies, stories

NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
PLATFORMS: tuple[Platform, ...] = ("shopify", "woocommerce")

SHOPIFY_KEYS = (
    "id admin_graphql_api_id app_id browser_ip buyer_accepts_marketing cancel_reason cancelled_at"
    " cart_token checkout_token client_details closed_at confirmation_number confirmed"
    " contact_email created_at currency current_shipping_price_set current_subtotal_price"
    " current_subtotal_price_set current_total_additional_fees_set current_total_discounts"
    " current_total_discounts_set current_total_duties_set current_total_price"
    " current_total_price_set current_total_tax current_total_tax_set customer_locale device_id"
    " discount_codes duties_included email estimated_taxes financial_status fulfillment_status"
    " landing_site landing_site_ref location_id merchant_business_entity_id"
    " merchant_of_record_app_id name note note_attributes number order_number order_status_url"
    " original_total_additional_fees_set original_total_duties_set payment_gateway_names phone"
    " po_number presentment_currency processed_at reference referring_site source_identifier"
    " source_name source_url subtotal_price subtotal_price_set tags tax_exempt tax_lines"
    " taxes_included test token total_cash_rounding_payment_adjustment_set"
    " total_cash_rounding_refund_adjustment_set total_discounts total_discounts_set"
    " total_line_items_price total_line_items_price_set total_outstanding total_price"
    " total_price_set total_shipping_price_set total_tax total_tax_set total_tip_received"
    " total_weight updated_at user_id billing_address customer discount_applications"
    " fulfillments line_items payment_terms refunds shipping_address shipping_lines returns"
    " line_item_groups"
)
WOOCOMMERCE_KEYS = (
    "id parent_id status currency version prices_include_tax date_created date_modified"
    " discount_total discount_tax shipping_total shipping_tax cart_tax total total_tax"
    " customer_id order_key billing shipping payment_method payment_method_title transaction_id"
    " customer_ip_address customer_user_agent created_via customer_note date_completed date_paid"
    " cart_hash number meta_data line_items tax_lines shipping_lines fee_lines coupon_lines"
    " refunds payment_url is_editable needs_payment needs_processing date_created_gmt"
    " date_modified_gmt date_completed_gmt date_paid_gmt currency_symbol _links"
)


def told(platform: Platform, count: int = 400, **options: Any) -> list[Story]:
    return list(stories(platform=platform, count=count, now=NOW, **options))


def only(platform: Platform, kind: str) -> list[tuple[str, Any]]:
    [story] = told(platform, count=1, kinds=[kind])
    return [(step.topic, json.loads(step.body)) for step in story.steps]


def first_bodies(told: Iterable[Story]) -> list[Any]:
    return [json.loads(story.steps[0].body) for story in told]


def total(amounts: Iterable[str]) -> Decimal:
    return sum((Decimal(amount) for amount in amounts), Decimal())


@pytest.fixture(scope="module")
def shopify() -> list[Story]:
    return told("shopify")


@pytest.fixture(scope="module")
def woocommerce() -> list[Story]:
    return told("woocommerce")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_seed_and_a_time_always_give_the_same_bytes(platform: Platform) -> None:
    assert told(platform, 50, seed=7) == told(platform, 50, seed=7)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_another_seed_gives_other_orders(platform: Platform) -> None:
    ids = [{story.order_id for story in told(platform, seed=seed)} for seed in (7, 8)]

    assert ids[0] & ids[1] == set()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_kind_comes_up_once_before_any_comes_up_by_chance(platform: Platform) -> None:
    kinds = Counter(story.kind for story in told(platform, len(KINDS[platform])))

    assert kinds == dict.fromkeys(KINDS[platform], 1)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_most_orders_are_paid_and_every_expectation_comes_up(platform: Platform) -> None:
    counts = Counter(story.expect for story in told(platform))

    rare = {
        "shopify": {"unpaid", "cancelled", "test", "zero_value", "imported", "anonymous"},
        "woocommerce": {
            "unpaid", "cancelled", "draft", "zero_value", "tracked_elsewhere", "unreadable",
        },
    }  # fmt: skip
    assert set(counts) == rare[platform] | {"purchase"}
    assert counts["purchase"] > 250


@pytest.mark.parametrize(("platform", "count"), [("shopify", 0), ("woocommerce", 3)])
def test_as_many_as_asked_for_come(platform: Platform, count: int) -> None:
    assert len(told(platform, count)) == count


def test_what_cannot_be_told_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="no such kind at shopify: barter"):
        stories(platform="shopify", count=1, now=NOW, kinds=["card", "barter"])
    with pytest.raises(ValueError, match="no rate for XAU"):
        stories(platform="shopify", count=1, now=NOW, currency="XAU")
    with pytest.raises(ValueError, match="there are no -1 orders"):
        stories(platform="shopify", count=-1, now=NOW)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_all_of_it_happened_in_the_last_days_and_in_order(platform: Platform) -> None:
    for story in told(platform):
        moments = [story.placed_at, *(step.at for step in story.steps)]
        assert moments == sorted(moments)
        assert NOW - timedelta(days=3) < moments[0]
        assert moments[-1] <= NOW


def test_the_world_buys(shopify: list[Story], woocommerce: list[Story]) -> None:
    everything = [*shopify, *woocommerce]

    currencies = {story.currency for story in everything}
    assert len({story.country for story in everything}) >= 20
    assert currencies >= {"JPY", "KRW", "VND", "CLP", "KWD", "BHD", "TND", "EUR", "USD"}


def test_names_are_written_in_many_scripts(shopify: list[Story]) -> None:
    names = [order["billing_address"] for order in first_bodies(shopify)]

    letters = {c for name in names if name for c in name["name"]}
    scripts = {unicodedata.name(c, "").split()[0] for c in letters}
    assert scripts >= {
        "LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "CJK", "HANGUL",
        "HIRAGANA", "KANGAROO",
    }  # fmt: skip


def test_nobody_can_be_reached_by_mail(woocommerce: list[Story]) -> None:
    orders = [order for order in first_bodies(woocommerce) if "billing" in order]

    mails = [order["billing"]["email"].strip().lower() for order in orders]
    domains = {mail.partition("@")[2] for mail in mails if mail}
    assert domains == {"example.com", "example.net", "example.org", "mail.example", "post.example"}
    assert "" in mails


@pytest.mark.parametrize("platform", PLATFORMS)
def test_lines_go_from_one_to_ten_and_buyers_return(platform: Platform) -> None:
    orders = [order for order in first_bodies(told(platform)) if "line_items" in order]

    buyers = Counter(
        json.dumps(order.get("billing") or order.get("billing_address")) for order in orders
    )
    assert {len(order["line_items"]) for order in orders} == set(range(1, 11))
    assert buyers.most_common(1)[0][1] > 1


def test_some_shopify_ids_are_beyond_what_a_float_can_hold(shopify: list[Story]) -> None:
    ids = [int(story.order_id) for story in shopify]

    assert len(set(ids)) == len(ids)
    assert 0 < sum(order_id > 2**53 for order_id in ids) < len(ids) / 2


def test_browsers_come_by_both_ip_versions_and_some_by_an_ad(shopify: list[Story]) -> None:
    orders = [order for order in first_bodies(shopify) if order["source_name"] == "web"]

    ips = [order["client_details"]["browser_ip"] for order in orders]
    attributes = {pair["name"] for order in orders for pair in order["note_attributes"]}
    assert any(":" in ip for ip in ips)
    assert any("." in ip for ip in ips)
    assert any(order["browser_ip"] is None for order in orders)
    assert any("fbclid=" in order["landing_site"] for order in orders)
    assert attributes == {"_fbp", "_fbc"}


def test_a_shopify_order_has_every_key_of_the_documented_body(shopify: list[Story]) -> None:
    for order in first_bodies(shopify):
        assert " ".join(order) == SHOPIFY_KEYS


def test_a_woocommerce_order_has_every_key_of_wc_v3(woocommerce: list[Story]) -> None:
    for order in first_bodies(woocommerce):
        assert "code" in order or " ".join(order) == WOOCOMMERCE_KEYS


@pytest.mark.parametrize("money", ["shop_money", "presentment_money"])
def test_shopify_sums_hold_to_the_cent_in_either_currency(shopify: list[Story], money: str) -> None:
    for order in first_bodies(shopify):

        def amount(of: dict[str, Any], key: str, money: str = money) -> Decimal:
            return Decimal(of[f"{key}_set"][money]["amount"])

        lines = order["line_items"]
        full = sum(amount(line, "price") * line["quantity"] for line in lines)
        discounts = sum(
            amount(part, "amount") for line in lines for part in line["discount_allocations"]
        )
        shipping = sum(amount(line, "price") for line in order["shipping_lines"])
        taxes = sum(
            amount(tax, "price")
            for line in [*lines, *order["shipping_lines"]]
            for tax in line["tax_lines"]
        )
        on_top = Decimal() if order["taxes_included"] else taxes
        assert amount(order, "total_line_items_price") == full
        assert amount(order, "total_discounts") == discounts
        assert amount(order, "subtotal_price") == full - discounts
        assert amount(order, "total_shipping_price") == shipping
        assert amount(order, "total_tax") == taxes
        assert amount(order, "total_price") == full - discounts + shipping + on_top
        assert amount(order, "current_total_price") == amount(order, "total_price")


def test_woocommerce_sums_hold_to_the_cent(woocommerce: list[Story]) -> None:
    for order in first_bodies(woocommerce):
        if "code" in order:
            continue
        lines, shipping = order["line_items"], order["shipping_lines"]
        net = total(line["total"] for line in lines)
        before = total(line["subtotal"] for line in lines)
        assert Decimal(order["cart_tax"]) == total(line["total_tax"] for line in lines)
        assert Decimal(order["discount_total"]) == before - net
        assert Decimal(order["shipping_total"]) == total(line["total"] for line in shipping)
        assert Decimal(order["total_tax"]) == total([order["cart_tax"], order["shipping_tax"]])
        assert Decimal(order["total"]) == net + total([order["shipping_total"], order["total_tax"]])


@pytest.mark.parametrize(("currency", "decimals"), [("JPY", 0), ("USD", 2), ("KWD", 3)])
def test_a_shop_writes_the_decimals_of_its_currency(currency: str, decimals: int) -> None:
    orders = first_bodies(told("shopify", 30, currency=currency))

    places = {len(order["total_price"].partition(".")[2]) for order in orders}
    assert {order["currency"] for order in orders} == {currency}
    assert places == {decimals}


def test_a_yen_store_may_be_set_to_two_decimals() -> None:
    orders = first_bodies(told("woocommerce", 30, currency="JPY", kinds=["card"]))

    places = {len(order["total"].partition(".")[2]) for order in orders}
    assert places == {0, 2}


def test_the_shops_currency_is_not_always_the_buyers(shopify: list[Story]) -> None:
    pairs = {(order["currency"], order["presentment_currency"]) for order in first_bodies(shopify)}

    assert any(ours == theirs for ours, theirs in pairs)
    assert any(ours != theirs for ours, theirs in pairs)


def test_bodies_are_written_as_each_platform_writes_them(
    shopify: list[Story], woocommerce: list[Story]
) -> None:
    ruby = b"".join(step.body for story in shopify for step in story.steps)
    php = b"".join(step.body for story in woocommerce for step in story.steps)

    assert not ruby.isascii()
    assert b"Sandbox \\u0026 Sons" in ruby
    assert b"&" not in ruby
    assert php.isascii()
    assert b"https:\\/\\/" in php
    assert b"://" not in php


def test_the_two_deliveries_of_a_woocommerce_checkout_are_the_same_bytes() -> None:
    [story] = told("woocommerce", 1, kinds=["card"])

    updated, created = story.steps
    assert (updated.topic, created.topic) == ("order.updated", "order.created")
    assert updated.body == created.body
    assert updated.action == created.action


def test_cash_on_delivery_is_paid_when_completed() -> None:
    *_, (_, placed), (_, completed) = only("woocommerce", "cash_on_delivery")

    assert (placed["status"], placed["date_paid_gmt"]) == ("processing", None)
    assert completed["status"] == "completed"
    assert completed["date_paid_gmt"] == completed["date_completed_gmt"]
    assert completed["date_paid_gmt"] > placed["date_created_gmt"]


def test_a_bank_transfer_is_on_hold_until_it_arrives() -> None:
    *_, (_, placed), (_, paid) = only("woocommerce", "bank_transfer")

    assert (placed["status"], placed["date_paid_gmt"]) == ("on-hold", None)
    assert paid["status"] == "processing"
    assert paid["date_paid_gmt"] == paid["date_modified_gmt"] > placed["date_created_gmt"]


def test_an_unpaid_shopify_order_becomes_paid() -> None:
    (created, pending), (paid_topic, paid), _ = only("shopify", "bank_transfer")

    assert (created, pending["financial_status"]) == ("orders/create", "pending")
    assert pending["total_outstanding"] == pending["total_price"]
    assert (paid_topic, paid["financial_status"]) == ("orders/paid", "paid")
    assert Decimal(paid["total_outstanding"]) == 0
    assert paid["updated_at"] > pending["updated_at"]


@pytest.mark.parametrize(
    ("platform", "kind", "topic", "keys"),
    [
        ("shopify", "deleted", "orders/delete", ["id"]),
        ("shopify", "edited", "orders/edited", ["order_edit"]),
        ("woocommerce", "trashed", "order.deleted", ["id"]),
        ("woocommerce", "no_permission", "order.updated", ["code", "message", "data"]),
        (
            "woocommerce", "payment_action", "action.woocommerce_payment_complete",
            ["action", "arg"],
        ),
    ],
)  # fmt: skip
def test_some_bodies_are_no_orders(
    platform: Platform, kind: str, topic: str, keys: list[str]
) -> None:
    assert keys in [list(body) for sent, body in only(platform, kind) if sent == topic]


def test_a_refund_leaves_the_total_and_lowers_what_is_left() -> None:
    _, (_, paid), (_, refunded), (_, refund) = only("shopify", "partial_refund")

    given_back = total(each["amount"] for each in refund["transactions"])
    assert refunded["total_price"] == paid["total_price"]
    assert refunded["financial_status"] == "partially_refunded"
    assert Decimal(refunded["current_total_price"]) == Decimal(paid["total_price"]) - given_back
    assert refund["order_id"] == paid["id"]


def test_a_woocommerce_refund_is_negative_and_changes_neither_status_nor_total() -> None:
    _, (_, paid), (_, refunded) = only("woocommerce", "partial_refund")

    assert (refunded["status"], refunded["total"]) == (paid["status"], paid["total"])
    assert Decimal(refunded["refunds"][0]["total"]) < 0


def test_the_official_plugin_leaves_its_marks() -> None:
    _, (_, order) = only("woocommerce", "meta_for_woocommerce")

    keys = {each["key"] for each in order["meta_data"]}
    assert keys >= {"_meta_event_id", "_meta_purchase_tracked_server"}


@pytest.mark.parametrize("kind", ["pos", "draft", "renewal"])
def test_where_no_buyer_sat_at_a_browser_none_is_told_of(kind: str) -> None:
    (_, order), *_ = only("shopify", kind)

    assert order["source_name"] in ("pos", "shopify_draft_order", "subscription_contract")
    assert (order["browser_ip"], order["landing_site"], order["checkout_token"]) == (None,) * 3
    assert order["note_attributes"] == []


def test_zero_totals_are_zero_and_paid() -> None:
    (_, shopify), *_ = only("shopify", "zero_total")
    (_, woocommerce), *_ = only("woocommerce", "zero_total")

    assert (Decimal(shopify["total_price"]), shopify["financial_status"]) == (0, "paid")
    assert Decimal(woocommerce["total"]) == 0
    assert woocommerce["date_paid_gmt"] is not None


@pytest.mark.parametrize("platform", PLATFORMS)
def test_load_bodies_are_paid_orders_with_ids_of_their_own(platform: Platform) -> None:
    made = [json.loads(body) for body in bodies(platform=platform, count=1000, now=NOW)]

    assert len({order["id"] for order in made}) == 1000
    assert {order.get("financial_status") or order["status"] for order in made} <= {
        "paid", "processing",
    }  # fmt: skip


def test_a_step_is_told_whole() -> None:
    [story] = told("woocommerce", 1, kinds=["renewal"])

    [step] = story.steps
    assert step == Step(topic="order.created", body=step.body, at=story.placed_at, action=0)
    assert json.loads(step.body)["id"] == int(story.order_id)
