"""How the broker is set up, as far as it says so."""

from __future__ import annotations

from typing import Any

from redis import ResponseError


def eviction(broker: Any) -> str:
    """What a full broker drops without a word: its `maxmemory-policy`, or "" for nothing.

    Of a kombu connection to Redis or Valkey; RabbitMQ drops nothing. https://redis.io/docs/latest/develop/reference/eviction/
    """
    if broker.transport.driver_type != "redis":
        return ""
    try:
        said = broker.default_channel.client.info("memory")
    except ResponseError:
        return ""  # a host's own may not say
    policy = str(said.get("maxmemory_policy", ""))
    return policy if policy != "noeviction" else ""
