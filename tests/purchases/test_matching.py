"""The matcher, tried on thirty orders whose browsers made their ids in twelve ways."""

import hashlib
import random
import uuid

import pytest
from msgspec.structs import replace
from test_value import ORDER

from purchases.mapping import read_rules
from purchases.matching import match_event_id

RANDOM = random.Random(11)


def token(length=26):
    return "".join(RANDOM.choices("0123456789abcdefghijklmnopqrstuvwxyz", k=length))


def an_order(number):
    """The order number `number` of a shop: every third one is WooCommerce's."""
    woocommerce = number % 3 == 0
    return replace(
        ORDER,
        platform="woocommerce" if woocommerce else "shopify",
        shop_order_id=str(4000 + number if woocommerce else 5_600_000_000_000 + number * 7919),
        name=str(4000 + number) if woocommerce else f"#{1000 + number}",
        order_key=f"wc_order_{token(13)}" if woocommerce else "",
        checkout_token="" if woocommerce else token(32),
        cart_token=token(24),
        attributes=(
            ("_meta_event_id", str(uuid.UUID(int=RANDOM.getrandbits(128)))),
            ("checkout event", f"sh-{token(20)}"),
            ("gift", "yes"),
        ),
    )


# What browsers do, written without a look at our strategies.
BROWSERS = [
    lambda order: order.shop_order_id,
    lambda order: order.name,
    lambda order: order.name.replace("#", ""),
    lambda order: order.order_key or order.checkout_token,
    lambda order: order.cart_token,
    lambda order: dict(order.attributes)["_meta_event_id"],
    lambda order: dict(order.attributes)["checkout event"],
    lambda order: "purchase_" + order.shop_order_id,
    lambda order: order.shop_order_id + "-Purchase",
    lambda order: "lyon." + order.shop_order_id,
    lambda order: hashlib.sha256(order.shop_order_id.encode()).hexdigest(),
    lambda order: hashlib.md5(order.name.encode()).hexdigest(),
]
ORDERS = [an_order(number) for number in range(30)]


def test_of_thirty_orders_with_ids_of_twelve_kinds_every_one_is_found():
    found = 0
    for place, order in enumerate(ORDERS):
        browser = BROWSERS[place % len(BROWSERS)]
        strategies = match_event_id(order, browser(order), shop="lyon")
        # The likeliest strategy has to hold for another order of the shop, too.
        other = ORDERS[(place + 3) % len(ORDERS)]
        again = match_event_id(other, browser(other), shop="lyon")
        found += bool(strategies) and bool(set(strategies) & set(again))

    assert found == len(ORDERS)


@pytest.mark.parametrize(
    "make",
    [
        lambda: str(uuid.UUID(int=RANDOM.getrandbits(128))),
        lambda: f"sh-{token(8)}-{token(4)}-{token(12)}",
        lambda: str(RANDOM.randrange(10**12, 10**13)),
        lambda: f"{RANDOM.randrange(10**9, 10**10)}.{RANDOM.randrange(10**9)}",
        lambda: hashlib.sha256(token().encode()).hexdigest(),
        lambda: token(16),
        lambda: f"purchase_{RANDOM.randrange(10**6, 10**7)}",
        lambda: "",
    ],
)
def test_no_random_id_is_taken_for_an_orders(make):
    found = [match_event_id(order, make(), shop="lyon") for order in ORDERS for _ in range(20)]

    assert found == [()] * len(found)


@pytest.mark.parametrize(
    ("event_id", "strategies"),
    [
        ("order-#1001", ("template:order-{order_name}",)),
        ("lyon-1001-Purchase", ("template:{shop}-{order_number}-Purchase",)),
        ("Order1001", ("template:Order{order_number}",)),
        ("11001", ()),
        ("yes", ()),
        (" #1001 ", ("order_name",)),
    ],
)
def test_the_words_around_an_id_become_a_template(event_id, strategies):
    order = replace(an_order(1), shop_order_id="5600000007919")

    assert match_event_id(order, event_id, shop="lyon") == strategies
    for strategy in strategies:
        assert read_rules({"event_id": strategy}).event_id == strategy
