"""`reread`: have deliveries read anew, after a fix or a new mapping."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from shop_webhooks import inbox
from shop_webhooks.models import WebhookDelivery
from stores import commands


class Command(commands.Command):
    """What is read again ends like any other delivery; an order is never recorded twice."""

    help = "Read anew what could not be read, or what no mapping had asked for, while it is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which ones; all of them where nothing is said."""
        super().add_arguments(parser)
        parser.add_argument("--store", metavar="KEY", help="only this store")
        parser.add_argument("--reason", help="only those set aside for this reason: no_mapping")

    def handle(
        self, *, store: str | None, reason: str | None, as_json: bool, **options: Any
    ) -> None:
        """Hand them to the workers."""
        deliveries = WebhookDelivery.objects.all()
        if store:
            deliveries = deliveries.filter(store__in=commands.find_stores(store))
        if reason:
            deliveries = deliveries.filter(reason=reason)
        count = inbox.read_again(deliveries=deliveries)
        if as_json:
            self.print_json({"deliveries": count})
        else:
            self.stdout.write(f"{count} deliveries will be read again.")
