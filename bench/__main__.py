"""`make bench`: all measurements, or those that ONLY names."""

import os
import sys
from importlib import import_module

from bench.report import Report, console
from bench.stack import servers

PARTS = ("transform", "ingest", "drain", "journey", "sustained")
LONG = ("scale", "lanes")  # run with FULL=1, or where ONLY names them


def main() -> int:
    """Measure and show; the exit code says nothing of the targets, which are aims."""
    named = [name for name in os.environ.get("ONLY", "").split(",") if name]
    wanted = named or [*PARTS, *(LONG if os.environ.get("FULL") else ())]
    if unknown := set(wanted) - {*PARTS, *LONG}:
        console.print(f"ONLY={','.join(sorted(unknown))}: choose from {', '.join(PARTS + LONG)}.")
        return 2
    report = Report()
    with servers():
        os.environ["DJANGO_SETTINGS_MODULE"] = "connector.settings"
        import django

        django.setup()
        for name in wanted:
            console.print(f"[bold]{name}[/]")
            import_module(f"bench.{name}").measure(report)
    report.show()
    return 0


if __name__ == "__main__":
    sys.exit(main())
