"""A story: one order and all that a shop sends about it. The grammar both platforms share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from sandbox.orders.baskets import Basket
from sandbox.orders.people import Person, Visit

Platform = Literal["shopify", "woocommerce"]

# What a merchant who reports paid orders should see of it:
# purchase           one Purchase, however many deliveries tell of it
# unpaid             no money arrived (yet)
# cancelled          called off before any money arrived
# draft              not an order yet
# test               no real money
# zero_value         paid, but nothing
# tracked_elsewhere  another plugin says it has told Meta already
# imported           history, entered long after it happened
# anonymous          paid, and nothing known of the buyer
# unreadable         a signed body without an order in it
Expect = Literal[
    "purchase",
    "unpaid",
    "cancelled",
    "draft",
    "test",
    "zero_value",
    "tracked_elsewhere",
    "imported",
    "anonymous",
    "unreadable",
]

Order = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One webhook of a story. Steps with the same `action` come of one thing somebody did."""

    topic: str
    body: bytes
    at: datetime  # UTC, when the shop would send it
    action: int


@dataclass(frozen=True, kw_only=True)
class Story:
    """One order from its first webhook to its last; `steps` are in the order they are sent."""

    platform: Platform
    kind: str  # a key of the platform's KINDS
    expect: Expect
    about: str  # in plain words
    order_id: str
    name: str  # as the merchant knows it: #1001 at Shopify, 1001 at WooCommerce
    country: str  # of the buyer, ISO 3166 alpha-2
    currency: str
    total: Decimal
    placed_at: datetime  # UTC
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What an order is made of, before a platform has written it down."""

    order_id: int
    number: int  # as the merchant counts
    person: Person
    visit: Visit
    basket: Basket  # in the currency the store keeps its books in
    placed_at: datetime  # UTC, whole seconds
    token: str  # 32 hexadecimal digits, for whatever needs something random
    luck: float  # 0 to 1, likewise


@dataclass(frozen=True)
class Act:
    """Something happens to the order, and the shop sends `topics` about it."""

    topics: Sequence[str]
    change: Callable[[Order, Facts, datetime], Order] = lambda order, facts, at: order
    sends: Callable[[Order, Facts, datetime], Order] = lambda order, facts, at: order
    after: timedelta = timedelta()  # since the order was placed


@dataclass(frozen=True)
class Kind:
    """One sort of story: how often it is told among others, what is bought, what happens."""

    about: str
    expect: Expect
    acts: Sequence[Act]
    weight: int = 2
    email_known: bool = False  # else one buyer in many leaves none
    basket: Mapping[str, Any] = field(default_factory=dict)  # options of baskets.fill

    @property
    def lasts(self) -> timedelta:
        """From the placing of the order to the last thing that happens to it."""
        return max(act.after for act in self.acts)


def tell(
    kind: Kind, order: Order, facts: Facts, *, write: Callable[[Order], bytes]
) -> tuple[Step, ...]:
    """Lets the acts happen one after the other and writes down what is sent of each."""
    steps: list[Step] = []
    for action, act in enumerate(kind.acts):
        at = facts.placed_at + act.after
        order = act.change(order, facts, at)
        body = write(act.sends(order, facts, at))
        steps += [Step(topic=topic, body=body, at=at, action=action) for topic in act.topics]
    return tuple(steps)
