"""`Order`: the waist of the hourglass.

Above it are the dialects of the shops, below it is Meta; neither has heard of the other. Every value
is frozen, money is `Decimal` in major units, every moment is aware and in UTC, an absent text is "".
What may identify a buyer is kept as a `Quote`, so that a preview can say where a value came from.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from purchases.countries import alpha_2

# A history that somebody imports is entered long after it happened.
IMPORTED_AFTER = timedelta(days=2)


class Standing(StrEnum):
    """How far the sale has come, in words that both platforms share."""

    DRAFT = "draft"  # a cart or a draft: nobody has bought yet
    TRASHED = "trashed"  # the shop has put the order in its bin
    OPEN = "open"  # begun, but payment was not made or has failed; it may still come
    PLACED = "placed"  # bought; the money is to come (bank transfer, on delivery, authorised)
    PAID = "paid"  # the money has arrived
    REFUNDED = "refunded"  # paid and given back in full
    CANCELLED = "cancelled"
    VOIDED = "voided"  # the authorisation was given up


class Source(StrEnum):
    """Where the order was made."""

    WEB = "web"
    APP = "app"
    POS = "pos"
    DRAFT = "draft"  # staff wrote a draft order or an invoice
    ADMIN = "admin"  # staff entered it by hand
    SUBSCRIPTION = "subscription"  # a renewal: no shopper was present
    API = "api"  # another program or sales channel
    OTHER = "other"


class Sale(StrEnum):
    """Which part an order has in a subscription."""

    ONE_OFF = "one_off"  # none
    FIRST = "first"
    RENEWAL = "renewal"
    RESUBSCRIPTION = "resubscription"
    SWITCH = "switch"  # to another plan
    UNCLASSIFIED = "unclassified"  # there is a subscription, and nobody says which part this is


class Delivery(StrEnum):
    """How the goods come to the buyer."""

    HOME = "home"
    PICKUP = "pickup"  # in the store
    CURBSIDE = "curbside"


class Quote(Struct, frozen=True, kw_only=True):
    """A text as the shop gave it, and the place it stood, such as `customer.email`."""

    text: str
    origin: str


class Address(Struct, frozen=True, kw_only=True):
    """A postal address; `origin` is `billing`, `shipping` or `customer`."""

    origin: str
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    city: str = ""
    region: str = ""  # the shop's code where it has one (CA, PT-11), else a name
    postcode: str = ""
    country: str = ""  # ISO 3166-1 alpha-2 as a rule; the shop's own text otherwise


class Buyer(Struct, frozen=True, kw_only=True):
    """Who bought, as far as the shop knows. Lists are ordered by trust, best first."""

    customer_id: str = ""
    emails: tuple[Quote, ...] = ()
    phones: tuple[Quote, ...] = ()  # those that stand outside an address
    first_names: tuple[Quote, ...] = ()  # likewise
    last_names: tuple[Quote, ...] = ()
    birth_dates: tuple[Quote, ...] = ()
    genders: tuple[Quote, ...] = ()
    addresses: tuple[Address, ...] = ()  # billing, shipping, then the customer's own
    orders_count: int | None = None


class Click(Struct, frozen=True, kw_only=True):
    """A click on an advertisement, from a landing page's `fbclid`."""

    fbclid: str
    at: datetime | None  # when the page was opened; None where the shop does not say
    origin: str


class Visit(Struct, frozen=True, kw_only=True):
    """What is known of the shopper's own browser: never staff's, a gateway's or ours."""

    ips: tuple[Quote, ...] = ()
    user_agents: tuple[Quote, ...] = ()
    fbps: tuple[Quote, ...] = ()
    fbcs: tuple[Quote, ...] = ()
    clicks: tuple[Click, ...] = ()
    landing_page: str = ""  # an absolute URL or a path with its query
    referrer: str = ""


class Line(Struct, frozen=True, kw_only=True):
    """One line of the order. `total` is what was paid for it after every discount."""

    product_id: str = ""
    variant_id: str = ""
    sku: str = ""
    quantity: Decimal
    total: Decimal
    cost: Decimal | None = None  # to the merchant, of the whole line; None where nobody says
    bundled: bool = False  # stands for a bundle, or for a part of one
    gift_card: bool = False  # sold as a product; one that pays is no line


class Presented(Struct, frozen=True, kw_only=True):
    """The amounts in the currency that the buyer saw, where it is not the shop's; see `Order`."""

    currency: str
    total: Decimal
    subtotal: Decimal
    tax: Decimal
    shipping: Decimal
    shipping_tax: Decimal
    tips: Decimal
    duties: Decimal
    fees: Decimal
    refunded: Decimal
    lines: tuple[Decimal, ...]  # the totals, in the order of the lines


class Order(Struct, frozen=True, kw_only=True):
    """One order of one shop, as it stood when the shop wrote it down."""

    platform: str
    shop_order_id: str
    name: str  # what people call it: "#1001"
    standing: Standing
    status: str  # the shop's own word for it
    source: Source
    sale: Sale = Sale.ONE_OFF
    test: bool = False
    stages: tuple[str, ...] = ()  # the shop's own words, in lower case, for how far it has come
    completed: bool = False  # the shop has nothing left to do: all of it is shipped or handed over
    payment_method: str = ""
    payment_kind: str = ""  # cod, bacs or cheque, whatever the shop calls it
    tags: tuple[str, ...] = ()
    delivery: Delivery | None = None  # None where the shop does not say, or nothing is delivered

    placed_at: datetime  # when the sale happened
    entered_at: datetime  # when the shop wrote it down; much later for an imported history
    updated_at: datetime
    paid_at: datetime | None = None

    currency: str  # the shop's: ISO 4217, upper case; of all amounts here
    total: Decimal
    subtotal: Decimal  # goods after discounts; with tax where the shop's prices include it
    tax: Decimal = Decimal(0)
    taxes_included: bool = False  # whether lines and subtotal have their tax in them
    shipping: Decimal = Decimal(0)  # with its tax
    shipping_tax: Decimal = Decimal(0)
    tips: Decimal = Decimal(0)
    duties: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)  # with their tax; below zero where a plugin discounts that way
    fees_tax: Decimal = Decimal(0)
    rounding: Decimal = Decimal(0)  # of cash, where the shop says so
    refunded: Decimal = Decimal(0)
    presented: Presented | None = None
    lines: tuple[Line, ...] = ()

    buyer: Buyer = Buyer()
    visit: Visit = Visit()

    order_key: str = ""
    checkout_token: str = ""
    cart_token: str = ""
    attributes: tuple[tuple[str, str], ...] = ()  # note attributes or order meta: texts only
    tracked_elsewhere: str = ""  # the plugin that says it has sent its own server Purchase
    tracked_in_browser: bool = False  # a plugin says that its browser pixel has told Meta

    @property
    def mark(self) -> int | None:
        """Of 31 bits; tells orders of one number apart, where a shop may give it twice: WooCommerce
        draws an order key for each. None of an order that has no key."""
        if not self.order_key:
            return None
        return int.from_bytes(hashlib.sha256(self.order_key.encode()).digest()[:4]) >> 1

    @property
    def given_back(self) -> Decimal:
        """What was refunded, as far as the shop says how much: never more than the total."""
        if not self.refunded and self.standing is Standing.REFUNDED:
            return self.total
        return min(self.refunded, self.total)

    @property
    def country(self) -> str:
        """Where the order goes (else: is billed to), as ISO 3166-1 alpha-2, or ""."""
        for origin in ("shipping", "billing", "customer"):
            for address in self.buyer.addresses:
                if address.origin == origin and (code := alpha_2(address.country)):
                    return code
        return ""

    @property
    def is_returning(self) -> bool | None:
        """Whether the buyer has bought before; None where the shop does not say."""
        if self.source is Source.SUBSCRIPTION:
            return True
        count = self.buyer.orders_count  # with this one
        return None if count is None else count > 1

    def attribute(self, name: str) -> str:
        """The text of the note attribute or order meta `name`; the last one where it repeats."""
        return next((text for key, text in reversed(self.attributes) if key == name), "")
