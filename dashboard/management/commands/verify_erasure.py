"""`verify_erasure ID|FILE`: whether an erasing holds: by a certificate, or by the database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import CommandParser
from django.utils import timezone

from dashboard.erasure import Broken, certifiable, certify, read_certificate
from shop_webhooks.erasing import left_of
from shop_webhooks.models import ShopNotice
from shop_webhooks.notices import stores_of
from stores import commands


class Command(commands.Command):
    """With a number: looks into the database. With a file: checks the signature, offline."""

    help = "Check that an erasing holds: by a certificate, or by what is left in the database."

    def add_arguments(self, parser: CommandParser) -> None:
        """The request's number, or a certificate; --print hands a certificate out."""
        super().add_arguments(parser)
        parser.add_argument(
            "what", metavar="ID|FILE", help="the request's number, or a certificate"
        )
        parser.add_argument(
            "--key", metavar="HEX", default="", help="the key that must have signed"
        )
        parser.add_argument(
            "--print", action="store_true", dest="hand_out", help="print the certificate of today"
        )

    def handle(self, *, what: str, key: str, hand_out: bool, as_json: bool, **options: Any) -> None:
        """Exit code 1 where something is left, or where the certificate does not hold."""
        if not what.isdecimal():
            self._check_file(what, key=key, as_json=as_json)
            return
        notice = certifiable().filter(pk=int(what)).first()
        if notice is None:
            commands.refuse(f"There is no erasing {what}: see `notices`.")
        if hand_out:
            self.stdout.write(certify(notice, now=timezone.now()).decode())
            return
        self._look(notice, as_json=as_json)

    def _check_file(self, file: str, *, key: str, as_json: bool) -> None:
        try:
            found = read_certificate(Path(file).read_bytes(), key=key)
        except OSError as error:
            commands.refuse(f"{file} cannot be read: {error.strerror}.")
        except Broken as error:
            commands.fail(str(error))
        if as_json:
            self.print_json(found)
        else:
            self.stdout.write(
                f"The certificate of request {found.request} of {found.shop} holds: {found.records}"
                f" records of {len(found.orders)} orders were erased, signed by {found.public_key}."
            )
        if not found.left.nothing:
            commands.fail("It says itself that something was left.")

    def _look(self, notice: ShopNotice, *, as_json: bool) -> None:
        left = left_of(
            stores_of(notice), orders=notice.orders, before=notice.done_at or timezone.now()
        )
        if as_json:
            self.print_json({"request": notice.pk, "holds": left.nothing, "left": left})
        elif left.nothing:
            self.stdout.write(
                f"Erasing {notice.pk} holds: nothing is left of {len(notice.orders)} orders."
            )
        if not left.nothing:
            said = ", ".join(f"{count} {name}" for name, count in msgspec.to_builtins(left).items())
            commands.fail(f"Erasing {notice.pk} does not hold. Left: {said}.")
