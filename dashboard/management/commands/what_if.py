"""`what_if FILE`: what a fleet file would change for the orders of the last days."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from conversions.report import amount
from purchases.what_if import Change, WhatIf
from shop_webhooks.what_if import MOST_DAYS, what_if
from stores import commands
from stores.models import Store


class Command(commands.Command):
    """Reads the orders whose bodies are kept; writes and sends nothing."""

    help = "Print which orders a fleet file would gain and lose, and their money, per pixel."

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, and which orders to look at."""
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", type=Path, help="the fleet file")
        parser.add_argument("--store", metavar="KEY", default="", help="only this store")
        parser.add_argument(
            "--days",
            type=int,
            default=MOST_DAYS,
            metavar="N",
            help=f"of the last N days; bodies are kept for {MOST_DAYS}",
        )

    def handle(self, *, file: Path, store: str, days: int, as_json: bool, **options: Any) -> None:
        """Print the difference for each store of the file that there is."""
        fleet = commands.open_fleet(file)
        stores = Store.objects.filter(workspace__slug=fleet.slug, key__in=fleet.stores)
        if store:
            stores = stores.filter(key=store)
        if not stores:
            commands.fail("None of the file's stores is there yet: it has no orders to compare.")
        found = {
            one.key: what_if(
                store=one,
                mappings=fleet.stores[one.key].mappings,
                templates=fleet.templates,
                consent=fleet.stores[one.key].consent,
                days=min(days, MOST_DAYS),
                now=timezone.now(),
            )
            for one in stores.select_related("workspace").order_by("key")
        }
        if as_json:
            self.print_json({"days": min(days, MOST_DAYS), "stores": found})
            return
        for key, difference in found.items():
            self._print(key, difference)

    def _print(self, key: str, difference: WhatIf) -> None:
        self.stdout.write(f"store {key}: {difference.orders} orders")
        for change in difference.changes:
            self.stdout.write(f"  pixel {change.pixel_id}, {change.event}: {_in_words(change)}")
            for sample in change.samples:
                self.stdout.write(f"    {sample.order_name}: {sample.before} → {sample.after}")
        if difference.to_several_before or difference.to_several_after:
            self.stdout.write(
                f"  orders told to several pixels: {difference.to_several_before} →"
                f" {difference.to_several_after}"
            )


def _in_words(change: Change) -> str:
    said = [f"{change.reported_before} → {change.reported_after} reported"]
    if change.gained:
        said.append(f"{change.gained} gained ({_money(change.gained_money)})")
    if change.lost:
        said.append(f"{change.lost} lost ({_money(change.lost_money)})")
    if change.revalued:
        said.append(f"{change.revalued} with another value ({_money(change.revalued_money)})")
    return ", ".join(said)


def _money(money: dict[str, Decimal]) -> str:
    return ", ".join(f"{amount(value, currency)} {currency}" for currency, value in money.items())
