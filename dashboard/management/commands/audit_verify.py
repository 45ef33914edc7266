"""`audit_verify FILE`: whether an exported audit chain holds. Needs no database and no network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from dashboard.audit.chain import Broken, verify
from stores import commands


class Command(commands.Command):
    """Ends with 1 at the first line that does not hold."""

    help = "Check an exported audit chain offline: every link, and every signature."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """FILE, or - for standard input; --key, the public key that is to have signed it."""
        super().add_arguments(parser)
        parser.add_argument(
            "file", metavar="FILE", help="what audit_export has printed; - for a pipe"
        )
        parser.add_argument(
            "--key", metavar="HEX", default="", help="the public key that must have signed it"
        )

    def handle(self, *, file: str, key: str, as_json: bool, **options: Any) -> None:
        """Say what the chain holds, or where it breaks."""
        try:
            with sys.stdin.buffer if file == "-" else Path(file).open("rb") as lines:
                found = verify(line for line in lines if line.strip())
        except OSError as error:
            commands.refuse(f"{file} cannot be read: {error.strerror}.")
        except Broken as error:
            commands.fail(str(error))
        if key and key.lower() != found.public_key:
            commands.fail(f"It was signed by another key: {found.public_key}.")
        if as_json:
            self.print_json(found)
            return
        self.stdout.write(
            f"The chain of {found.workspace} holds: {found.entries} entries up to {found.head},"
            f" {found.signatures} signatures by {found.public_key}, the last of entry"
            f" {found.signed_up_to or 'none'}."
        )
