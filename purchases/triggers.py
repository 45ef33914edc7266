"""When an order is due: one trigger for all orders of a mapping, or one for each way of paying.

`created` is the order itself, `paid` its money, `completed` the goods on their way,
`status:shipped|delivered` whatever the shop itself calls the moment, and `tag:vip` a tag that somebody
has put on it. What is no sale (`draft`, `cancelled`, `refunded`) has events of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from purchases.order import Order, Standing

# One for all, or (payment method, its own) pairs; that of OTHERS is for methods that are not named.
Trigger = str | tuple[tuple[str, str], ...]

WORDS = ("created", "paid", "completed")
REFUNDED = "refunded"
# Of no Purchase: each is an event of its own, for all ways of paying.
NO_PURCHASE = ("draft", "cancelled", REFUNDED)
OTHERS = "default"
STATUS = r"[a-z0-9][a-z0-9_-]{0,39}"
TAG = r"[^\s,][^,\n]{0,98}"
TRIGGER = re.compile(rf"{'|'.join(WORDS)}|status:{STATUS}(?:\|{STATUS}){{0,9}}|tag:{TAG}")
PAIR = 2
LONGEST_METHOD = 100
# Statuses in which nobody has bought, or no longer: no trigger can mean them.
NO_SALE = frozenset(
    [
        *("auto-draft", "cancelled", "checkout-draft", "draft", "failed", "pending", "refunded"),
        *("trash", "voided"),
    ]
)


def read_trigger(said: object) -> Trigger:
    """The trigger that settings say. Raises ValueError with a sentence about what is wrong."""
    if isinstance(said, list | tuple) and all(isinstance(pair, list | tuple) for pair in said):
        said = {pair[0]: pair[1] for pair in said if len(pair) == PAIR}  # as Rules are kept
    if isinstance(said, str) and said in NO_PURCHASE:
        return said
    if not isinstance(said, Mapping):
        return _read(said)
    read: dict[str, str] = {}
    for method, trigger in said.items():
        key = _key(str(method))
        if not key or len(key) > LONGEST_METHOD:
            raise ValueError(f"{method!r} is no payment method")
        if key in read:
            raise ValueError(f"{method!r} is named twice")
        read[key] = _read(trigger)
    if not read:
        raise ValueError("names no payment method")
    return tuple(sorted(read.items()))


def waits_for(order: Order, trigger: Trigger) -> str:
    """What `order` waits for until it is due: a reason, or "" where it is due."""
    if order.standing not in (Standing.PLACED, Standing.PAID):
        return "payment"  # begun, and nobody has bought yet
    chosen = trigger if isinstance(trigger, str) else _of_method(order, trigger)
    kind, _, names = chosen.partition(":")
    paid = order.standing is Standing.PAID
    match kind:
        case "paid":
            return "" if paid else "payment"
        case "completed" if not order.completed:
            return "completion" if paid else "payment"
        case "status" if not any(stage in names.split("|") for stage in order.stages):
            return "status"
        case "tag" if names.casefold() not in [tag.casefold() for tag in order.tags]:
            return "tag"
        case _due:  # `created` is always
            return ""


def _of_method(order: Order, by_method: tuple[tuple[str, str], ...]) -> str:
    triggers = dict(by_method)
    for method in (order.payment_method, order.payment_kind):
        if method and (trigger := triggers.get(_key(method))):
            return trigger
    return triggers.get(OTHERS, "paid")


def _read(trigger: object) -> str:
    if not isinstance(trigger, str) or not TRIGGER.fullmatch(trigger):
        raise ValueError(f"{trigger!r} is not one of {', '.join(WORDS)}, status:NAME, tag:NAME")
    if trigger.startswith("tag:"):
        return trigger
    kind, _, names = trigger.partition(":")
    statuses = [name.removeprefix("wc-") for name in names.split("|") if name]
    for name in statuses:
        if name in NO_SALE:
            raise ValueError(f"an order that is {name} is no sale")
    return f"{kind}:{'|'.join(statuses)}" if statuses else kind


def _key(method: str) -> str:
    return " ".join(method.split()).casefold()
