"""Doorbells ring through every kind of broker: the embedded one, and the machine's where they answer."""

import os
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import redis
from installation import Stack, a_story, wait_for

# A database of its own, for the standard one may be somebody's.
BROKERS = {
    "redis": os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379/13",
    "rabbitmq": os.environ.get("TEST_AMQP_URL") or "amqp://guest:guest@127.0.0.1:5672//",
}


def test_a_doorbell_rings_through_the_embedded_broker(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    stack.start("broker")

    assert_it_rings(stack)


@pytest.mark.case("C04")
def test_a_broker_that_drops_messages_is_told_by_name_and_costs_no_order(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack()
    stack.start("broker")
    wait_for(lambda: stack.ready()["broker"] == "ok")
    with redis.Redis(unix_socket_path=str(stack.broker_socket)) as broker:
        broker.config_set("maxmemory-policy", "allkeys-lru")

    assert stack.ready()["broker"].startswith("drops messages when it is full (allkeys-lru)")
    found = stack.manage("doctor", ends_with=1)  # nor has a shop of this installation told anything
    assert "set its maxmemory-policy to noeviction" in found
    story = a_story()
    stack.shopify().tell(story)
    with redis.Redis(unix_socket_path=str(stack.broker_socket)) as broker:
        broker.flushall()
    stack.start("worker")
    wait_for(lambda: stack.arrived(story.order_id), within=30)


@pytest.mark.outside
@pytest.mark.parametrize("name", BROKERS)
def test_a_doorbell_rings_through_an_outside_one(
    make_stack: Callable[..., Stack], name: str
) -> None:
    address = urlsplit(BROKERS[name])
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=2).close()
    except OSError:
        pytest.skip(f"no outside {name} answers at {address.hostname}:{address.port}")

    assert_it_rings(make_stack(broker_url=BROKERS[name]))


def assert_it_rings(stack: Stack) -> None:
    stack.environment["SWEEP_EVERY_SECONDS"] = "3600"  # nothing but the doorbell
    stack.start("worker")
    story = a_story()

    answers = [delivery.status for delivery in stack.shopify().tell(story)]

    assert answers == [200] * len(answers)
    wait_for(lambda: stack.arrived(story.order_id), within=30)
