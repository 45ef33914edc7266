"""`match_event_id`: which `event_id` strategy gives the id that the browser pixel has told Meta."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from purchases.matching import match_event_id
from shop_webhooks.preview import CannotPreview, known_order
from stores import commands


class Command(commands.Command):
    """Reads what the shop has said of one known order; writes nothing."""

    help = "Find the event_id strategy that yields a browser's eventID of a known order."

    def add_arguments(self, parser: CommandParser) -> None:
        """The order, and what the browser has sent for it."""
        super().add_arguments(parser)
        parser.add_argument("--store", metavar="KEY", required=True, help="the store's key")
        parser.add_argument("--order", metavar="ID", required=True, help="the order's id or name")
        parser.add_argument(
            "event_id", metavar="EVENT_ID", help="the eventID, from Pixel Helper or Events Manager"
        )

    def handle(
        self, *, store: str, order: str, event_id: str, as_json: bool, **options: Any
    ) -> None:
        """Print the strategies, likeliest first. Ends with 1 where there is none."""
        found = commands.find_store(store)
        try:
            known = known_order(store=found, order=order)
        except CannotPreview as error:
            commands.fail(str(error))
        strategies = match_event_id(known, event_id, shop=found.key)
        if as_json:
            self.print_json({"store": found.key, "order": order, "strategies": strategies})
        for strategy in () if as_json else strategies:
            kind, _, template = strategy.partition(":")
            said = f'template:"{template}"' if kind == "template" else strategy
            self.stdout.write(f"event_id: {said}")
        if not strategies:
            commands.fail(
                f"Nothing on order {order} yields {event_id!r}: the browser makes it up by itself. Let"
                " it send the order's id as eventID, or write its own to the order."
            )
