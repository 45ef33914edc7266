"""`replay`: look at orders again, by today's rules; a plan with counts and money, then done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from conversions.replay import FATES, Plan, document
from conversions.report import amount
from conversions.tasks import send_due
from shop_webhooks.replay import count_orders, replay_stores
from stores import commands
from stores.models import Pixel, Store

WORDS = {
    "send": ("to send", "owed now"),
    "accepted": ("Meta has it: not sent",) * 2,
    "on_its_way": ("on its way already",) * 2,
    "waiting": ("waits",) * 2,
    "skipped": ("not to be reported",) * 2,
    "rejected": ("Meta has refused it: not sent",) * 2,
    "too_old": ("too old: cannot be sent",) * 2,
}


class Command(commands.Command):
    """Sends nothing that Meta has, or may have; a second run sends nothing. Asks first at a terminal."""

    help = "Look at the orders of a span again, and send what is owed by today's mappings."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which orders, for which pixel, and whether only to plan."""
        super().add_arguments(parser)
        for name, what in (("--since", "placed since"), ("--until", "and before")):
            parser.add_argument(
                name, metavar="T", required=True, help=f"{what}: 2h, 7d or an ISO 8601 time (UTC)"
            )
        parser.add_argument("--store", metavar="KEY", help="only this store")
        parser.add_argument("--pixel", metavar="ID", default="", help="only for this pixel")
        parser.add_argument("--plan", action="store_true", help="say what would be done, no more")

    def handle(
        self,
        *,
        since: str,
        until: str,
        store: str | None,
        pixel: str,
        plan: bool,
        as_json: bool,
        **options: Any,
    ) -> None:
        """Print the plan, or what was done."""
        now = timezone.now()
        first = commands.moment("--since", since, now=now)
        last = commands.moment("--until", until, now=now)
        if first >= last:
            commands.refuse("--since must be before --until.")
        if pixel and not Pixel.objects.filter(pixel_id=pixel).exists():
            commands.refuse(f"There is no pixel {pixel!r}.")
        connected = Store.objects.filter(connected=True).order_by("key")
        stores = commands.find_stores(store) if store else list(connected)

        def run(*, carry_out: bool) -> Plan:
            orders = count_orders(stores=stores, since=first)
            with _bar("Sending" if carry_out else "Planning", orders) as advance:
                return replay_stores(
                    stores=stores,
                    since=first,
                    until=last,
                    pixel_id=pixel,
                    carry_out=carry_out,
                    advance=advance,
                )

        if not plan and not as_json and sys.stdin.isatty():
            planned = run(carry_out=False)
            self._print(planned, carried_out=False)
            if not planned.count("send") or not _approved(planned.count("send")):
                return
        found = run(carry_out=not plan)
        if not plan and found.count("send"):
            send_due.ring_now()
        if as_json:
            self.print_json(document(found, carried_out=not plan))
        else:
            self._print(found, carried_out=not plan)

    def _print(self, plan: Plan, *, carried_out: bool) -> None:
        table = Table("pixel", "event", "events", "money", "", box=None)
        shares = sorted(plan.shares.values(), key=lambda share: FATES.index(share.fate))
        for share in shares:
            table.add_row(
                share.pixel_id,
                share.event_name,
                str(share.count),
                f"{amount(share.money, share.currency)} {share.currency}",
                WORDS[share.fate][carried_out],
            )
        if shares:
            self.console().print(table)
        verb = "are on their way" if carried_out else "would be sent"
        self.stdout.write(f"{plan.orders} orders: {plan.count('send')} events {verb}.")


def _approved(events: int) -> bool:
    """Whether the person at the terminal says yes; a program is not asked."""
    return input(f"Send {events} events? [y/N] ").strip().lower() in ("y", "yes")


@contextmanager
def _bar(doing: str, orders: int) -> Iterator[Callable[[int], None]]:
    """How far it has come, for who watches; a stopped run goes on where it was."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(doing, total=orders)
        yield lambda more: progress.advance(task, more)
