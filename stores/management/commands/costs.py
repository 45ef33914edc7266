"""`costs`: what a store's goods cost, for mappings whose value is the margin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from purchases.costs import CostsError, read_costs
from stores import commands
from stores.costs import keep_costs


class Command(commands.Command):
    """All or nothing: a file with a mistake in it changes no cost."""

    help = "Replace a store's table of costs by a CSV file: sku (or variant_id, product_id), cost."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which store, and the file."""
        super().add_arguments(parser)
        parser.add_argument("--store", metavar="KEY", required=True, help="the store's key")
        parser.add_argument("file", metavar="FILE", type=Path, help="a CSV file with a header")

    def handle(self, *, store: str, file: Path, as_json: bool, **options: Any) -> None:
        """Read the file, then keep what it says."""
        found = commands.find_store(store)
        try:
            costs = read_costs(file.read_bytes())
        except OSError as error:
            commands.refuse(f"{file} cannot be read: {error.strerror}.")
        except CostsError as error:
            commands.refuse(str(error))
        keep_costs(store=found, costs=costs)
        if as_json:
            self.print_json({"store": found.key, "costs": len(costs)})
        else:
            self.stdout.write(
                f"Store {found.key} has {len(costs)} costs. Orders that were skipped for a missing"
                " one are reported when the shop tells of them again."
            )
