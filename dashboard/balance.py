"""The balance: what a store's own shop says it sold, against what the ledger says of it (F2).

Orders are read from the shop, never from our webhooks, and led through the same rules; then each must
stand in the ledger: in some state, in its latest version, with its value. Per pixel, event and day the
counts and the money add up, or the orders that keep them from it are named. A reading that is not known
to be whole is never called balanced.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from conversions import outbox
from conversions.entries import Entry, entries_of, mappings_in_force
from conversions.models import ConversionEvent, State
from conversions.sightings import Sighting
from purchases.order import Order
from purchases.shops import PLATFORMS
from purchases.shops.delivery import UnreadableOrder
from shop_webhooks import inbox
from shop_webhooks.models import WebhookDelivery
from shop_webhooks.readers import READERS, readable_stores
from stores.models import Store
from stores.shops import ShopError

# A later version of the order may still move these.
OPEN = (State.WAITING, State.SKIPPED)


class Sum(Struct, kw_only=True):
    """How many, and how much money."""

    count: int = 0
    money: Decimal = Decimal()

    def add(self, money: Decimal | None, *, count: int = 1) -> None:
        """One more."""
        self.count += count
        self.money += money or Decimal()


class Line(Struct, kw_only=True):
    """One pixel, event, day (of the store's zone) and currency.

    shop = states + missing + changed. `changed` is money only: what happened to orders, or to the
    rules, after their event was made. `gone` are events whose order the shop no longer lists.
    """

    pixel_id: str
    event_name: str
    day: str
    currency: str
    shop: Sum = field(default_factory=Sum)
    states: dict[str, Sum] = field(default_factory=dict)
    missing: Sum = field(default_factory=Sum)
    changed: Sum = field(default_factory=Sum)
    gone: Sum = field(default_factory=Sum)

    def difference(self) -> Sum:
        """What no state accounts for: nothing, where the line balances."""
        states = self.states.values()
        return Sum(
            count=self.shop.count - sum(state.count for state in states),
            money=self.shop.money - sum(state.money for state in states) - self.changed.money,
        )


class Difference(Struct, frozen=True, kw_only=True):
    """An order that keeps the books from balancing.

    `what`: missing (no row), outdated (the row knows an older version), value (another amount),
    unreadable (the shop's own order cannot be read).
    """

    what: str
    order_id: str
    order_name: str = ""
    pixel_id: str = ""
    state: str = ""
    shop_value: Decimal | None = None
    ledger_value: Decimal | None = None
    currency: str = ""


class Listed(Struct, frozen=True, kw_only=True):
    """An order behind a term of a line: a state, `missing`, `changed` or `gone`."""

    term: str
    order_id: str
    order_name: str
    pixel_id: str
    event_name: str
    day: str
    currency: str
    money: Decimal | None


class Balance(Struct, kw_only=True):
    """Of one store and span. `reason` says why the shop's orders are not known to be all."""

    store: str
    since: datetime
    until: datetime
    orders: int = 0
    complete: bool = False
    reason: str = ""
    no_mapping: bool = False  # nobody has asked for this store's orders
    lines: list[Line] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    healed: list[Difference] = field(default_factory=list)  # what differed, and was taken in
    listed: list[Listed] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Whether every order of the shop is accounted for, and is known to be."""
        return self.complete and not self.differences


def balance_store(*, store: Store, since: datetime, until: datetime, heal: bool = False) -> Balance:
    """Compare the shop's orders that were placed in [since, until) with the ledger.

    With `heal`, what is missing or outdated is taken in, and then compared anew.
    """
    found, bodies = _compare(store, since, until)
    if heal and found.complete and bodies:
        lacking = [difference for difference in found.differences if difference.order_id in bodies]
        _take_in(store, bodies)
        found, still = _compare(store, since, until)
        found.healed = [difference for difference in lacking if difference.order_id not in still]
    return found


def _compare(store: Store, since: datetime, until: datetime) -> tuple[Balance, dict[str, bytes]]:
    """The balance, and the bodies by order id of what the ledger lacks."""
    found = Balance(store=store.key, since=since, until=until)
    orders: dict[str, Order] = {}
    bodies: dict[str, bytes] = {}
    try:
        found.orders = _read(store, found, orders, bodies)
    except ShopError as error:
        found.reason = error.reason
        return found, {}
    found.complete = not found.reason
    mappings = mappings_in_force({store.pk})
    found.no_mapping = not mappings
    now = outbox.database_now()
    sightings = [Sighting(store=store, order=order, received_at=now) for order in orders.values()]
    entries = entries_of(sightings, mappings=mappings, now=now)
    _settle(found, store, entries, orders.keys())
    lacking = {
        difference.order_id
        for difference in found.differences
        if difference.what in ("missing", "outdated")
    }
    return found, {order_id: bodies[order_id] for order_id in lacking}


def _read(store: Store, found: Balance, orders: dict[str, Order], bodies: dict[str, bytes]) -> int:
    """Read the shop's orders; returns how many there are. Raises ShopError."""
    if not readable_stores().filter(pk=store.pk).exists():
        raise ShopError("no_key")
    reader, platform = READERS[store.platform], PLATFORMS[store.platform]
    zone = ZoneInfo(store.time_zone)
    announced: int | None = None
    seen: set[bytes] = set()
    for number, page in enumerate(
        reader.read_placed(store=store, since=found.since, until=found.until)
    ):
        announced = page.announced if number == 0 else announced
        for body in page.bodies:
            if body in seen:  # the last second of a page comes again
                continue
            seen.add(body)
            try:
                order = platform.parse_order(body, topic=reader.topic, zone=zone)
            except UnreadableOrder as error:
                what = Difference(what="unreadable", order_id=error.reason)
                found.differences.append(what)
                continue
            if isinstance(order, Order):
                orders[order.shop_order_id] = order
                bodies[order.shop_order_id] = body
    if announced is None or announced > len(seen):
        found.reason = "reading_incomplete"
    return len(seen)


def _settle(found: Balance, store: Store, entries: Iterable[Entry], listed: Iterable[str]) -> None:
    """Set each entry against its row, and what is left in the ledger against nothing."""
    zone, lines = ZoneInfo(store.time_zone), dict[tuple[str, str, str, str], Line]()

    def line(pixel_id: str, event_name: str, at: datetime, currency: str) -> Line:
        day = f"{at.astimezone(zone):%Y-%m-%d}"
        new = Line(pixel_id=pixel_id, event_name=event_name, day=day, currency=currency)
        return lines.setdefault((pixel_id, event_name, day, currency), new)

    def put(at: Line, term: str, into: Sum, order: tuple[str, str], money: Decimal | None) -> None:
        into.add(money)
        listed = Listed(
            term=term,
            order_id=order[0],
            order_name=order[1],
            pixel_id=at.pixel_id,
            event_name=at.event_name,
            day=at.day,
            currency=at.currency,
            money=money,
        )
        found.listed.append(listed)

    rows = _rows(store, listed)
    for entry in entries:
        order, pixel_id = entry.sighting.order, entry.mapping.pixel.pixel_id
        event = rows.get((order.shop_order_id, pixel_id, entry.mapping.event_name))
        at = line(pixel_id, entry.mapping.event_name, order.placed_at, entry.currency)
        at.shop.add(entry.value)
        named = (order.shop_order_id, order.name)
        if event is None:
            put(at, "missing", at.missing, named, entry.value)
        else:
            put(at, event.state, at.states.setdefault(event.state, Sum()), named, event.value)
            change = (entry.value or Decimal()) - (event.value or Decimal())
            if change and _may_differ(entry, event):
                put(at, "changed", at.changed, named, change)
        if what := _difference(entry, event):
            found.differences.append(
                Difference(
                    what=what,
                    order_id=order.shop_order_id,
                    order_name=order.name,
                    pixel_id=pixel_id,
                    state=event.state if event else "",
                    shop_value=entry.value,
                    ledger_value=event.value if event else None,
                    currency=entry.currency,
                )
            )
    gone = ConversionEvent.objects.filter(
        store=store, event_time__gte=found.since, event_time__lt=found.until
    ).exclude(order_id__in=list(listed))
    for event in gone.select_related("pixel"):
        at = line(event.pixel.pixel_id, event.event_name, event.event_time, event.currency)
        put(at, "gone", at.gone, (event.order_id, event.order_name), event.value)
    found.lines = [lines[key] for key in sorted(lines)]


def _rows(store: Store, listed: Iterable[str]) -> dict[tuple[str, str, str], ConversionEvent]:
    events = ConversionEvent.objects.filter(store=store, order_id__in=list(listed))
    return {
        (event.order_id, event.pixel.pixel_id, event.event_name): event
        for event in events.select_related("pixel")
    }


def _difference(entry: Entry, event: ConversionEvent | None) -> str:
    """What keeps the order from balancing, or ""."""
    if event is None:
        return "missing"
    if event.state in OPEN and event.order_updated_at < entry.sighting.order.updated_at:
        return "outdated"
    return "value" if event.value != entry.value and not _may_differ(entry, event) else ""


def _may_differ(entry: Entry, event: ConversionEvent) -> bool:
    """Whether the order, or the rules, have changed since the event was made."""
    return (
        event.order_updated_at < entry.sighting.order.updated_at
        or event.config_version != entry.rules.version
    )


def _take_in(store: Store, bodies: dict[str, bytes]) -> None:
    """Into the inbox, and read at once; also what lies there unread, for want of a mapping say."""
    inbox.store_swept(
        store=store, topic=READERS[store.platform].topic, bodies=list(bodies.values())
    )
    known: Sequence[str] = list(bodies)
    inbox.read_again(deliveries=WebhookDelivery.objects.filter(store=store, order_id__in=known))
    while inbox.process_batch():
        pass


def document(balance: Balance) -> dict[str, Any]:
    """For programs: the fields, the verdict, and each line's difference."""
    lines = [
        {name: getattr(line, name) for name in line.__struct_fields__}
        | {"difference": line.difference()}
        for line in balance.lines
    ]
    fields = {name: getattr(balance, name) for name in balance.__struct_fields__}
    return fields | {"balanced": balance.balanced, "lines": lines}
