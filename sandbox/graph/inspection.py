"""One event under inspection: where it sits, what the sandbox knows about it, what was noticed."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sandbox.graph.access import Dataset
from sandbox.graph.errors import Refusal
from sandbox.graph.settings import Settings

Json = dict[str, Any]


class KnownOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order as the shop had it, told to the sandbox so that it can judge the event about it.

    `user_data` holds raw values by Meta's key, `normalised` what must be hashed where the sandbox
    cannot work that out; `value` is in major units; `consent` False = must not be reported;
    `limited_data_use` True = must carry LDU.
    """

    order_id: str | None = None
    event_id: str | None = None
    value: str | None = None
    currency: str | None = None
    fbclid: str | None = None
    user_data: dict[str, list[str]] = {}
    normalised: dict[str, list[str]] = {}
    consent: bool | None = None
    limited_data_use: bool = False


class Knowledge:
    """What makes wrong values recognisable: known orders, click ids, and hashes seen before."""

    def __init__(self) -> None:
        self._orders: dict[str, KnownOrder] = {}
        self._clicks: dict[str, set[str]] = {}
        self._hashes_of_hashes: set[str] = set()

    def learn_order(self, order: KnownOrder) -> None:
        """Remember an order by its order id and by its event id."""
        for key in (order.order_id, order.event_id):
            if key:
                self._orders[key] = order
        if order.fbclid:
            self.learn_click(order.fbclid)

    def learn_click(self, fbclid: str) -> None:
        """Remember how a click id is really written: its case matters."""
        self._clicks.setdefault(fbclid.lower(), set()).add(fbclid)

    def learn_hashes(self, hashes: Iterable[str]) -> None:
        """Remember accepted hashes, so that a hash of one of them is recognised."""
        self._hashes_of_hashes.update(sha256(value) for value in hashes)

    def order_of(self, event: Json) -> KnownOrder | None:
        """The known order an event is about, by its `event_id` or `custom_data.order_id`."""
        custom_data = event.get("custom_data")
        order_id = custom_data.get("order_id") if isinstance(custom_data, dict) else None
        for key in (event.get("event_id"), order_id):
            if isinstance(key, str) and (order := self._orders.get(key)):
                return order
        return None

    def is_hash_of_a_hash(self, value: str) -> bool:
        """Whether `value` is the SHA-256 of a hash that was accepted before."""
        return value in self._hashes_of_hashes

    def is_a_click_in_the_wrong_case(self, fbclid: str) -> bool:
        """Whether a known click id differs from `fbclid` only by upper and lower case."""
        forms = self._clicks.get(fbclid.lower())
        return forms is not None and fbclid not in forms


@dataclass(kw_only=True)
class Inspection:
    """The event at `index` of a batch, at simulated time `now` (Unix seconds)."""

    index: int
    now: float
    dataset: Dataset
    settings: Settings
    knowledge: Knowledge
    order: KnownOrder | None = None
    warnings: list[str] = field(default_factory=list)

    def refusal(
        self, kind: str, *keys: str | int, text: str = "", simulated: bool = False
    ) -> Refusal:
        """A refusal whose detail names the field as Meta does: `$['data'][3]['event_time']`."""
        path = "".join(f"[{key!r}]" for key in keys)
        detail = f"param \"$['data'][{self.index}]{path}\" {text}".rstrip()
        return Refusal(kind, detail=detail, simulated=simulated)

    def object_to(self, *keys: str | int, text: str, kind: str = "parameter") -> None:
        """Strict: raises Refusal (Meta's own answer is not known). Lenient: notes a warning."""
        if self.settings.strict:
            raise self.refusal(kind, *keys, text=text, simulated=True)
        self.warn(*keys, text=text)

    def warn(self, *keys: str | int, text: str) -> None:
        """Note something for the books; the answer stays the same."""
        self.warnings.append(f"{'.'.join(map(str, keys)) or 'event'}: {text}")


def is_one_of(value: object, allowed: Collection[str | int]) -> bool:
    """Membership for any JSON value: lists and objects are in no set."""
    return isinstance(value, str | int) and value in allowed


def sha256(text: str) -> str:
    """Lower-case hex of the SHA-256 of the UTF-8 bytes, as Meta wants it."""
    return hashlib.sha256(text.encode()).hexdigest()
