"""The shape of an order in a webhook: the keys that are read, each perhaps absent or mistyped.

Bodies change with the API version and the `include_fields` of a subscription, and lose what the app
may not see. https://shopify.dev/docs/api/admin-rest/latest/resources/order
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct

from purchases.shops import delivery
from purchases.shops.reading import Part, Parts


class Money(Struct, gc=False):
    """An amount in one currency."""

    amount: Any = None


class Bag(Struct, gc=False):
    """An amount twice: in the shop's currency, as all plain amounts are, and in the buyer's.

    Where it is needed for the second currency alone, it is kept as it came: most orders have but one.
    """

    shop_money: Part[Money] = None
    presentment_money: Part[Money] = None


NO_BAG = Raw(b"null")


class Address(Struct, gc=False):
    """A postal address."""

    first_name: Any = None
    last_name: Any = None
    phone: Any = None
    city: Any = None
    province_code: Any = None
    province: Any = None
    zip: Any = None
    country_code: Any = None
    country: Any = None


class Customer(Struct, gc=False):
    """The customer, who may have been removed from the order."""

    id: Any = None
    email: Any = None
    phone: Any = None
    first_name: Any = None
    last_name: Any = None
    orders_count: Any = None
    default_address: Part[Address] = None


class Client(Struct, gc=False):
    """The browser that placed the order: the shopper's, or that of staff."""

    browser_ip: Any = None
    user_agent: Any = None


class Note(Struct, gc=False):
    """A note attribute: what a theme or the cart wrote down."""

    name: Any = None
    value: Any = None


class Discount(Struct, gc=False):
    """A discount's share of a line."""

    amount: Any = None
    amount_set: Raw = NO_BAG


class Tax(Struct, gc=False):
    """A tax, as part of a line."""

    price: Any = None
    price_set: Raw = NO_BAG


class Line(Struct, gc=False):
    """A line of goods."""

    product_id: Any = None
    variant_id: Any = None
    sku: Any = None
    quantity: Any = None
    price: Any = None  # of one, before discounts
    price_set: Raw = NO_BAG
    total_discount: Any = None  # of the line's own discounts only
    total_discount_set: Raw = NO_BAG
    gift_card: Any = None
    selling_plan_id: Any = None
    selling_plan_allocation: Any = None
    discount_allocations: Parts[Discount] = None


class ShippingLine(Struct, gc=False):
    """A way of shipping that was chosen."""

    price: Any = None
    price_set: Raw = NO_BAG
    discounted_price: Any = None
    discounted_price_set: Raw = NO_BAG
    discount_allocations: Parts[Discount] = None
    tax_lines: Parts[Tax] = None
    is_removed: Any = None
    title: Any = None


class Transaction(Struct, gc=False):
    """Money that moved, or was to move."""

    kind: Any = None
    status: Any = None
    amount: Any = None
    currency: Any = None  # may be the buyer's


class RefundLine(Struct, gc=False):
    """Goods that were given back."""

    subtotal: Any = None
    total_tax: Any = None


class Adjustment(Struct, gc=False):
    """What makes a refund differ from its goods."""

    amount: Any = None  # negative for shipping that is given back too, positive for what is kept
    tax_amount: Any = None


class Refund(Struct, gc=False):
    """One refund."""

    transactions: Parts[Transaction] = None
    refund_line_items: Parts[RefundLine] = None
    order_adjustments: Parts[Adjustment] = None


class Fulfillment(Struct, gc=False):
    """Goods that were handed over, or are on their way."""

    status: Any = None
    shipment_status: Any = None


class Order(Struct, gc=False):
    """The order; of other resources the keys that give them away."""

    id: Any = None
    admin_graphql_api_id: Any = None
    name: Any = None
    order_number: Any = None
    test: Any = None
    tags: Any = None
    source_name: Any = None
    app_id: Any = None
    financial_status: Any = None
    fulfillment_status: Any = None
    fulfillments: Parts[Fulfillment] = None
    cancelled_at: Any = None
    created_at: Any = None
    processed_at: Any = None
    updated_at: Any = None
    payment_gateway_names: Any = None
    gateway: Any = None  # until 2023-01

    currency: Any = None
    presentment_currency: Any = None
    total_price: Any = None
    total_price_set: Part[Bag] = None
    current_total_price: Any = None
    subtotal_price: Any = None
    subtotal_price_set: Raw = NO_BAG
    total_tax: Any = None
    total_tax_set: Raw = NO_BAG
    total_tip_received: Any = None
    original_total_duties_set: Part[Bag] = None
    original_total_additional_fees_set: Part[Bag] = None
    total_cash_rounding_payment_adjustment_set: Part[Bag] = None
    taxes_included: Any = None
    total_shipping_price_set: Part[Bag] = None
    shipping_lines: Parts[ShippingLine] = None
    line_items: Parts[Line] = None
    refunds: Parts[Refund] = None

    email: Any = None
    contact_email: Any = None
    phone: Any = None
    customer: Part[Customer] = None
    billing_address: Part[Address] = None
    shipping_address: Part[Address] = None

    browser_ip: Any = None
    client_details: Part[Client] = None
    landing_site: Any = None
    referring_site: Any = None
    note_attributes: Parts[Note] = None
    checkout_token: Any = None
    cart_token: Any = None

    # What other resources have, and an order has not.
    abandoned_checkout_url: Any = None
    invoice_url: Any = None
    order_edit: Any = None
    order_id: Any = None
    payload_url: Any = None
    refund_line_items: Any = None


ORDER = delivery.decoder(Order)
BAG = delivery.decoder(Bag)
