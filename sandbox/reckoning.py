"""What the demo's story must end in: the shops' stories, our ledger and Meta's books, side by side."""

import sys
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from sandbox.orders import Story

MAIN, BRAND = "1000000000001", "1000000000002"  # the datasets

console = Console(width=None if sys.stdout.isatty() else 120)


@dataclass
class Told:
    """What the shops have sent, and what they were answered."""

    stories: list[tuple[str, Story]] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    unkept: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    """Orders whose buyers have said no to the shop's banner."""


def missing(told: Told, rows: list[dict[str, Any]]) -> list[str]:
    """Orders that are not in the state that their story must end in, for each of their datasets."""
    found = {(row["store"], row["order_id"], row["pixel_id"]): row for row in rows}
    problems = []
    for key, story in told.stories:
        if story.expect in ("unreadable", "draft") and key == "lyon":
            continue  # no order in it
        for pixel in (MAIN, BRAND) if key == "lyon" else (MAIN,):
            row = found.get((key, story.order_id, pixel))
            is_right = story.expect == "unreadable" if row is None else fits(story, row)
            if row and story.order_id in told.refused and story.expect == "purchase":
                is_right = (row["state"], row["reason"]) == ("skipped", "consent_refused")
            if not is_right:
                state = f"{row['state']} ({row['reason']})" if row else "not in the ledger"
                problems.append(f"{key} {story.name} ({story.kind}, {story.expect}): {state}")
    return problems


def fits(story: Story, row: dict[str, Any]) -> bool:
    """Whether a row says of the story what it must."""
    if story.kind == "refunded" and row["reason"] == "refunded":
        return True  # given back before it was sent
    if story.expect == "purchase" and row["reason"].endswith("_after_send"):
        return bool(row["state"] == "accepted")  # given back, in part or in full, after it was sent
    allowed = {
        "purchase": ("accepted", ""),
        "unpaid": ("waiting", "payment"),
        "cancelled": ("skipped", "cancelled"),
        "draft": ("skipped", "draft"),
        "test": ("skipped", "test_order"),
        "zero_value": ("skipped", "zero_value"),
        "tracked_elsewhere": ("skipped", "tracked_elsewhere"),
        "imported": ("skipped", "imported"),
        "anonymous": ("skipped", "unmatchable"),
    }
    return (row["state"], row["reason"]) == allowed.get(story.expect)


def disagreements(rows: list[dict[str, Any]], events: list[dict[str, Any]]) -> list[str]:
    """Where our ledger and what Meta has received say different things."""
    at_meta = Counter((event["pixel"], event["event_id"]) for event in events if is_counted(event))
    ours = Counter((row["pixel_id"], row["event_id"]) for row in rows if row["state"] == "accepted")
    lost = [f"lost: {key} is accepted here and unknown to Meta" for key in ours - at_meta]
    twice = [f"twice: Meta counted {key} {n} times" for key, n in at_meta.items() if n > 1]
    stray = [f"stray: Meta has {key}, the ledger does not" for key in at_meta - ours]
    return lost + twice + stray


def is_counted(event: dict[str, Any]) -> bool:
    """Whether Meta counts an event that it received, by its own rules of deduplication."""
    return str(event["verdict"]) == "counted"


def show(
    told: Told, rows: list[dict[str, Any]], problems: list[str], books: dict[str, dict[str, Any]]
) -> None:
    """Print the balance sheet."""
    answers = ", ".join(f"{number} × {what}" for what, number in sorted(told.answers.items()))
    console.print(f"Webhooks answered: {answers}.")
    table = Table(title="Balance: every order of every store, for each of its datasets")
    for heading in ("Store", "Dataset", "State", "Reason", "Orders", "Value"):
        table.add_column(heading, justify="right" if heading in ("Orders", "Value") else "left")
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        term = (row["store"], row["pixel_id"], row["state"], row["reason"] or "–")
        groups.setdefault(term, []).append(row)
    for term, members in sorted(groups.items()):
        table.add_row(*term, str(len(members)), money(members))
    console.print(table)
    for pixel, book in books.items():
        console.print(
            f"Meta's books for {pixel}: {book['received']} events received, {book['counted']} counted;"
            f" {book['duplicates']} came again after an unknown answer and were discarded by their id."
        )
    for problem in problems:
        console.print(f"[red]✘[/] {problem}")
    verdict = "[green]✔ balanced: lost 0, sent twice 0" if not problems else "[red]✘ not balanced"
    console.print(verdict)


def money(rows: list[dict[str, Any]]) -> str:
    """The sums by currency."""
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row["currency"]] += Decimal(row["value"] or 0)  # type: ignore[assignment]  # a Counter of money
    return ", ".join(f"{amount} {currency}" for currency, amount in sorted(sums.items())[:3]) + (
        f" and {len(sums) - 3} more" if len(sums) > 3 else ""
    )
