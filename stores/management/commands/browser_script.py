"""`browser_script`: the half that runs in a store's shop, with its settings in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from stores import commands
from stores.browser.helper import helper_zip
from stores.browser.script import custom_pixel, settings_of
from stores.models import Store


class Command(commands.Command):
    """Reads settings; changes nothing in the database."""

    help = (
        "Print the custom pixel of a Shopify store, to paste into its Customer events; or write the"
        " helper plug-in of a WooCommerce store, to upload to its WordPress."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which store, and the plug-in's file."""
        super().add_arguments(parser)
        parser.add_argument("--store", metavar="KEY", required=True, help="the store's key")
        parser.add_argument("--output", metavar="FILE", type=Path, help="the plug-in's zip")

    def handle(self, *, store: str, output: Path | None, as_json: bool, **options: Any) -> None:
        """Print or write it. Ends with 1 where the store uses no script."""
        found = commands.find_store(store)
        if not found.browser:
            commands.fail(
                f"Store {found.key} uses no script. Switch it on on its page Browser, or by"
                " browser: {wait: 60} in the fleet file."
            )
        if found.platform == Store.Platform.SHOPIFY:
            script = custom_pixel(found)
            if as_json:
                self.print_json({"store": found.key, "script": script})
            else:
                self.stdout.write(script)
            return
        if output is None:
            commands.refuse("A WooCommerce store has a plug-in: say where to, by --output FILE.")
        try:
            output.write_bytes(helper_zip(settings_of(found)))
        except OSError as error:
            commands.refuse(f"{output} cannot be written: {error.strerror}.")
        if as_json:
            self.print_json({"store": found.key, "file": str(output)})
        else:
            self.stdout.write(f"{output} is the helper plug-in of store {found.key}.")
