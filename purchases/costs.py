"""What goods cost the merchant: a table by SKU, variant or product, read from a CSV file.

Costs are of one piece, in the shop's currency unless a column says another.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from purchases.currencies import EXPONENTS
from purchases.order import Line, Order

# By which a line's cost is looked up, the most exact first.
KINDS = ("variant_id", "sku", "product_id")
COLUMNS = (*KINDS, "cost", "currency")
LONGEST_CODE = 200
MOST_PROBLEMS = 20
AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")


class Cost(Struct, frozen=True, kw_only=True):
    """What one piece of a product costs; `kind` says what the `code` is."""

    kind: str
    code: str
    amount: Decimal
    currency: str = ""  # "" for the shop's own


class CostsError(Exception):
    """A file of costs that cannot be meant. `problems` are sentences with the number of their line."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_costs(content: bytes) -> tuple[Cost, ...]:
    """The costs of a CSV file with a header of COLUMNS, one row a product. Raises CostsError.

    Commas, semicolons or tabs; with semicolons an amount may have a decimal comma.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CostsError("The file is not UTF-8.") from None
    head, _, _ = text.lstrip("\r\n").partition("\n")
    delimiter = max(",;\t", key=head.count)
    rows = list(csv.reader(text.splitlines(), delimiter=delimiter))
    names = [name.strip().lower() for name in rows[0]] if rows else []
    _check_header(names)
    costs: dict[tuple[str, str, str], Cost] = {}
    problems: list[str] = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = dict(zip(names, (cell.strip() for cell in row), strict=False))
        cost = _read(cells, decimal_comma=delimiter == ";")
        if isinstance(cost, str):
            problems.append(f"line {number}: {cost}")
        elif costs.setdefault((cost.kind, cost.code, cost.currency), cost) != cost:
            problems.append(f"line {number}: {cost.code} has another cost in an earlier line")
    if problems:
        more = len(problems) - MOST_PROBLEMS
        raise CostsError(*problems[:MOST_PROBLEMS], *([f"… and {more} more"] if more > 0 else []))
    return tuple(costs.values())


def codes_of(order: Order) -> set[tuple[str, str]]:
    """The (kind, code) pairs under which a table may have the costs of the order's lines."""
    return {pair for line in order.lines for pair in _codes(line)}


def with_costs(order: Order, table: Mapping[tuple[str, str], Iterable[Cost]]) -> Order:
    """The order with the costs of its lines: the table's, else what the shop says itself."""
    lines = tuple(_with_cost(line, order.currency, table) for line in order.lines)
    return replace(order, lines=lines)


def _with_cost(line: Line, currency: str, table: Mapping[tuple[str, str], Iterable[Cost]]) -> Line:
    for pair in _codes(line):
        for cost in table.get(pair, ()):
            if cost.currency in ("", currency):
                return replace(line, cost=cost.amount * line.quantity)
    return line


def _codes(line: Line) -> list[tuple[str, str]]:
    return [(kind, code) for kind in KINDS if (code := getattr(line, kind))]


def _check_header(names: list[str]) -> None:
    if "cost" not in names or not any(kind in names for kind in KINDS):
        raise CostsError(
            f"The first line must name the columns: cost, and one of {', '.join(KINDS)}."
        )
    for name in names:
        if name not in COLUMNS:
            raise CostsError(f"{name!r} is not one of the columns {', '.join(COLUMNS)}.")
        if names.count(name) > 1:
            raise CostsError(f"The column {name} is there twice.")


def _read(cells: Mapping[str, str], *, decimal_comma: bool) -> Cost | str:
    kind = next((kind for kind in KINDS if cells.get(kind)), "")
    if not kind:
        return "names no product"
    code, said, currency = cells[kind], cells.get("cost", ""), cells.get("currency", "").upper()
    amount = said.replace(",", ".") if decimal_comma else said
    if len(code) > LONGEST_CODE or not code.isprintable():
        return f"the {kind} is none"
    if not AMOUNT.fullmatch(amount):
        return f"{said!r} is no cost such as 12.50"
    if currency and currency not in EXPONENTS:
        return f"{currency!r} is no currency"
    return Cost(kind=kind, code=code, amount=Decimal(amount), currency=currency)
