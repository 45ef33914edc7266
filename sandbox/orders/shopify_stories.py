"""What may become of an order at Shopify, and the webhooks that tell of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.orders.baskets import Basket
from sandbox.orders.shopify import Money, browser, current_amounts, moment
from sandbox.orders.story import Act, Facts, Kind, Order

_STAFF_BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:144.0) Firefox/144.0"
_PAID_AT_ONCE = ("orders/create", "orders/paid")
_NOBODY_AT_A_BROWSER: Order = {
    "browser_ip": None,
    "client_details": None,
    "cart_token": None,
    "checkout_token": None,
    "landing_site": None,
    "referring_site": None,
    "note_attributes": [],
}


def _unpaid(order: Order, facts: Facts, at: datetime) -> Order:
    total = order["total_price"]
    return order | {
        "financial_status": "pending",
        "total_outstanding": total,
        "payment_gateway_names": ["Bank Deposit"],
    }


def _cash_on_delivery(order: Order, facts: Facts, at: datetime) -> Order:
    gateway = {"payment_gateway_names": ["Cash on Delivery (COD)"]}
    return _unpaid(order, facts, at) | gateway


def _authorized(order: Order, facts: Facts, at: datetime) -> Order:
    return order | {"financial_status": "authorized", "total_outstanding": order["total_price"]}


def _partially_paid(order: Order, facts: Facts, at: datetime) -> Order:
    return _unpaid(order, facts, at) | {"financial_status": "partially_paid"}


def _paid(order: Order, facts: Facts, at: datetime) -> Order:
    nothing = str(Decimal(order["total_price"]) * 0)
    return order | {
        "financial_status": "paid",
        "total_outstanding": nothing,
        "updated_at": moment(at),
    }


def _cancelled(order: Order, facts: Facts, at: datetime) -> Order:
    return order | {
        "financial_status": "voided",
        "cancelled_at": moment(at),
        "cancel_reason": "customer",
        "closed_at": moment(at),
        "updated_at": moment(at),
    }


def _test(order: Order, facts: Facts, at: datetime) -> Order:
    return order | {"test": True, "payment_gateway_names": ["bogus"]}


def _point_of_sale(order: Order, facts: Facts, at: datetime) -> Order:
    return order | {
        **_NOBODY_AT_A_BROWSER,
        "app_id": 129785,
        "source_name": "pos",
        "source_identifier": f"1-{facts.number}",
        "location_id": 68_000_000_001,
        "device_id": 5,
        "user_id": 90_000_000_001,
        "payment_gateway_names": ["cash"],
        "billing_address": None,
        "shipping_address": None,
    }


def _over_the_counter_to_nobody(order: Order, facts: Facts, at: datetime) -> Order:
    nobody = {"customer": None, "email": None, "contact_email": None}
    return _point_of_sale(order, facts, at) | nobody


def _draft(order: Order, facts: Facts, at: datetime) -> Order:
    # The browser is the member of staff's who typed the draft, not the buyer's.
    staff = browser("192.0.2.77", _STAFF_BROWSER, "en")
    typed = {"source_name": "shopify_draft_order", "app_id": 1354745, "client_details": staff}
    return order | _NOBODY_AT_A_BROWSER | typed


def _unpaid_draft(order: Order, facts: Facts, at: datetime) -> Order:
    return _unpaid(_draft(order, facts, at), facts, at) | {
        "payment_terms": {"payment_terms_name": "Net 30", "payment_terms_type": "net"},
        "payment_gateway_names": [],
    }


def _renewal(order: Order, facts: Facts, at: datetime) -> Order:
    source = {"source_name": "subscription_contract", "app_id": 6_000_001, "tags": "Subscription"}
    return order | _NOBODY_AT_A_BROWSER | source


def _imported(order: Order, facts: Facts, at: datetime) -> Order:
    long_ago = moment(at - timedelta(days=400))
    source = {"source_name": "6000002", "app_id": 6_000_002, "tags": "imported"}
    return order | _NOBODY_AT_A_BROWSER | source | {"processed_at": long_ago}


def _one_line_removed(order: Order, facts: Facts, at: datetime) -> Order:
    left = replace(facts.basket, lines=facts.basket.lines[:-1])
    *kept, removed = order["line_items"]
    removed = removed | {"current_quantity": 0, "fulfillable_quantity": 0}
    return order | {
        **current_amounts(Money.of(facts, left)),
        "line_items": [*kept, removed],
        "updated_at": moment(at),
    }


def _order_edit(order: Order, facts: Facts, at: datetime) -> Order:
    """The body of orders/edited, which is no order."""
    removed = order["line_items"][-1]
    removal = {"id": removed["id"], "delta": removed["quantity"]}
    edit: Order = {
        "id": facts.order_id + 301,
        "app_id": None,
        "created_at": moment(at),
        "notify_customer": False,
        "order_id": facts.order_id,
        "staff_note": "Out of stock",
        "user_id": 90_000_000_001,
        "line_items": {"additions": [], "removals": [removal]},
        "discounts": {"line_item": {"additions": [], "removals": []}},
        "shipping_lines": {"additions": []},
    }
    return {"order_edit": edit}


def _partially_refunded(order: Order, facts: Facts, at: datetime) -> Order:
    last = replace(
        facts.basket, lines=facts.basket.lines[-1:], shipping=_NOTHING, shipping_tax=_NOTHING
    )
    refund = _refund(order["line_items"][-1:], last, facts, at)
    return _one_line_removed(order, facts, at) | {
        "financial_status": "partially_refunded",
        "refunds": [refund],
    }


def _refunded(order: Order, facts: Facts, at: datetime) -> Order:
    nothing = replace(facts.basket, lines=(), shipping=_NOTHING, shipping_tax=_NOTHING)
    return order | {
        **current_amounts(Money.of(facts, nothing)),
        "financial_status": "refunded",
        "line_items": [line | {"current_quantity": 0} for line in order["line_items"]],
        "refunds": [_refund(order["line_items"], facts.basket, facts, at)],
        "updated_at": moment(at),
    }


def _refund(lines: list[Order], refunded: Basket, facts: Facts, at: datetime) -> Order:
    refund_id = facts.order_id + 401
    money = Money.of(facts, refunded)
    return {
        "id": refund_id,
        "admin_graphql_api_id": f"gid://shopify/Refund/{refund_id}",
        "created_at": moment(at),
        "note": "Arrived broken",
        "order_id": facts.order_id,
        "processed_at": moment(at),
        "restock": True,
        "total_duties_set": money.set(lambda b: _NOTHING),
        "user_id": 90_000_000_001,
        "order_adjustments": [],
        "transactions": [
            {
                "id": refund_id + 1,
                "amount": money.text(lambda b: b.total),
                "currency": refunded.currency,
                "gateway": "shopify_payments",
                "kind": "refund",
                "order_id": facts.order_id,
                "processed_at": moment(at),
                "status": "success",
                "test": False,
            }
        ],
        "refund_line_items": [
            {"id": refund_id + 11 + n, **_refund_line(line, money, n)}
            for n, line in enumerate(lines)
        ],
        "duties": [],
        "additional_fees": [],
    }


def _refund_line(line: Order, money: Money, n: int) -> Order:
    return {
        "line_item_id": line["id"],
        "location_id": None,
        "quantity": line["quantity"],
        "restock_type": "return",
        # Numbers, unlike anywhere else in the body.
        "subtotal": float(money.shop.lines[n].entered),
        "subtotal_set": money.set(lambda b: b.lines[n].entered),
        "total_tax": float(money.shop.lines[n].tax),
        "total_tax_set": money.set(lambda b: b.lines[n].tax),
        "line_item": line,
    }


def _the_refund(order: Order, facts: Facts, at: datetime) -> Order:
    """The body of refunds/create."""
    refund: Order = order["refunds"][-1]
    return refund


def _only_the_id(order: Order, facts: Facts, at: datetime) -> Order:
    return {"id": order["id"]}


_NOTHING = Decimal()
_SOON, _LATER, _DAYS_LATER = timedelta(minutes=2), timedelta(minutes=40), timedelta(days=2)

KINDS = {
    "card": Kind("bought on the web, paid by card", "purchase", [Act(_PAID_AT_ONCE)], weight=40),
    "updated_first": Kind(
        "paid by card, and orders/updated overtakes the others",
        "purchase",
        [Act(("orders/updated", "orders/paid", "orders/create"))],
    ),
    "bank_transfer": Kind(
        "a bank transfer that arrived two days later",
        "purchase",
        [
            Act(["orders/create"], _unpaid),
            Act(["orders/paid", "orders/updated"], _paid, after=_DAYS_LATER),
        ],
        weight=4,
    ),
    "cash_on_delivery": Kind(
        "paid in cash at the door",
        "purchase",
        [Act(["orders/create"], _cash_on_delivery), Act(["orders/paid"], _paid, after=_DAYS_LATER)],
        weight=4,
    ),
    "captured": Kind(
        "authorized at checkout, captured later",
        "purchase",
        [Act(["orders/create"], _authorized), Act(["orders/paid"], _paid, after=_LATER)],
    ),
    "unpaid": Kind(
        "a bank transfer that never arrived", "unpaid", [Act(["orders/create"], _unpaid)], weight=3
    ),
    "partially_paid": Kind(
        "half of it paid so far",
        "unpaid",
        [Act(["orders/create", "orders/updated"], _partially_paid)],
    ),
    "cancelled": Kind(
        "cancelled before it was paid",
        "cancelled",
        [
            Act(["orders/create"], _unpaid),
            Act(["orders/cancelled", "orders/updated"], _cancelled, after=_SOON),
        ],
        weight=3,
    ),
    "deleted": Kind(
        "never paid, then deleted: the last body is an id alone",
        "unpaid",
        [Act(["orders/create"], _unpaid), Act(["orders/delete"], sends=_only_the_id, after=_SOON)],
    ),
    "test": Kind("a test order, paid with the bogus gateway", "test", [Act(_PAID_AT_ONCE, _test)]),
    "pos": Kind(
        "sold over the counter to somebody on file",
        "purchase",
        [Act(_PAID_AT_ONCE, _point_of_sale)],
        weight=3,
        email_known=True,
        basket={"shipped": False},
    ),
    "pos_anonymous": Kind(
        "sold over the counter to who knows whom",
        "anonymous",
        [Act(_PAID_AT_ONCE, _over_the_counter_to_nobody)],
        basket={"shipped": False},
    ),
    "draft": Kind("a draft order whose invoice was paid", "purchase", [Act(_PAID_AT_ONCE, _draft)]),
    "draft_unpaid": Kind(
        "a draft order, to be paid within 30 days",
        "unpaid",
        [Act(["orders/create"], _unpaid_draft)],
    ),
    "partial_refund": Kind(
        "one line given back",
        "purchase",
        [
            Act(_PAID_AT_ONCE),
            Act(["orders/updated"], _partially_refunded, after=_LATER),
            Act(["refunds/create"], sends=_the_refund, after=_LATER),
        ],
        basket={"at_least": 2},
    ),
    "refunded": Kind(
        "all of it given back",
        "purchase",
        [
            Act(_PAID_AT_ONCE),
            Act(["orders/updated"], _refunded, after=_LATER),
            Act(["refunds/create"], sends=_the_refund, after=_LATER),
        ],
    ),
    "edited": Kind(
        "a line taken off by the merchant after payment",
        "purchase",
        [
            Act(_PAID_AT_ONCE),
            Act(["orders/edited"], sends=_order_edit, after=_LATER),
            Act(["orders/updated"], _one_line_removed, after=_LATER),
        ],
        basket={"at_least": 2},
    ),
    "zero_total": Kind(
        "everything taken off by a discount code",
        "zero_value",
        [Act(_PAID_AT_ONCE)],
        basket={"free": True},
    ),
    "gift_card": Kind(
        "a gift card bought", "purchase", [Act(_PAID_AT_ONCE)], basket={"gift_card": True}
    ),
    "renewal": Kind(
        "a subscription renewed by itself",
        "purchase",
        [Act(_PAID_AT_ONCE, _renewal)],
        basket={"renewal": True},
    ),
    "imported": Kind(
        "an order of last year, imported today", "imported", [Act(_PAID_AT_ONCE, _imported)]
    ),
}
