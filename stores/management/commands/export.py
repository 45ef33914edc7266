"""`export`: prints a workspace as its fleet file, with references in place of secrets."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from stores import commands
from stores.fleet.text import as_plain, as_yaml
from stores.fleet.workspace import read_in_force
from stores.models import Store


class Command(commands.Command):
    """The same workspace always gives the same text."""

    help = "Print the fleet file of a workspace; secrets as references, never values."

    def add_arguments(self, parser: CommandParser) -> None:
        """--workspace, needed where there are several."""
        super().add_arguments(parser)
        parser.add_argument("--workspace", metavar="SLUG", help="which one, if there are several")

    def handle(self, *, workspace: str | None, as_json: bool, **options: Any) -> None:
        """Print YAML, or JSON in which each store also has the address for its webhooks."""
        found = commands.find_workspace(workspace)
        fleet = read_in_force(found)
        if not as_json:
            self.stdout.write(as_yaml(fleet), ending="")
            return
        document = as_plain(fleet)
        paths = {store.key: store.webhook_path for store in Store.objects.filter(workspace=found)}
        for store in document["stores"]:
            store["webhook_url"] = settings.APP_URL + paths[store["key"]]
        self.print_json(document)
