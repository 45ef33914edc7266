"""`forget`: a customer asks to be forgotten; and, after a restore, all who had asked before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction
from django.utils import timezone

from dashboard.erasure import Broken, certify, erase_again, read_certificate
from shop_webhooks import notices
from stores import commands


class Command(commands.Command):
    """Prints the certificate. What is forgotten comes back by no webhook, sweep or replay."""

    help = (
        "Forget a customer's orders, and print the certificate; --again does so from certificates."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose orders: by number, or whose bodies name an address."""
        super().add_arguments(parser)
        parser.add_argument("--store", metavar="KEY", default="", help="the store")
        parser.add_argument(
            "--order", metavar="ID", action="append", default=[], help="an order; may be repeated"
        )
        parser.add_argument("--email", default="", help="whose kept orders name this address")
        parser.add_argument(
            "--again", metavar="FILE", nargs="+", help="certificates, after a backup was restored"
        )

    def handle(
        self,
        *,
        store: str,
        order: list[str],
        email: str,
        again: list[str] | None,
        **options: Any,
    ) -> None:
        """One or the other."""
        if again:
            self.print_json({"certificates": len(again), "erased": sum(map(_again, again))})
            return
        if not store or not (order or email):
            commands.refuse("Say --store KEY, and --order ID or --email ADDRESS.")
        (found,) = commands.find_stores(store)
        with transaction.atomic():  # before a worker sees it
            notice = notices.ask_to_forget(found, order_ids=order, email=email)
            notices.carry_out(notice.pk, now=timezone.now())
        notice.refresh_from_db()
        self.stdout.write(certify(notice, now=timezone.now()).decode())


def _again(file: str) -> int:
    try:
        return erase_again(read_certificate(Path(file).read_bytes()))
    except OSError as error:
        commands.refuse(f"{file} cannot be read: {error.strerror}.")
    except Broken as error:
        commands.fail(f"{file}: {error}")
