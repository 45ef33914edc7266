"""`audit_export`: a workspace's audit chain as a file for `audit_verify`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from dashboard.audit.export import export
from dashboard.audit.sealing import seal
from stores import commands


class Command(commands.Command):
    """Prints one JSON document on each line."""

    help = "Print a workspace's audit chain: who changed what, and how each event ended."

    def add_arguments(self, parser: CommandParser) -> None:
        """--workspace, whose; --after, to go on from an earlier file."""
        super().add_arguments(parser)
        parser.add_argument("--workspace", metavar="SLUG", required=True)
        parser.add_argument(
            "--after",
            metavar="NUMBER",
            type=int,
            default=0,
            help="leave out entries up to this one",
        )

    def handle(self, *, workspace: str, after: int, **options: Any) -> None:
        """Bring the chain up to date, then print it."""
        found = commands.find_workspace(workspace)
        while seal(now=timezone.now()):
            pass
        for line in export(found, after=after):
            self.stdout.write(line.decode())
