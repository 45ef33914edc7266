"""From a shop's signed request to Meta's books, whatever dies on the way."""

import pytest
from installation import Stack, a_story, wait_for

from sandbox.orders import Platform


@pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
def test_an_order_reaches_meta_once(stack: Stack, platform: Platform) -> None:
    shop = stack.shopify() if platform == "shopify" else stack.woocommerce()
    story = a_story(platform)

    answers = [delivery.status for delivery in shop.tell(story)]

    assert answers == [200] * len(story.steps)
    wait_for(lambda: stack.arrived(story.order_id))
    wait_for(lambda: stack.ledger(story.order_id) == ("accepted",))
    assert len(stack.arrived(story.order_id)) == 1


def test_redeliveries_are_one_order(stack: Stack) -> None:
    shop, story = stack.shopify(), a_story()
    (first, *_) = shop.tell(story)

    for _ in range(5):
        assert shop.redeliver(first).status == 200

    wait_for(lambda: stack.arrived(story.order_id))
    wait_for(lambda: stack.unread() == 0)
    assert len(stack.arrived(story.order_id)) == 1


def test_a_chunked_body_is_read_whole(stack: Stack) -> None:
    story = a_story()

    delivery = stack.shopify().deliver("orders/paid", story.steps[-1].body, chunked=True)

    assert delivery.status == 200
    wait_for(lambda: stack.arrived(story.order_id))


def test_what_was_stored_is_sent_though_the_broker_was_flushed_and_is_dead(stack: Stack) -> None:
    shop = stack.shopify()
    stack.kill("broker")
    told = [a_story() for _ in range(3)]

    answers = [delivery for story in told for delivery in shop.tell(story)]

    assert {delivery.status for delivery in answers} == {200}
    wait_for(lambda: all(stack.arrived(story.order_id) for story in told), within=15)
    stack.start("broker")


def test_doorbells_ring_again_once_the_broker_is_back(stack: Stack) -> None:
    stack.kill("broker")
    stack.start("broker")
    story = a_story()

    stack.shopify().tell(story)

    wait_for(lambda: stack.arrived(story.order_id), within=15)


def test_a_worker_that_is_killed_while_meta_thinks_costs_no_order_and_no_double(
    stack: Stack,
) -> None:
    story = a_story()
    stack.graph.fault("hang", stores=True)
    before = len(stack.graph.requests)
    stack.shopify().tell(story)
    wait_for(lambda: len(stack.graph.requests) > before)

    stack.kill("worker")
    stack.sql(
        "UPDATE conversions_pixelqueue SET not_before = now() - interval '1 s' RETURNING 1"
    )  # its lease ends
    stack.start("worker")

    wait_for(lambda: stack.ledger(story.order_id) == ("accepted",), within=20)
    assert [event.verdict for event in stack.arrived(story.order_id)].count("counted") == 1


def test_a_web_server_that_is_killed_has_kept_what_it_said_it_kept(stack: Stack) -> None:
    shop, told = stack.shopify(), [a_story() for _ in range(3)]
    for story in told:
        assert {delivery.status for delivery in shop.tell(story)} == {200}

    stack.kill("web")

    wait_for(lambda: all(stack.arrived(story.order_id) for story in told))
    stack.start("web")
    wait_for(stack.is_up, within=30)
