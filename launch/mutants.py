"""How many of a mutation run's changes the tests have noticed: `python -m launch.mutants STATISTICS`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

LEAST = 95.0  # of a hundred
# It hung for ever, or killed its process: both are seen.
NOTICED = ("killed", "timeout", "segfault")


def main(statistics: str) -> int:
    """0 if the tests notice enough; prints how many they do."""
    counts = json.loads(Path(statistics).read_text())
    noticed = sum(counts[word] for word in NOTICED)
    share = 100 * noticed / max(counts["total"], 1)
    print(f"{noticed} of {counts['total']} changes noticed: {share:.1f} % (at least {LEAST:.0f})")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
