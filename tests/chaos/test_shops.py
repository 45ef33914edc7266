"""What the shops remember of their orders, and which rows a run may choose."""

from collections import Counter

import pytest

from chaos import __main__ as command
from chaos.fleet import ALL_PIXELS, OWNERS, PIXELS, SHOPS
from chaos.rows import ROWS
from chaos.shops import AFTERWARDS, Order, each_step_again, in_their_order, invent, shuffled, sign
from sandbox.shops.delivery import Answer

SHOPIFY, WOOCOMMERCE = SHOPS[0], SHOPS[2]
BOUGHT = {("accepted", ""), *AFTERWARDS}


def told(order: Order, *statuses: int | None) -> Order:
    """The order, each of its steps answered so."""
    order.deliveries = sign(order, "http://127.0.0.1:9/")
    for delivery, status in zip(order.deliveries, statuses, strict=False):
        delivery.answers.append(Answer(status=status, elapsed=0.1))
        delivery.succeeded = status == 200
    return order


@pytest.mark.parametrize(
    ("kind", "statuses", "may_end"),
    [
        ("card", (200, 200), BOUGHT),
        ("card", (503, 200), BOUGHT),
        ("card", (None, 503), None),
        ("unpaid", (200,), {("waiting", "payment")}),
        ("cancelled", (200, 200, 200), {("skipped", "cancelled")}),
        ("cancelled", (200, 503, 200), None),
    ],
)
def test_an_order_must_end_as_its_story_once_enough_of_it_was_acknowledged(
    kind: str, statuses: tuple[int | None, ...], may_end: set[tuple[str, str]] | None
) -> None:
    (order,) = invent(SHOPIFY, count=1, seed=1, kinds=(kind,))

    assert told(order, *statuses).sold(frozenset()).may_end == may_end


def test_only_a_purchase_may_also_end_as_its_row_says() -> None:
    also = frozenset({("expired", "too_old")})
    bought, unpaid = (
        invent(SHOPIFY, count=1, seed=1, kinds=(kind,))[0] for kind in ("card", "unpaid")
    )

    assert told(bought, 200, 200).sold(also).may_end == {*BOUGHT, *also}
    assert told(unpaid, 200).sold(also).may_end == {("waiting", "payment")}


@pytest.mark.parametrize("shop", [SHOPIFY, WOOCOMMERCE], ids=lambda shop: shop.platform)
def test_a_signed_delivery_has_not_been_sent(shop: object) -> None:
    (order,) = invent(SHOPIFY, count=1, seed=1, kinds=("card",))

    deliveries = sign(order, "http://127.0.0.1:9/")

    assert [delivery.sent for delivery in deliveries] == [False, False]
    assert [delivery.body for delivery in deliveries] == [step.body for step in order.story.steps]


def test_the_same_seed_sells_the_same_orders() -> None:
    first, again, other = (invent(SHOPIFY, count=20, seed=seed) for seed in (7, 7, 8))

    def ids(orders: list[Order]) -> list[str]:
        return [order.story.order_id for order in orders]

    assert ids(first) == ids(again)
    assert set(ids(first)) & set(ids(other)) == set()


def test_tenants_sell_orders_of_the_same_ids() -> None:
    """Or a stray order would be known by its id."""
    north, south = (
        {order.story.order_id for order in invent(shop, count=20, seed=1)}
        for shop in SHOPS
        if shop.place == 0 and shop.tenant in ("north", "south")
    )

    assert north == south


@pytest.mark.parametrize(
    ("telling", "times"), [(in_their_order, 1), (shuffled, 1), (each_step_again, 2)]
)
def test_every_way_of_telling_leaves_no_step_out(telling: object, times: int) -> None:
    orders = invent(SHOPIFY, count=20, seed=1)

    steps = Counter(id(step) for _, step in telling(orders))  # type: ignore[operator]

    assert steps == Counter({id(step): times for order in orders for step in order.story.steps})


def test_no_shop_is_mapped_to_another_tenants_dataset() -> None:
    assert {OWNERS[pixel] == shop.tenant for shop in SHOPS for pixel in shop.pixels} == {True}
    assert {pixel for shop in SHOPS for pixel in shop.pixels} == set(ALL_PIXELS)
    assert len(PIXELS) == 3


def test_a_row_that_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONLY", "4,99")

    assert command.main() == 2


def test_rows_are_chosen_by_number_in_the_order_of_the_matrix() -> None:
    chosen = [row.number for row in command._chosen("25,4")]

    assert chosen == ["4", "25"]
    assert [row.number for row in command._chosen("31")] == ["31a", "31b", "31c"]
    assert [row.number for row in command._chosen("")] == [row.number for row in ROWS]
    assert {row.number for row in command._chosen("ci")} < {row.number for row in ROWS}
    assert len({row.number for row in ROWS}) == len(ROWS)
