"""The matrix, printed as it is and was."""

import sys

from rich.console import Console
from rich.table import Table

from chaos.checker import KINDS
from chaos.trial import Result

console = Console(width=None if sys.stdout.isatty() else 170, highlight=False)


def show_row(result: Result, *, seed: int) -> None:
    """One line as soon as a row is done; of a failed one, what is needed to look into it."""
    row = result.row
    head = f"[bold]{row.number:>4}[/] {row.fault}"
    if result.not_run:
        console.print(f"{head}: [bold red]NOT RUN: {result.not_run}[/]")
        return
    if result.holds:
        console.print(
            f"{head}: [green]✔[/] {result.orders} orders in {result.took:.0f} s; {_remark(result)}"
        )
        return
    console.print(f"{head}: [bold red]✘[/]")
    for violation in result.verdict.violations[:10]:
        console.print(f"     {violation.kind}: {' '.join(violation.key or ())} {violation.what}")
    for text in result.broken:
        console.print(f"     broken: {text}")
    for line in result.story:
        console.print(f"       {line}")
    console.print(f"     Again: make chaos ONLY={row.number} SEED={seed}")


def show_matrix(results: list[Result], *, seed: int, scale: str, folder: str) -> None:
    """The table, what was not run, and the verdict."""
    table = Table(title=f"Fault matrix, seed {seed}, {scale}")
    for heading in ("#", "fault", "load", "orders", *KINDS, "ack %", "recovered in s", "remark"):
        is_text = heading in ("fault", "load", "remark")
        table.add_column(heading, justify="left" if is_text else "right")
    for result in results:
        table.add_row(*_cells(result), style="" if result.holds else "bold red")
    console.print(table)
    for result in results:
        if result.not_run:
            console.print(
                f"[bold red]NOT RUN: {result.row.number} ({result.row.fault}): {result.not_run}[/]"
            )
    failed = [result.row.number for result in results if not result.holds]
    if failed:
        console.print(f"[bold red]✘ {len(failed)} of {len(results)} rows do not hold:[/]")
        console.print(f"  make chaos ONLY={','.join(failed)} SEED={seed}   (logs: {folder})")
    else:
        ran = sum(not result.not_run for result in results)
        console.print(f"[green]✔ {ran} rows: lost 0, twice 0, late 0, misrouted 0, imbalance 0[/]")


def _cells(result: Result) -> list[str]:
    row = result.row
    if result.not_run:
        return [row.number, row.fault, row.load.name, *["–"] * (len(KINDS) + 3), "NOT RUN"]
    counts = [str(result.verdict.count(kind)) for kind in KINDS]
    on_time = "–" if result.on_time is None else f"{100 * result.on_time:.1f}"
    recovered = "–" if result.recovered is None else f"{result.recovered:.1f}"
    return [row.number, row.fault, row.load.name, str(result.orders), *counts, on_time, recovered,
            _remark(result)]  # fmt: skip


def _remark(result: Result) -> str:
    return "; ".join(result.broken + result.remarks)
