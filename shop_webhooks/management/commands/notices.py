"""`notices`: what shops and their customers have asked for, by when, and what was done."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from rich.table import Table

from shop_webhooks import notices
from shop_webhooks.models import ShopNotice
from stores.acting import note_access
from stores.commands import Command as BaseCommand
from stores.commands import refuse
from stores.models import Store

MOST_SHOWN = 200


class Command(BaseCommand):
    """List them, or hand a customer's data over."""

    help = "What Shopify has told of shops and customers: uninstalls, and requests of privacy law."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--open` for what is not done; `--export ID` to answer a request."""
        super().add_arguments(parser)
        parser.add_argument("--open", action="store_true", help="only what is not done yet")
        parser.add_argument(
            "--export",
            type=int,
            metavar="ID",
            help="print what we hold of a customer, and close it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        if options["export"] is not None:
            self._export(options["export"])
            return
        found = ShopNotice.objects.order_by("-pk")
        if options["open"]:
            found = found.filter(done_at=None)
        columns = ("id", "shop", "topic", "received_at", "due_at", "done_at", "outcome")
        rows = list(found.values(*columns)[:MOST_SHOWN])
        if options["as_json"]:
            self.print_json(rows)
            return
        table = Table(*columns)
        for row in rows:
            table.add_row(*["" if row[name] is None else str(row[name]) for name in columns])
        self.console().print(table)

    def _export(self, pk: int) -> None:
        request = ShopNotice.objects.filter(
            pk=pk, topic="customers/data_request", done_at=None
        ).first()
        if request is None:
            refuse(f"There is no open request {pk}: see `notices --open`.")
        for store in Store.objects.filter(domain=request.shop):
            note_access(store, actor="command notices", seen=f"export of request {request.pk}")
        self.print_json(notices.export(request))
        notices.answered(request, now=timezone.now())
