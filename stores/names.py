"""Names that are made up here."""

from __future__ import annotations


def free_name(name: str, taken: set[str]) -> str:
    """`name`, or with the lowest number from 2 behind it that `taken` lacks."""
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(free for free in numbered if free not in taken)
