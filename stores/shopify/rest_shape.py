"""An order of the GraphQL API, written as a webhook writes it: one reader reads both. Pure.

What the webhook has and this API lacks is left out, never guessed.
https://shopify.dev/docs/api/admin-graphql/2026-10/objects/Order
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

Node = dict[str, Any]

# The states of a shipment that the webhook has too; the others say no more than that there is one.
SHIPMENT = frozenset(
    [
        "ATTEMPTED_DELIVERY",
        "CONFIRMED",
        "DELIVERED",
        "FAILURE",
        "IN_TRANSIT",
        "LABEL_PRINTED",
        "LABEL_PURCHASED",
        "OUT_FOR_DELIVERY",
        "READY_FOR_PICKUP",
    ]
)
FULFILLMENT = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial", "RESTOCKED": "restocked"}


def rest_body(node: Node) -> bytes:
    """The body. The same order gives the same bytes, and so one delivery."""
    return msgspec.json.encode(rest_order(node))


def rest_order(node: Node) -> Node:
    """The order with the keys of a webhook."""
    visit = _visit(node.get("customerJourneySummary") or {})
    client_ip = node.get("clientIp")
    return {
        "id": int(node["legacyResourceId"]),
        "admin_graphql_api_id": node["id"],
        "name": node.get("name"),
        "confirmation_number": node.get("confirmationNumber"),
        "cart_token": node.get("cartToken"),
        "checkout_token": node.get("checkoutToken"),
        "created_at": node.get("createdAt"),
        "processed_at": node.get("processedAt"),
        "updated_at": node.get("updatedAt"),
        "cancelled_at": node.get("cancelledAt"),
        "test": node.get("test"),
        "source_name": node.get("sourceName"),
        "app_id": _number(node.get("app")),
        "tags": ", ".join(node.get("tags") or ()),
        "payment_gateway_names": node.get("paymentGatewayNames") or [],
        "financial_status": _lower(node.get("displayFinancialStatus")),
        "fulfillment_status": FULFILLMENT.get(node.get("displayFulfillmentStatus") or ""),
        "fulfillments": [_fulfillment(each) for each in node.get("fulfillments") or ()],
        "browser_ip": client_ip,
        "client_details": {"browser_ip": client_ip} if client_ip else None,
        "customer_locale": node.get("customerLocale"),
        "email": node.get("email"),
        "contact_email": node.get("email"),
        "phone": node.get("phone"),
        "currency": node.get("currencyCode"),
        "presentment_currency": node.get("presentmentCurrencyCode"),
        "taxes_included": node.get("taxesIncluded"),
        **_money("total_price", node.get("totalPriceSet")),
        **_money("subtotal_price", node.get("subtotalPriceSet")),
        **_money("total_tax", node.get("totalTaxSet")),
        **_money("total_shipping_price", node.get("totalShippingPriceSet")),
        **_money("total_tip_received", node.get("totalTipReceivedSet")),
        "original_total_duties_set": _bag(node.get("originalTotalDutiesSet")),
        "original_total_additional_fees_set": _bag(node.get("originalTotalAdditionalFeesSet")),
        "total_cash_rounding_payment_adjustment_set": _bag(
            (node.get("totalCashRoundingAdjustment") or {}).get("paymentSet")
        ),
        "note_attributes": [
            {"name": each["key"], "value": each["value"]}
            for each in node.get("customAttributes") or ()
        ],
        "customer": _customer(node.get("customer")),
        "billing_address": _address(node.get("billingAddress")),
        "shipping_address": _address(node.get("shippingAddress")),
        "landing_site": _path(visit.get("landingPage")),
        "referring_site": visit.get("referrerUrl"),
        "line_items": [_line(line) for line in _nodes(node, "lineItems")],
        "shipping_lines": [_shipping_line(line) for line in _nodes(node, "shippingLines")],
        "refunds": _refunds(node),
    }


def _line(line: Node) -> Node:
    return {
        "id": _number(line),
        "product_id": _resource(line.get("product")),
        "variant_id": _resource(line.get("variant")),
        "sku": line.get("sku"),
        "quantity": line.get("quantity"),
        "gift_card": line.get("isGiftCard"),
        "selling_plan_id": _tail((line.get("sellingPlan") or {}).get("sellingPlanId")),
        **_money("price", line.get("originalUnitPriceSet")),
        "discount_allocations": _allocations(line),
    }


def _shipping_line(line: Node) -> Node:
    return {
        "title": line.get("title"),
        "is_removed": line.get("isRemoved"),
        **_money("price", line.get("originalPriceSet")),
        "discount_allocations": _allocations(line),
        "tax_lines": [_money("price", tax.get("priceSet")) for tax in line.get("taxLines") or ()],
    }


def _allocations(line: Node) -> list[Node]:
    return [
        _money("amount", share.get("allocatedAmountSet"))
        for share in line.get("discountAllocations") or ()
    ]


def _refunds(node: Node) -> list[Node]:
    """All that was given back, as one refund whose money moved."""
    refunded = (node.get("totalRefundedSet") or {}).get("shopMoney")
    if not refunded or not float(refunded["amount"]):
        return []
    moved = {"kind": "refund", "status": "success", "amount": refunded["amount"]}
    return [{"transactions": [moved | {"currency": refunded["currencyCode"]}]}]


def _fulfillment(each: Node) -> Node:
    shipment = each.get("displayStatus") or ""
    return {
        "status": _lower(each.get("status")),
        "shipment_status": shipment.lower() if shipment in SHIPMENT else None,
    }


def _customer(customer: Node | None) -> Node | None:
    if not customer:
        return None
    return {
        "id": _number(customer),
        "first_name": customer.get("firstName"),
        "last_name": customer.get("lastName"),
        "email": (customer.get("defaultEmailAddress") or {}).get("emailAddress"),
        "phone": (customer.get("defaultPhoneNumber") or {}).get("phoneNumber"),
        "default_address": _address(customer.get("defaultAddress")),
    }


def _address(address: Node | None) -> Node | None:
    if not address:
        return None
    return {
        "first_name": address.get("firstName"),
        "last_name": address.get("lastName"),
        "phone": address.get("phone"),
        "city": address.get("city"),
        "province": address.get("province"),
        "province_code": address.get("provinceCode"),
        "zip": address.get("zip"),
        "country": address.get("country"),
        "country_code": address.get("countryCodeV2"),
    }


def _visit(journey: Node) -> Node:
    """The visit that led to the order. Shopify works the journey out a little later than the order."""
    return journey.get("lastVisit") or journey.get("firstVisit") or {}


def _path(address: str | None) -> str | None:
    """The webhook has the path and the query alone."""
    if not address:
        return None
    parts = urlsplit(address)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _money(name: str, bag: Node | None) -> Node:
    if not bag:
        return {name: None}
    return {name: bag["shopMoney"]["amount"], f"{name}_set": _bag(bag)}


def _bag(bag: Node | None) -> Node | None:
    if not bag:
        return None
    return {
        key: {"amount": bag[side]["amount"], "currency_code": bag[side]["currencyCode"]}
        for key, side in (("shop_money", "shopMoney"), ("presentment_money", "presentmentMoney"))
    }


def _nodes(node: Node, name: str) -> list[Node]:
    return (node.get(name) or {}).get("nodes") or []


def _resource(found: Node | None) -> int | None:
    return int(found["legacyResourceId"]) if found else None


def _number(found: Node | None) -> int | None:
    return _tail(found["id"]) if found else None


def _tail(gid: str | None) -> int | None:
    """The number at the end of `gid://shopify/LineItem/1`."""
    tail = (gid or "").rpartition("/")[2].partition("?")[0]
    return int(tail) if tail.isdecimal() else None


def _lower(word: str | None) -> str | None:
    return word.lower() if word else None
