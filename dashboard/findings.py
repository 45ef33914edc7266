"""What the doctor finds: a line each, with the fix."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

FINE, WARNING, FAILURE = "fine", "warning", "failure"
MARKS = {FINE: "✔", WARNING: "!", FAILURE: "✘"}


class Finding(Struct, frozen=True, kw_only=True):
    """What was found about something; `fix` says what to do where it is not fine."""

    level: str
    about: str
    what: str
    fix: str = ""


def span_in_words(span: timedelta) -> str:
    """In the largest unit of which there are two."""
    seconds = int(span.total_seconds())
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{max(seconds, 0)} seconds"
