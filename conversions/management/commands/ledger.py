"""`ledger`: what became of every order, for people as a table and for programs as JSON."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import Any

import msgspec
from django.core.management.base import CommandParser
from django.utils import timezone
from rich.table import Table

from conversions import report
from stores import commands

WAITING_IN_A_TABLE = 20
ROWS_IN_A_TABLE = 500  # a table measures all its rows before it prints the first


class Command(commands.Command):
    """Streams: the first rows of a big ledger come at once."""

    help = "Print one row for each order, pixel and event, newest first."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to look for; everything where nothing is asked."""
        super().add_arguments(parser)
        parser.add_argument("--store", metavar="KEY", help="only this store")
        parser.add_argument("--order", metavar="ID", default="", help="the order's id or name")
        parser.add_argument(
            "--since", metavar="T", help="first received since: 2h, 7d or an ISO 8601 time (UTC)"
        )

    def handle(
        self, *, store: str | None, order: str, since: str | None, as_json: bool, **options: Any
    ) -> None:
        """Print the rows, then how many there are of each state."""
        found = report.events(
            stores=commands.find_stores(store) if store else None,
            order=order,
            since=commands.moment("--since", since, now=timezone.now()) if since else None,
        )
        counts = report.counts(found)
        if as_json:
            self._print_json(found, counts)
        else:
            self._print_table(found, counts)

    def _print_json(self, found: Any, counts: dict[str, int]) -> None:
        self.stdout.write('{"rows":[', ending="")
        for place, row in enumerate(report.rows(found)):
            self.stdout.write(("," if place else "") + "\n", ending="")
            self.stdout.write(msgspec.json.encode(row).decode(), ending="")
        self.stdout.write(f'\n],"counts":{msgspec.json.encode(counts).decode()}}}')

    def _print_table(self, found: Any, counts: dict[str, int]) -> None:
        console = self.console()
        rows = report.rows(found)
        while some := list(islice(rows, ROWS_IN_A_TABLE)):
            table = Table(*report.Row.__struct_fields__, box=None, pad_edge=False)
            for row in some:
                table.add_row(*map(str, msgspec.structs.astuple(row)))
            console.print(table)
        said = ", ".join(f"{count} {state}" for state, count in counts.items())
        console.print(said or "The ledger has no such row.")
        for event in report.waiting(found)[:WAITING_IN_A_TABLE]:
            days = (event.cut_off - timezone.now()) / timedelta(days=1)
            console.print(
                f"{event.order_name} waits ({event.reason}) for pixel {event.pixel.pixel_id}:"
                f" it can be sent until {event.cut_off:%Y-%m-%d %H:%M} UTC, {days:.1f} days left"
            )
