"""`deliveries`: what the shops have sent, and what it turned out to be. Never a body."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from rich.table import Table

from shop_webhooks.models import WebhookDelivery
from stores import commands

COLUMNS = (
    "store__key", "topic", "received_at", "repeats", "state", "reason", "detail", "order_id",
)  # fmt: skip


class Command(commands.Command):
    """The newest first."""

    help = "Print the newest webhook deliveries, and what became of each."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which, and how many."""
        super().add_arguments(parser)
        parser.add_argument("--store", metavar="KEY", help="only this store")
        parser.add_argument("--state", choices=WebhookDelivery.State.values, help="only these")
        parser.add_argument("--most", type=int, default=1_000, help="so many (%(default)s)")

    def handle(
        self, *, store: str | None, state: str | None, most: int, as_json: bool, **options: Any
    ) -> None:
        """Print the rows."""
        found = WebhookDelivery.objects.order_by("-pk")
        if store:
            found = found.filter(store__in=commands.find_stores(store))
        if state:
            found = found.filter(state=state)
        rows = list(found.values_list(*COLUMNS)[: max(most, 0)])
        names = [column.removesuffix("__key") for column in COLUMNS]
        if as_json:
            self.print_json({"rows": [dict(zip(names, row, strict=True)) for row in rows]})
            return
        table = Table(*names, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*("" if value is None else str(value) for value in row))
        self.console().print(table)
