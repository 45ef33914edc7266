"""`send_test_event`: one event with a test code, and what Meta says to it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from conversions.tasks import graph_client
from shop_webhooks.test_event import CannotTest, send_test_event
from stores import commands
from stores.models import Pixel


class Command(commands.Command):
    """Sends what Meta counts: by default an order of nobody, worth one euro."""

    help = "Send one event with a test code from Events Manager, and print Meta's answer."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which pixel, and what is sent."""
        super().add_arguments(parser)
        parser.add_argument("--pixel", metavar="ID", required=True, help="the Dataset (Pixel) ID")
        parser.add_argument("--code", metavar="TEST123", required=True, help="the test code")
        parser.add_argument("--order", metavar="ID", default="", help="this order, by id or name")
        parser.add_argument("--store", metavar="KEY", default="", help="of this store")

    def handle(
        self, *, pixel: str, code: str, order: str, store: str, as_json: bool, **options: Any
    ) -> None:
        """Print the answer. Ends with 1 where Meta did not take the event."""
        of_store = commands.find_store(store) if store else None
        pixels = Pixel.objects.filter(pixel_id=pixel)
        if of_store:
            pixels = pixels.filter(workspace=of_store.workspace)
        match list(pixels):
            case []:
                commands.refuse(f"There is no pixel {pixel!r}.")
            case [found]:
                pass
            case _several:
                commands.refuse(f"Several workspaces have pixel {pixel}: name a --store.")
        try:
            tested = send_test_event(
                pixel=found, code=code, graph=graph_client(), store=of_store, order=order
            )
        except CannotTest as error:
            commands.fail(str(error))
        if as_json:
            self.print_json(tested)
        else:
            console = self.console()
            console.print(f"sent {tested.event_id} to pixel {tested.pixel_id}")
            console.print(bytes(tested.request).decode())
            console.print(f"Meta answered {tested.answer.http_status}: {tested.answer.said}")
        if not tested.accepted:
            commands.fail(f"Meta did not take it ({tested.reason}).")
