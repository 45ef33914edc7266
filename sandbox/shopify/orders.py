"""An order as the webhook writes it, turned into what the GraphQL Admin API shows of it.

https://shopify.dev/docs/api/admin-graphql/2026-10/objects/Order
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Node = dict[str, Any]

FULFILLMENT = {
    None: "UNFULFILLED",
    "fulfilled": "FULFILLED",
    "partial": "PARTIALLY_FULFILLED",
    "restocked": "RESTOCKED",
}


def as_node(order: Node) -> Node:
    """The order's node. There is no user agent in it, and no `contact_email`."""
    customer = order.get("customer") or {}
    return {
        "id": f"gid://shopify/Order/{order['id']}",
        "legacyResourceId": str(order["id"]),
        "name": order.get("name"),
        "confirmationNumber": order.get("confirmation_number"),
        "cartToken": order.get("cart_token"),
        "checkoutToken": order.get("checkout_token"),
        "createdAt": moment(order.get("created_at")),
        "processedAt": moment(order.get("processed_at")),
        "updatedAt": moment(order.get("updated_at")),
        "cancelledAt": moment(order.get("cancelled_at")),
        "test": order.get("test", False),
        "sourceName": order.get("source_name"),
        "sourceIdentifier": order.get("source_identifier"),
        "app": _gid("App", order.get("app_id")),
        "retailLocation": _gid("Location", order.get("location_id")),
        "displayFinancialStatus": (order.get("financial_status") or "").upper() or None,
        "displayFulfillmentStatus": FULFILLMENT[order.get("fulfillment_status")],
        "fulfillments": [
            {
                "status": (each.get("status") or "").upper(),
                "displayStatus": (each.get("shipment_status") or "fulfilled").upper(),
            }
            for each in order.get("fulfillments", ())
        ],
        "originalTotalDutiesSet": _bag(order.get("original_total_duties_set")),
        "originalTotalAdditionalFeesSet": _bag(order.get("original_total_additional_fees_set")),
        "totalCashRoundingAdjustment": {
            "paymentSet": _bag(order.get("total_cash_rounding_payment_adjustment_set")),
            "refundSet": _bag(order.get("total_cash_rounding_refund_adjustment_set")),
        },
        "clientIp": order.get("browser_ip")
        or (order.get("client_details") or {}).get("browser_ip"),
        "customerLocale": order.get("customer_locale"),
        "customerAcceptsMarketing": order.get("buyer_accepts_marketing", False),
        "email": order.get("email"),
        "phone": order.get("phone"),
        "currencyCode": order.get("currency"),
        "presentmentCurrencyCode": order.get("presentment_currency") or order.get("currency"),
        "taxesIncluded": order.get("taxes_included", False),
        "totalPriceSet": _money(order, "total_price"),
        "currentTotalPriceSet": _money(order, "current_total_price"),
        "subtotalPriceSet": _money(order, "subtotal_price"),
        "totalTaxSet": _money(order, "total_tax"),
        "totalShippingPriceSet": _money(order, "total_shipping_price"),
        "totalDiscountsSet": _money(order, "total_discounts"),
        "totalTipReceivedSet": _plain(order.get("total_tip_received"), order),
        "totalRefundedSet": _plain(_refunded(order), order),
        "customAttributes": [
            {"key": note["name"], "value": note["value"]}
            for note in order.get("note_attributes", ())
        ],
        "tags": [tag.strip() for tag in (order.get("tags") or "").split(",") if tag.strip()],
        "paymentGatewayNames": order.get("payment_gateway_names", []),
        "customer": _customer(customer) if customer else None,
        "billingAddress": _address(order.get("billing_address")),
        "shippingAddress": _address(order.get("shipping_address")),
        "customerJourneySummary": _journey(order),
        "lineItems": [_line(line) for line in order.get("line_items", ())],
        "shippingLines": [
            {
                "title": line.get("title"),
                "isRemoved": line.get("is_removed", False),
                "originalPriceSet": _money(line, "price"),
                "discountedPriceSet": _money(line, "discounted_price"),
                "discountAllocations": _allocations(line),
                "taxLines": [
                    {"priceSet": _money(tax, "price")} for tax in line.get("tax_lines", ())
                ],
            }
            for line in order.get("shipping_lines", ())
        ],
    }


def moment(said: str | None) -> str | None:
    """GraphQL shows moments in UTC, whatever the webhook's offset."""
    if said is None:
        return None
    return datetime.fromisoformat(said).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _customer(customer: Node) -> Node:
    return {
        "id": f"gid://shopify/Customer/{customer['id']}",
        "legacyResourceId": str(customer["id"]),
        "firstName": customer.get("first_name"),
        "lastName": customer.get("last_name"),
        "dataSaleOptOut": False,
        "numberOfOrders": str(customer.get("orders_count", 1)),
        "defaultEmailAddress": {"emailAddress": email, "marketingState": "NOT_SUBSCRIBED"}
        if (email := customer.get("email"))
        else None,
        "defaultPhoneNumber": {"phoneNumber": phone, "marketingState": "NOT_SUBSCRIBED"}
        if (phone := customer.get("phone"))
        else None,
        "defaultAddress": _address(customer.get("default_address")),
    }


def _address(address: Node | None) -> Node | None:
    if not address:
        return None
    names = {
        "firstName": "first_name",
        "lastName": "last_name",
        "city": "city",
        "province": "province",
        "provinceCode": "province_code",
        "zip": "zip",
        "country": "country",
        "countryCodeV2": "country_code",
        "phone": "phone",
    }
    return {name: address.get(key) for name, key in names.items()}


def _journey(order: Node) -> Node | None:
    """Of orders from the web, and with the shop's own address before the path."""
    landing = order.get("landing_site")
    if landing is None:
        return None
    visit = {
        "landingPage": f"https://shop.example{landing}" if landing.startswith("/") else landing,
        "referrerUrl": order.get("referring_site") or None,
        "source": "direct",
        "utmParameters": None,
    }
    return {"ready": True, "lastVisit": visit, "firstVisit": visit}


def _line(line: Node) -> Node:
    plan = line.get("selling_plan_id")
    return {
        "id": f"gid://shopify/LineItem/{line['id']}",
        "quantity": line["quantity"],
        "currentQuantity": line.get("current_quantity", line["quantity"]),
        "sku": line.get("sku"),
        "isGiftCard": line.get("gift_card", False),
        "requiresShipping": line.get("requires_shipping", True),
        "title": line.get("title", ""),
        "product": _resource("Product", line.get("product_id")),
        "variant": _resource("ProductVariant", line.get("variant_id")),
        "sellingPlan": {"sellingPlanId": f"gid://shopify/SellingPlan/{plan}"} if plan else None,
        "originalUnitPriceSet": _money(line, "price"),
        "originalTotalSet": _times(_money(line, "price"), line["quantity"]),
        "priceAfterAllDiscountsBeforeTaxesSet": _discounted(line),
        "discountAllocations": _allocations(line),
    }


def _allocations(line: Node) -> list[Node]:
    return [
        {"allocatedAmountSet": _money(share, "amount")}
        for share in line.get("discount_allocations", ())
    ]


def _money(owner: Node, name: str) -> Node | None:
    return _bag(owner.get(f"{name}_set")) or _plain(owner.get(name), owner)


def _bag(bag: Node | None) -> Node | None:
    if bag is None:
        return None
    return {
        side: {"amount": bag[key]["amount"], "currencyCode": bag[key]["currency_code"]}
        for side, key in (("shopMoney", "shop_money"), ("presentmentMoney", "presentment_money"))
    }


def _plain(amount: str | None, order: Node) -> Node | None:
    if amount is None:
        return None
    money = {"amount": amount, "currencyCode": order.get("currency", "EUR")}
    return {"shopMoney": money, "presentmentMoney": money}


def _refunded(order: Node) -> str:
    moved = [
        Decimal(transaction["amount"])
        for refund in order.get("refunds", ())
        for transaction in refund.get("transactions", ())
        if (transaction["kind"], transaction["status"]) == ("refund", "success")
    ]
    return str(sum(moved, Decimal("0.0")))


def _times(bag: Node | None, quantity: int) -> Node | None:
    if bag is None:
        return None
    return {
        side: money | {"amount": str(Decimal(money["amount"]) * quantity)}
        for side, money in bag.items()
    }


def _discounted(line: Node) -> Node | None:
    bag = _times(_money(line, "price"), line["quantity"])
    if bag is None:
        return None
    for share in _allocations(line):
        bag = {
            side: money
            | {
                "amount": str(
                    Decimal(money["amount"]) - Decimal(share["allocatedAmountSet"][side]["amount"])
                )
            }
            for side, money in bag.items()
        }
    return bag


def _gid(kind: str, number: object) -> Node | None:
    return {"id": f"gid://shopify/{kind}/{number}"} if number else None


def _resource(kind: str, number: object) -> Node | None:
    if not number:
        return None
    return {"id": f"gid://shopify/{kind}/{number}", "legacyResourceId": str(number)}
