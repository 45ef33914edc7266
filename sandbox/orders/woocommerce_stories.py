"""What may become of an order at WooCommerce, and the webhooks that tell of it.

The body is written when it is delivered, not when the thing happened: topics say little, the
status and `date_paid_gmt` say it all.
"""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.orders.story import Act, Facts, Kind, Order
from sandbox.orders.woocommerce import local, meta, money, utc

# The block checkout queues the update before the creation; the two bodies are the same.
_CHECKOUT = ("order.updated", "order.created")
_NOT_PAID: Order = {"date_paid": None, "date_paid_gmt": None, "transaction_id": ""}
_NOBODY_AT_A_BROWSER: Order = {"customer_ip_address": "", "customer_user_agent": ""}


def _cash_on_delivery(order: Order, facts: Facts, at: datetime) -> Order:
    # Processing, and not paid: WooCommerce counts the money when the order is completed.
    return order | _NOT_PAID | {"payment_method": "cod", "payment_method_title": "Cash"}


def _on_hold(order: Order, facts: Facts, at: datetime) -> Order:
    return (
        order
        | _NOT_PAID
        | {
            "status": "on-hold",
            "payment_method": "bacs",
            "payment_method_title": "Überweisung",
            "is_editable": True,
        }
    )


def _pending(order: Order, facts: Facts, at: datetime) -> Order:
    return order | _NOT_PAID | {"status": "pending", "is_editable": True, "needs_payment": True}


def _failed(order: Order, facts: Facts, at: datetime) -> Order:
    return order | _NOT_PAID | {"status": "failed", "needs_payment": True}


def _checkout_draft(order: Order, facts: Facts, at: datetime) -> Order:
    return (
        order
        | _NOT_PAID
        | {
            "status": "checkout-draft",
            "payment_method": "",
            "payment_method_title": "",
            "cart_hash": "",
            "needs_payment": False,
        }
    )


def _paid(order: Order, facts: Facts, at: datetime) -> Order:
    return _modified(order, at) | {
        "status": "processing",
        "date_paid": local(at),
        "date_paid_gmt": utc(at),
        "transaction_id": f"ch_{facts.token[-16:]}",
        "is_editable": False,
        "needs_payment": False,
    }


def _completed(order: Order, facts: Facts, at: datetime) -> Order:
    completed = _modified(order, at) | {
        "status": "completed",
        "date_completed": local(at),
        "date_completed_gmt": utc(at),
    }
    if not order["date_paid_gmt"]:
        completed |= {"date_paid": local(at), "date_paid_gmt": utc(at)}
    return completed


def _made_by_rest(order: Order, facts: Facts, at: datetime) -> Order:
    made = {"created_via": "rest-api", "cart_hash": "", "needs_processing": False}
    return _completed(order, facts, at) | _NOBODY_AT_A_BROWSER | made


def _cancelled(order: Order, facts: Facts, at: datetime) -> Order:
    return _modified(order, at) | {"status": "cancelled", "needs_payment": False}


def _reported_by_meta_for_woocommerce(order: Order, facts: Facts, at: datetime) -> Order:
    event_id = str(uuid.UUID(hex=facts.token, version=4))
    told = meta(
        order,
        _meta_event_id=event_id,
        _meta_purchase_tracked_server="1",
        _meta_purchase_tracked_browser="1",
    )
    return order | {"meta_data": told}


def _consented(order: Order, facts: Facts, at: datetime) -> Order:
    return order | {"meta_data": meta(order, _capi_consent_marketing="granted")}


def _renewal(order: Order, facts: Facts, at: datetime) -> Order:
    renewed = {
        "created_via": "subscription",
        "cart_hash": "",
        "meta_data": meta(order | {"meta_data": []}, _subscription_renewal=str(facts.number - 9)),
    }
    return order | _NOBODY_AT_A_BROWSER | renewed


def _partially_refunded(order: Order, facts: Facts, at: datetime) -> Order:
    # Status and total stay as they are.
    line = facts.basket.lines[0]
    entered = line.entered if facts.basket.tax_included else line.entered + line.tax
    return _modified(order, at) | {"refunds": [_refund(facts, entered, line.tax, "Danificado")]}


def _refunded(order: Order, facts: Facts, at: datetime) -> Order:
    refund = _refund(facts, facts.basket.total, facts.basket.total_tax, "")
    return _modified(order, at) | {"status": "refunded", "refunds": [refund]}


def _refund(facts: Facts, total: Decimal, tax: Decimal, reason: str) -> Order:
    return {
        "id": facts.order_id + 1,
        "reason": reason,
        "total": money(facts, -total),
        "total_tax": money(facts, -tax),
    }


def _address_corrected(order: Order, facts: Facts, at: datetime) -> Order:
    billing = order["billing"] | {"address_2": "2nd floor"}
    return _modified(order, at) | {"billing": billing}


def _only_the_id(order: Order, facts: Facts, at: datetime) -> Order:
    return {"id": order["id"]}


def _payment_action(order: Order, facts: Facts, at: datetime) -> Order:
    return {"action": "woocommerce_payment_complete", "arg": order["id"]}


def _refusal(order: Order, facts: Facts, at: datetime) -> Order:
    # The webhook's owner may no longer read orders: a REST error, signed like anything else.
    return {
        "code": "woocommerce_rest_cannot_view",
        "message": "Sorry, you cannot view this resource.",
        "data": {"status": 401},
    }


def _modified(order: Order, at: datetime) -> Order:
    return order | {"date_modified": local(at), "date_modified_gmt": utc(at)}


_SOON, _LATER, _DAYS_LATER = timedelta(minutes=2), timedelta(minutes=40), timedelta(days=2)

KINDS = {
    "card": Kind("paid by card at checkout", "purchase", [Act(_CHECKOUT)], weight=40),
    "consented": Kind(
        "paid by card, consent to marketing kept with the order",
        "purchase",
        [Act(_CHECKOUT, _consented)],
    ),
    "created_twice": Kind(
        "order.created told again while nothing changed, without order.updated",
        "purchase",
        [Act(["order.created"]), Act(["order.created"], after=_SOON)],
    ),
    "cash_on_delivery": Kind(
        "paid in cash at the door, two days later",
        "purchase",
        [Act(_CHECKOUT, _cash_on_delivery), Act(["order.updated"], _completed, after=_DAYS_LATER)],
        weight=6,
    ),
    "bank_transfer": Kind(
        "a bank transfer that arrived two days later",
        "purchase",
        [Act(_CHECKOUT, _on_hold), Act(["order.updated"], _paid, after=_DAYS_LATER)],
        weight=6,
    ),
    "payment_action": Kind(
        "pending, then paid, with an {action, arg} body in between",
        "purchase",
        [
            Act(["order.created"], _pending),
            Act(["action.woocommerce_payment_complete"], _paid, sends=_payment_action, after=_SOON),
            Act(["order.updated"], after=_SOON),
        ],
    ),
    "failed_then_paid": Kind(
        "the first card was declined, the second was not",
        "purchase",
        [Act(["order.created"], _failed), Act(["order.updated"], _paid, after=_LATER)],
    ),
    "completed": Kind(
        "paid, then sent out",
        "purchase",
        [Act(_CHECKOUT), Act(["order.updated"], _completed, after=_LATER)],
        weight=4,
    ),
    "rest_paid": Kind(
        "made by another program through REST, paid and completed at once",
        "purchase",
        [Act(["order.created", "order.updated"], _made_by_rest)],
    ),
    "cheque": Kind("a cheque that never arrived", "unpaid", [Act(_CHECKOUT, _on_hold)], weight=3),
    "pending": Kind("left at the payment page", "unpaid", [Act(["order.created"], _pending)]),
    "failed": Kind(
        "the card was declined", "unpaid", [Act(["order.created", "order.updated"], _failed)]
    ),
    "cancelled": Kind(
        "cancelled before it was paid",
        "cancelled",
        [Act(_CHECKOUT, _pending), Act(["order.updated"], _cancelled, after=_SOON)],
        weight=3,
    ),
    "trashed": Kind(
        "never paid, then put into the bin: the last body is an id alone",
        "unpaid",
        [Act(_CHECKOUT, _on_hold), Act(["order.deleted"], sends=_only_the_id, after=_SOON)],
    ),
    "checkout_draft": Kind(
        "a draft the checkout saved", "draft", [Act(["order.updated"], _checkout_draft)]
    ),
    "meta_for_woocommerce": Kind(
        "told to Meta by the official plugin already",
        "tracked_elsewhere",
        [Act(_CHECKOUT, _reported_by_meta_for_woocommerce)],
    ),
    "partial_refund": Kind(
        "one line given back",
        "purchase",
        [Act(_CHECKOUT), Act(["order.updated"], _partially_refunded, after=_LATER)],
    ),
    "refunded": Kind(
        "all of it given back",
        "purchase",
        [Act(_CHECKOUT), Act(["order.updated"], _refunded, after=_LATER)],
    ),
    "edited": Kind(
        "an address corrected after payment",
        "purchase",
        [Act(_CHECKOUT), Act(["order.updated"], _address_corrected, after=_LATER)],
    ),
    "zero_total": Kind(
        "everything taken off by a coupon", "zero_value", [Act(_CHECKOUT)], basket={"free": True}
    ),
    "gift_card": Kind(
        "a gift card bought", "purchase", [Act(_CHECKOUT)], basket={"gift_card": True}
    ),
    "renewal": Kind(
        "a subscription renewed by itself",
        "purchase",
        [Act(["order.created"], _renewal)],
        basket={"renewal": True},
    ),
    "no_permission": Kind(
        "a signed REST error in place of the order",
        "unreadable",
        [Act(["order.updated"], sends=_refusal)],
    ),
}
