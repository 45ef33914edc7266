"""From the id that a browser told Meta of one known order, the strategy that makes it of any order.

The other way round of `event_ids.py`: what is found here is tried there before it is given out.
"""

from __future__ import annotations

import re

from purchases.event_ids import event_id_of, ids_of
from purchases.mapping import RulesError, read_rules
from purchases.order import Order

# Shorter texts on an order are equal to an id by chance.
SHORTEST_NOTE = 6
SHORTEST_INSIDE = 3
# What may stand around an order's id: words of the shop, no chance of a random id.
WORDS = re.compile(r"[A-Za-z_.:#/ -]*")
LONGEST_WORDS = 40
FIELD = re.compile(r"\{[a-z_]+\}")


def match_event_id(order: Order, event_id: str, *, shop: str) -> tuple[str, ...]:
    """The strategies that give `event_id` for the order, likeliest first; none if nothing does.

    `shop` is the store's key.
    """
    if not (event_id := event_id.strip()):
        return ()
    found = [*_plain(order, event_id), *_noted(order, event_id), *_hashes(order, event_id)]
    if not found:
        found = _templates(order, event_id, shop)
    return tuple(
        strategy for strategy in dict.fromkeys(found) if _yields(strategy, order, event_id, shop)
    )


def _plain(order: Order, event_id: str) -> list[str]:
    return [name for name, value in ids_of(order).items() if value == event_id]


def _noted(order: Order, event_id: str) -> list[str]:
    """What a plugin or a theme wrote on the order."""
    if len(event_id) < SHORTEST_NOTE:
        return []
    kind = "meta" if order.platform == "woocommerce" else "attribute"
    return [f"{kind}:{name}" for name, text in order.attributes if text == event_id]


def _hashes(order: Order, event_id: str) -> list[str]:
    if not re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{64}", event_id):
        return []
    return [f"{kind}:{name}" for kind in ("sha256", "md5") for name in ids_of(order)]


def _templates(order: Order, event_id: str, shop: str) -> list[str]:
    """Words of the shop around the order's ids, the longest of which are looked for first."""
    values = sorted(ids_of(order).items(), key=lambda item: (-len(item[1]), item[0]))
    template = event_id
    for name, value in [*values, ("shop", shop)]:
        if len(value) >= SHORTEST_INSIDE and "{" + name + "}" not in template:
            template = _inserted(template, name, value)
    words = FIELD.sub("", template)
    if template == event_id or len(words) > LONGEST_WORDS or not WORDS.fullmatch(words):
        return []
    return [f"template:{template}"]


def _inserted(template: str, name: str, value: str) -> str:
    """`template` with its first whole `value` replaced: no digit goes on where the value ends."""
    edge = r"[0-9]" if value.isdecimal() else r"[0-9A-Za-z]"
    whole = re.compile(rf"(?<!{edge})(?<!\{{){re.escape(value)}(?!{edge})(?!\}})")
    return whole.sub("{" + name + "}", template, count=1)


def _yields(strategy: str, order: Order, event_id: str, shop: str) -> bool:
    try:
        read_rules({"event_id": strategy})
    except RulesError:
        return False
    return event_id_of(order, strategy=strategy, shop=shop) == event_id
