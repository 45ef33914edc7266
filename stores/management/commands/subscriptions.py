"""`subscriptions`: what a Shopify shop delivers by subscriptions of its own, and their removal."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from stores.commands import Command as BaseCommand
from stores.commands import fail, find_store
from stores.shopify import audit


class Command(BaseCommand):
    """List them, or delete those that lead here."""

    help = "Lists a Shopify shop's own webhook subscriptions; --clean deletes those that lead here."

    def add_arguments(self, parser: CommandParser) -> None:
        """The store is named."""
        super().add_arguments(parser)
        parser.add_argument("--store", required=True, metavar="KEY")
        parser.add_argument("--clean", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask the shop."""
        store = find_store(options["store"])
        act = audit.clean if options["clean"] else audit.subscriptions
        try:
            found = act(store, now=timezone.now())
        except audit.UNASKED as error:
            fail(
                f"The shop of {store.key} gives no answer to use: {error or type(error).__name__}."
            )
        if options["as_json"]:
            self.print_json(found)
            return
        for each in found:
            word = "deleted" if options["clean"] else "leads here" if each.ours else "elsewhere"
            self.stdout.write(f"{each.topic}  {each.uri}  {word}")
        self.stderr.write(f"{len(found)} subscriptions of the shop's own.")
