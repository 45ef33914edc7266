"""`browser_script`: the script for shoppers' browsers, with a store's settings in it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from stores import commands
from stores.browser.script import custom_pixel
from stores.models import Store


class Command(commands.Command):
    """Reads settings; changes nothing."""

    help = "Print the custom pixel of a Shopify store, to paste into its Customer events."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which store."""
        super().add_arguments(parser)
        parser.add_argument("--store", metavar="KEY", required=True, help="the store's key")

    def handle(self, *, store: str, as_json: bool, **options: Any) -> None:
        """Print it. Ends with 1 where the store uses no script."""
        found = commands.find_store(store)
        if found.platform != Store.Platform.SHOPIFY:
            commands.fail(
                f"{found.key} is no Shopify store: its helper is a plug-in, on its page Browser."
            )
        if not found.browser:
            commands.fail(
                f"{found.key} uses no script: switch it on on its page Browser, or by browser:"
                " {wait: 60} in the fleet file."
            )
        script = custom_pixel(found)
        if as_json:
            self.print_json({"store": found.key, "script": script})
        else:
            self.stdout.write(script)
