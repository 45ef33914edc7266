"""The shape of an order in a webhook: the keys that are read, each perhaps absent or mistyped.

It is the order of the REST API, which plugins add to and change.
https://developer.woocommerce.com/docs/apis/rest-api/v3/orders/
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from purchases.shops import delivery
from purchases.shops.reading import Part, Parts


class Address(Struct, gc=False):
    """A billing or shipping address."""

    first_name: Any = None
    last_name: Any = None
    phone: Any = None
    email: Any = None
    city: Any = None
    state: Any = None
    postcode: Any = None
    country: Any = None


class Meta(Struct, gc=False):
    """A piece of order meta, of any plugin."""

    key: Any = None
    value: Any = None


class Cogs(Struct, gc=False):
    """What goods cost the merchant, where WooCommerce is told to keep count."""

    value: Any = None


class Line(Struct, gc=False):
    """A line of goods."""

    product_id: Any = None
    variation_id: Any = None
    sku: Any = None
    quantity: Any = None
    total: Any = None  # after discounts, always without tax
    total_tax: Any = None
    cost_of_goods_sold: Part[Cogs] = None  # of the whole line
    meta_data: Parts[Meta] = None


class ShippingLine(Struct, gc=False):
    """A way of shipping that was chosen."""

    method_id: Any = None


class Fee(Struct, gc=False):
    """A fee, or a discount that a plugin writes as one."""

    total: Any = None  # without tax; perhaps negative
    total_tax: Any = None


class Refund(Struct, gc=False):
    """One refund."""

    total: Any = None  # negative


class Order(Struct, gc=False):
    """The order; of other bodies the keys that give them away."""

    id: Any = None
    number: Any = None
    order_key: Any = None
    status: Any = None
    created_via: Any = None
    payment_method: Any = None
    customer_id: Any = None
    customer_ip_address: Any = None
    customer_user_agent: Any = None

    currency: Any = None
    total: Any = None
    total_tax: Any = None
    shipping_total: Any = None
    shipping_tax: Any = None
    prices_include_tax: Any = None
    line_items: Parts[Line] = None
    fee_lines: Parts[Fee] = None
    shipping_lines: Parts[ShippingLine] = None
    refunds: Parts[Refund] = None

    date_created: Any = None  # in the shop's time zone; the others in UTC; neither says so
    date_created_gmt: Any = None
    date_modified: Any = None
    date_modified_gmt: Any = None
    date_paid: Any = None
    date_paid_gmt: Any = None

    billing: Part[Address] = None
    shipping: Part[Address] = None
    meta_data: Parts[Meta] = None

    # What other bodies have, and an order has not.
    action: Any = None
    billing_period: Any = None
    code: Any = None
    data: Any = None
    order: Any = None


class Cookies(Struct, gc=False):
    """What PixelYourSite keeps in the order meta `pys_fb_cookie`."""

    fbp: Any = None
    fbc: Any = None


ORDER = delivery.decoder(Order)
