"""How the broker is set up, as far as it says so."""

from __future__ import annotations

from typing import Any


def eviction(broker: Any) -> str:
    """What a full broker drops without a word: its `maxmemory-policy`, or "" for nothing.

    Of a kombu connection to Redis or Valkey; RabbitMQ drops nothing. https://redis.io/docs/latest/develop/reference/eviction/
    """
    if broker.transport.driver_type != "redis":
        return ""
    policy = str(broker.default_channel.client.info("memory").get("maxmemory_policy", ""))
    return policy if policy != "noeviction" else ""
