"""`doubt`: events without an answer, each with its clock; and a person's word on them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from msgspec import Struct
from rich.table import Table

from conversions import report
from conversions.doubt import Verdict, in_doubt, settle
from conversions.models import ConversionEvent
from stores import commands


class Row(Struct, frozen=True, kw_only=True):
    """An event in doubt. Times are ISO 8601 in UTC; `next` is what becomes of it by itself."""

    store: str
    order_id: str
    order_name: str
    pixel_id: str
    event_id: str
    reason: str
    attempts: int
    since: str
    until: str
    next: str  # "resend" or "waits for you"


class Command(commands.Command):
    """Lists; with --settle, decides for what it would list."""

    help = "List the events whose answer never came, or settle them: accepted, resend, give_up."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which events, and the verdict."""
        super().add_arguments(parser)
        parser.add_argument("--store", metavar="KEY", help="only this store")
        parser.add_argument("--order", metavar="ID", default="", help="the order's id or name")
        parser.add_argument("--pixel", metavar="ID", help="only this dataset")
        parser.add_argument(
            "--settle",
            choices=[verdict.value for verdict in Verdict],
            help="accepted: Meta has it; resend: again, with the same event id; give_up: let it go",
        )

    def handle(
        self,
        *,
        store: str | None,
        order: str,
        pixel: str | None,
        settle: str | None,
        as_json: bool,
        **options: Any,
    ) -> None:
        """Print the events, or how many were settled."""
        stores = commands.find_stores(store) if store else None
        found = report.events(stores=stores, order=order)
        if pixel:
            found = found.filter(pixel__pixel_id=pixel)
        events = list(in_doubt(found))
        if settle:
            self._settle(events, Verdict(settle), as_json=as_json)
        elif as_json:
            self.print_json({"rows": [_row(event) for event in events]})
        else:
            self._print_table(events)

    def _settle(self, events: list[ConversionEvent], verdict: Verdict, *, as_json: bool) -> None:
        settled = settle([event.pk for event in events], verdict=verdict, actor="command")
        if as_json:
            self.print_json({"settled": settled, "verdict": verdict.value})
        else:
            self.stdout.write(f"{settled} settled as {verdict.value}.")

    def _print_table(self, events: list[ConversionEvent]) -> None:
        if not events:
            self.stdout.write("No event is in doubt.")
            return
        table = Table(*Row.__struct_fields__, box=None, pad_edge=False)
        for event in events:
            row = _row(event)
            table.add_row(*(str(getattr(row, name)) for name in Row.__struct_fields__))
        self.console().print(table)


def _row(event: ConversionEvent) -> Row:
    return Row(
        store=event.store.key,
        order_id=event.order_id,
        order_name=event.order_name,
        pixel_id=event.pixel.pixel_id,
        event_id=event.event_id,
        reason=event.reason,
        attempts=event.attempts,
        since=report.iso(event.first_unknown_at),
        until=report.iso(event.cut_off),
        next="waits for you" if event.held else "resend",
    )
