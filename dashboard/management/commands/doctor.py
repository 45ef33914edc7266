"""`doctor`: what is wrong with this installation and its stores, and how to mend it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from dashboard.doctor import examine
from dashboard.findings import FAILURE, MARKS
from stores import commands


class Command(commands.Command):
    """Asks nobody outside but the database and the broker."""

    help = "Check settings, database, broker, stores and pixels; one line each, with the fix."
    requires_system_checks = ()  # they are among the findings

    def add_arguments(self, parser: CommandParser) -> None:
        """--store, to look at one store and its pixels only."""
        super().add_arguments(parser)
        parser.add_argument("--store", metavar="KEY", help="only this store and its pixels")

    def handle(self, *, store: str | None, as_json: bool, **options: Any) -> None:
        """Print the findings. Ends with 1 if one is a failure."""
        found = list(examine(store=store, now=timezone.now()))
        failures = sum(finding.level == FAILURE for finding in found)
        if as_json:
            self.print_json({"findings": found, "failures": failures})
        else:
            for finding in found:
                fix = f" → {finding.fix}" if finding.fix else ""
                self.stdout.write(f"{MARKS[finding.level]} {finding.about}: {finding.what}{fix}")
        if failures:
            commands.fail(f"{failures} of {len(found)} checks did not hold.")
