"""`preview`: the exact JSON that would be posted for an order, each field with where it came from."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from rich.table import Table

from dashboard.reasons import in_words
from shop_webhooks.preview import CannotPreview, PixelPreview, preview_order
from stores import commands
from stores.acting import note_access


class Command(commands.Command):
    """Reads what the shop has said last; writes and sends nothing."""

    help = "Print what would be posted for an order, and where each value comes from."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which order, and for which pixel."""
        super().add_arguments(parser)
        parser.add_argument("--store", metavar="KEY", required=True, help="the store's key")
        parser.add_argument("--order", metavar="ID", required=True, help="the order's id or name")
        parser.add_argument("--pixel", metavar="ID", default="", help="only this pixel")

    def handle(self, *, store: str, order: str, pixel: str, as_json: bool, **options: Any) -> None:
        """Print a preview for each pixel. Ends with 1 where the order cannot be read any more."""
        found = commands.find_store(store)
        try:
            previews = preview_order(store=found, order=order, pixel_id=pixel)
            note_access(found, actor="command preview", seen="preview")
        except CannotPreview as error:
            commands.fail(str(error))
        if as_json:
            self.print_json({"store": found.key, "order": order, "pixels": previews})
        else:
            for preview in previews:
                self._print(preview)

    def _print(self, preview: PixelPreview) -> None:
        console = self.console()
        console.print(f"pixel {preview.pixel_id}, mappings[{preview.mapping}]")
        if preview.ledger:
            why = f" ({preview.ledger.reason})" if preview.ledger.reason else ""
            console.print(f"  the ledger says: {preview.ledger.state}{why}")
        if not preview.fields:
            why = in_words(preview.reason)
            console.print(f"  nothing would be sent: {preview.state} ({preview.reason}). {why}")
            return
        table = Table("path", "value", "from", box=None, pad_edge=False)
        for field in preview.fields:
            table.add_row(field.path, field.value or "not sent", field.note or field.origin)
        console.print(table)
        console.print("value")
        steps = Table.grid(padding=(0, 2))
        for step in preview.value:
            steps.add_row(f"{step.amount:+}", step.what)
        console.print(steps)
        console.print(bytes(preview.body).decode())
