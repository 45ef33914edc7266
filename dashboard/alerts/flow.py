"""Whether a shop has stopped telling us, or only sells less: pure, by its own last four weeks.

Where the shop can be read, its own books are the control and this is not asked: what it sold and did
not tell is found, and a slow day is silent. Else there is only the past: the same hours of the same
weekday. A shop that never sold much in them says nothing by selling nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

# Long enough that few orders say something, short enough to hear of it on the same day.
SPANS = (timedelta(hours=1), timedelta(hours=3), timedelta(hours=12), timedelta(hours=24))
WEEKS = 4
# How unlikely the silence must be. A span is looked at a hundred times a day, the spans overlap.
UNLIKELY = 1e-4
LITTLE = 0.2  # of what is usual: above, it is a slow day, whatever its odds


def has_stopped(now: int, *, before: Sequence[int]) -> bool:
    """Whether `now` orders are far too few, of the same span one, two, three and four weeks ago.

    The quietest of those weeks is what is usual: a sale in another must not make this one look empty.
    """
    if len(before) < WEEKS or now > LITTLE * min(before):
        return False
    return at_most(now, mean=min(before)) < UNLIKELY


def at_most(count: int, *, mean: float) -> float:
    """How likely `count` orders or fewer are, where `mean` are usual and they come by chance."""
    term = total = math.exp(-mean)
    for number in range(1, count + 1):
        term *= mean / number
        total += term
    return total
