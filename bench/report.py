"""A table of targets: what was aimed at, what was measured, whether it holds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from rich.console import Console
from rich.table import Table

console = Console()


@dataclass
class Report:
    """The rows of one run."""

    rows: list[tuple[str, str, str, str, bool | None]] = field(default_factory=list)

    def at_least(
        self, target: str, what: str, measured: float, limit: float, unit: str = "×"
    ) -> None:
        """A figure that must not fall below `limit`."""
        self._add(target, what, f"{measured:.2f} {unit}", f"≥ {limit} {unit}", measured >= limit)

    def at_most(
        self, target: str, what: str, measured: float, limit: float, unit: str = "×"
    ) -> None:
        """A figure that must not exceed `limit`."""
        self._add(target, what, f"{measured:.2f} {unit}", f"≤ {limit} {unit}", measured <= limit)

    def note(self, what: str, measured: str) -> None:
        """A figure without a target."""
        self._add("", what, measured, "", None)

    def _add(self, target: str, what: str, measured: str, aim: str, holds: bool | None) -> None:
        self.rows.append((target, what, measured, aim, holds))
        console.print(f"  {target:4} {what}: {measured} {aim and f'(aim {aim})'}")

    def show(self) -> None:
        """Print the whole."""
        table = Table("Target", "Measure", "Here", "Aim", "")
        for target, what, measured, aim, holds in self.rows:
            table.add_row(target, what, measured, aim, {True: "✔", False: "✘", None: ""}[holds])
        console.print(table)


def alternating(rounds: int, **contenders: Callable[[], float]) -> dict[str, float]:
    """Run the contenders in turn, so that noise meets all alike; the median of each."""
    figures: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            figures[name].append(run())
    return {name: median(values) for name, values in figures.items()}
