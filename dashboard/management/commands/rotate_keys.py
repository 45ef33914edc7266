"""`rotate_keys`: seal everything anew with the first encryption key, so that the others can go."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from shop_webhooks.notices import SEALED_FOR
from stores import commands
from stores.accounts.second_factors import reseal_second_factors
from stores.rotation import Column, columns, reseal


class Command(commands.Command):
    """Everything goes on meanwhile. Exit code 1 where a value opens with no key."""

    help = (
        "Seal every secret anew with the first encryption key, so that older keys can be taken out."
    )

    def handle(self, *, as_json: bool, **options: Any) -> None:
        """Column by column; the last word says whether older keys are still needed."""
        notices = Column("shop_webhooks_shopnotice", "body", SEALED_FOR)
        done = [reseal(column) for column in [*columns(), notices]] + [reseal_second_factors()]
        lost = sum(each.lost for each in done)
        total = sum(each.resealed for each in done)
        if as_json:
            told = {f"{each.column.table}.{each.column.name}": each.resealed for each in done}
            self.print_json({"resealed": total, "lost": lost, "columns": told})
        else:
            table = Table("column", "sealed anew", "opened by no key", box=None)
            for each in done:
                if each.resealed or each.lost:
                    name = f"{each.column.table}.{each.column.name}"
                    table.add_row(name, str(each.resealed), str(each.lost))
            if table.rows:
                self.console().print(table)
            self.stdout.write(
                f"{total} values are sealed anew. "
                + (
                    f"{lost} are opened by no key."
                    if lost
                    else "Older keys are not needed any more."
                )
            )
        if lost:
            raise SystemExit(1)
