"""Places where a chaos run may stop this process dead. Off, a place costs one look at a variable.

`FAILPOINTS=K13=kill9*1,K07=stop` arms two of them; nothing is ever armed in production. A number
after `*` is how often it strikes, counted over all processes by marker files, so that a process which
is started again does not die for ever. docs/operations.md says what must be true after each.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

PLACES = {
    "K01": "a webhook's bytes are read, its signature is not checked yet",
    "K02": "the signature is right, nothing is kept yet",
    "K04": "the delivery is kept, the shop is not answered yet",
    "K05": "the shop is answered, the doorbell is not published yet",
    "K06": "a worker has taken a doorbell, and done nothing",
    "K07": "deliveries are claimed, not read yet",
    "K08": "orders and ends of deliveries are written, not committed yet",
    "K09": "orders are committed, nobody was told to send",
    "K10": "a pixel's turn and an attempt are written, not committed yet",
    "K11": "an attempt is committed, no connection is made yet",
    "K12": "the head of the request has left, its body has not",
    "K13": "Meta has answered, the answer is not read yet",
    "K14": "the answer is read, nothing of it is written down yet",
    "K15": "the answer is committed, the next turn is not taken yet",
    "K16": "one part of a refused batch is settled, the next has not left",
    "K18": "what is kept of a customer's orders is erased in part, and not committed yet",
    "K19": "deliveries are called forgotten, their bodies are not erased yet",
}
ARMED = re.compile(r"(K\d\d)=(kill9|stop|raise|exit0)(?:\*(\d{1,4}))?")


class Struck(Exception):
    """What `raise` raises; nobody expects it."""


class Failpoint(Struct, frozen=True, kw_only=True):
    """What happens at one place, and how often."""

    place: str
    action: str
    times: int | None = None


_armed: dict[str, Failpoint] = {}
_markers = Path()


def failpoint(place: str) -> None:
    """Let a chaos run strike here."""
    if _armed:
        _pass(place)


def arm(text: str, *, folder: Path) -> None:
    """Arm what `text` names, counting in `folder`. Raises ValueError."""
    global _markers  # noqa: PLW0603 - one process, one set of failpoints
    _markers = folder / "failpoints"
    _armed.clear()
    _armed.update({point.place: point for point in map(_read, filter(None, text.split(",")))})
    if _armed:
        _markers.mkdir(parents=True, exist_ok=True)


def _read(text: str) -> Failpoint:
    armed = ARMED.fullmatch(text.strip())
    if armed is None or armed[1] not in PLACES:
        raise ValueError(f"FAILPOINTS: {text.strip()!r} is not like K13=kill9*1.")
    return Failpoint(place=armed[1], action=armed[2], times=int(armed[3]) if armed[3] else None)


def _pass(place: str) -> None:
    point = _armed.get(place)
    if point and _may_strike(point):
        ACTIONS[point.action]()


def _may_strike(point: Failpoint) -> bool:
    """Whether one of its times is left: each is a file that only one process can make."""
    if point.times is None:
        return True
    for number in range(1, point.times + 1):
        try:
            (_markers / f"{point.place}.{number}").touch(exist_ok=False)
        except FileExistsError:
            continue
        return True
    return False


def _raise() -> None:
    raise Struck


ACTIONS: dict[str, Callable[[], object]] = {
    "kill9": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "raise": _raise,
    "exit0": lambda: os._exit(0),
}
