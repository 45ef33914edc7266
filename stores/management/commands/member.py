"""`member EMAIL`: lets a person see a workspace, with a role."""

from __future__ import annotations

import getpass
import secrets
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.core.validators import validate_email

from stores import commands
from stores.members import add_member
from stores.models import Membership, User


class Command(commands.Command):
    """Makes the user if there is none. Doing it again changes the role, or the password."""

    help = "Give a person a role in a workspace."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, where and as what."""
        super().add_arguments(parser)
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("--workspace", metavar="SLUG", help="which one, if there are several")
        parser.add_argument("--role", required=True, choices=Membership.Role.values)
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )

    def handle(
        self,
        *,
        email: str,
        workspace: str | None,
        role: str,
        password_stdin: bool,
        as_json: bool,
        **options: Any,
    ) -> None:
        """A new user's password is read, asked for on a terminal, or made up and printed once."""
        found = commands.find_workspace(workspace)
        is_new = not User.objects.filter(email__iexact=email).exists()
        password, made_up = _password(is_new=is_new, from_stdin=password_stdin)
        try:
            validate_email(email)
            add_member(workspace=found, email=email, role=role, password=password)
        except ValidationError as error:
            commands.refuse(" ".join(error.messages))
        if as_json:
            told = {"password": password} if made_up else {}
            self.print_json(
                {"email": email, "workspace": found.slug, "role": role, "new": is_new} | told
            )
            return
        self.stdout.write(f"{email} is {role} of {found.slug}")
        if made_up:
            self.stdout.write(f"password: {password} (shown this once)")


def _password(*, is_new: bool, from_stdin: bool) -> tuple[str, bool]:
    """The password to set ("": none), and whether it was made up here."""
    if from_stdin:
        if password := sys.stdin.readline().rstrip("\r\n"):
            return password, False
        commands.refuse("There is no password on standard input.")
    if not is_new:
        return "", False
    if not sys.stdin.isatty():
        return secrets.token_urlsafe(18), True
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        commands.refuse("The two passwords differ.")
    return password, False
