"""`imbalance`: whether the ledger's books add up; nothing else is looked at, and nothing is changed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from dashboard.imbalance import find_imbalance, imbalance
from stores import commands


class Command(commands.Command):
    """Ends with 1 if anything is there that must never be."""

    help = "Count what must never be in the ledger: 0 says that the books add up."

    def add_arguments(self, parser: CommandParser) -> None:
        """--since, how far to look back."""
        super().add_arguments(parser)
        parser.add_argument(
            "--since", metavar="SPAN", default="7d", help="look back so far: 30m, 12h, 7d (default)"
        )

    def handle(self, *, since: str, as_json: bool, **options: Any) -> None:
        """Print each check with the ids that violate it."""
        findings = find_imbalance(span=commands.span(since))
        total = imbalance(findings)
        if as_json:
            self.print_json({"imbalance": total, "checks": findings})
        else:
            for finding in findings:
                mark = "✘" if finding.count else "✔"
                ids = ", ".join(map(str, finding.ids))
                shown = f" (ids {ids}{' …' if finding.count > len(finding.ids) else ''})"
                self.stdout.write(f"{mark} {finding.count} × {finding.what}{shown if ids else ''}")
            self.stdout.write(f"ledger_imbalance {total}")
        if total:
            commands.fail("The ledger's books do not add up.")
