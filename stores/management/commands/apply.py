"""`apply FILE`: makes a workspace equal to a fleet file (docs/fleet-file.md)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from stores import commands
from stores.fleet.apply import Conflict, Plan, apply_plan, document, plan_fleet
from stores.fleet.document import MOST_BYTES, FleetError
from stores.fleet.file import read_fleet
from stores.fleet.plan import in_words


class Command(commands.Command):
    """Reads, plans, and unless `--plan` is given, applies."""

    help = "Make the workspace equal to a fleet file. A second time changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """FILE and --plan."""
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", help="the fleet file; - reads standard input")
        parser.add_argument("--plan", action="store_true", help="only print the difference")

    def handle(self, *, file: str, plan: bool, as_json: bool, **options: Any) -> None:
        """Print what changes. Ends with 2 for a file that cannot be meant."""
        content = _read(file)
        try:
            found = _plan(content)
        except FleetError as error:
            if as_json:
                self.print_json(document(None, applied=False, errors=error.problems))
            commands.refuse("\n  ".join(["Nothing was applied.", *error.problems]))
        if not plan:
            try:
                apply_plan(found, now=timezone.now())
            except Conflict as error:
                commands.fail(str(error))
        if as_json:
            self.print_json(document(found, applied=not plan, errors=()))
        else:
            self._print(found, applied=not plan)

    def _print(self, plan: Plan, *, applied: bool) -> None:
        for change in plan.changes:
            self.stdout.write(in_words(change))
        for warning in plan.warnings:
            self.stdout.write(f"! {warning}")
        count = len(plan.changes)
        if not count:
            self.stdout.write("nothing to change")
        else:
            word = "change" if count == 1 else "changes"
            self.stdout.write(f"{count} {word} {'applied' if applied else 'planned'}")


def _read(file: str) -> bytes:
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except OSError as error:
        commands.refuse(f"{file} cannot be read: {error.strerror}.")


def _plan(content: bytes) -> Plan:
    wanted = read_fleet(
        content, environ=os.environ, allow_private=settings.WOOCOMMERCE_ALLOW_PRIVATE
    )
    return plan_fleet(wanted, shopify_is_on=bool(settings.SHOPIFY_API_SECRET))
