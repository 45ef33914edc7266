"""`balance`: the shop's own orders against the ledger, in count and money; zero, or what differs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from rich.table import Table

from conversions.models import State
from conversions.report import amount
from conversions.tasks import send_due
from dashboard.balance import Balance, Line, Sum, balance_store, document
from dashboard.reasons import in_words
from shop_webhooks.readers import READERS
from stores import commands
from stores.models import Store

MOST_SHOWN = 50


class Command(commands.Command):
    """Asks the shops; changes nothing without --heal."""

    help = "Compare the orders that the shop itself tells of with the ledger."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which stores, and which span of time."""
        super().add_arguments(parser)
        parser.add_argument("--store", metavar="KEY", help="only this store")
        for name, what in (("--since", "placed since"), ("--until", "and before")):
            parser.add_argument(
                name, metavar="T", required=True, help=f"{what}: 2h, 7d or an ISO 8601 time (UTC)"
            )
        parser.add_argument("--heal", action="store_true", help="take in what the ledger lacks")

    def handle(
        self,
        *,
        store: str | None,
        since: str,
        until: str,
        heal: bool,
        as_json: bool,
        **options: Any,
    ) -> None:
        """Print each store's balance. Ends with 1 if one does not balance, or is not known to."""
        now = timezone.now()
        first = commands.moment("--since", since, now=now)
        last = commands.moment("--until", until, now=now)
        if first >= last:
            commands.refuse("--since must be before --until.")
        connected = Store.objects.filter(connected=True, platform__in=READERS).order_by("key")
        stores = commands.find_stores(store) if store else list(connected)
        found = [balance_store(store=row, since=first, until=last, heal=heal) for row in stores]
        if heal:
            send_due.ring_now()
        if as_json:
            self.print_json(
                {"balanced": _all_balanced(found), "stores": [document(row) for row in found]}
            )
        else:
            for balance in found:
                self._print(balance)
        if not _all_balanced(found):
            commands.fail("The books do not balance, or are not known to.")

    def _print(self, balance: Balance) -> None:
        console = self.console()
        if balance.reason:
            console.print(f"{balance.store}: not known. {in_words(balance.reason)}")
            return
        table = Table("pixel", "event", "day", "shop", *State.values, "changed", "gone", box=None)
        for line in balance.lines:
            table.add_row(
                *(line.pixel_id, line.event_name, line.day),
                *(_sum(line.shop, line), *[_sum(line.states.get(s), line) for s in State.values]),
                *(amount(line.changed.money, line.currency), _sum(line.gone, line)),
            )
        if balance.lines:
            console.print(table)
        for difference in balance.differences[:MOST_SHOWN]:
            console.print(
                f"{difference.what}: order {difference.order_name or difference.order_id}"
                f" at pixel {difference.pixel_id or '–'}"
            )
        verdict = "balanced" if balance.balanced else f"{len(balance.differences)} differ"
        if balance.no_mapping:
            verdict += "; no mapping is in force, so that no pixel is owed anything"
        console.print(f"{balance.store}: {balance.orders} orders in the shop, {verdict}")


def _all_balanced(found: list[Balance]) -> bool:
    return all(balance.balanced for balance in found)


def _sum(found: Sum | None, line: Line) -> str:
    if found is None or not found.count:
        return "–"
    return f"{found.count} ({amount(found.money or Decimal(), line.currency)} {line.currency})"
