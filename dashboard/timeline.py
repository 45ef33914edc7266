"""An order's way on one line, from milliseconds to days: where the time went."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from django.utils.translation import gettext as _
from msgspec import Struct

from conversions.models import ConversionEvent, SendAttempt
from dashboard.charts import HEIGHT, WIDTH, Bar, Layer, Plot, Table, slots
from dashboard.words import exact, span

# The ends of the line's steps in seconds: a logarithm, bent to what people count in.
SCALE = (0.1, 1.0, 10.0, 60.0, 3_600.0, 86_400.0, 7 * 86_400.0)
STROKE = 6.0


class Moment(Struct, frozen=True, kw_only=True):
    """Something that happened to the order, `after` the shop first told of it."""

    css: str
    label: str
    at: datetime
    after: timedelta

    def since(self) -> str:
        """`+4 s`, or `−3 h` for what was before."""
        return f"{'+' if self.after >= timedelta(0) else '−'}{span(abs(self.after))}"


def timeline(event: ConversionEvent, *, attempts: Sequence[SendAttempt]) -> Plot | None:
    """From the moment the shop first told of the order: each request, and Meta's yes; None before."""
    if not attempts:
        return None
    marks = [
        ("skipped", _("Placed"), event.event_time),
        ("waiting", _("Told by the shop"), event.received_at),
        *(("pending", _("Request to Meta"), attempt.started_at) for attempt in attempts),
    ]
    if event.accepted_at:
        marks.append(("accepted", _("Accepted"), event.accepted_at))
    moments = [
        Moment(css=css, label=label, at=at, after=at - event.received_at)
        for css, label, at in marks
    ]
    ends = [span(timedelta(seconds=end)) for end in SCALE]
    return Plot(
        summary="; ".join(f"{moment.label}: {moment.since()}" for moment in moments),
        top=_("Time since the shop told us, each step longer than the one before"),
        slots=slots((end, f"≤ {end}") for end in ends),
        bars=[_stroke(moment) for moment in moments if moment.after >= timedelta(0)],
        keys=[
            Layer(css=moment.css, label=moment.label, values=(), total=moment.since())
            # Of many requests, the last one.
            for moment in {each.label: each for each in moments}.values()
        ],
        names_all=True,
        low=True,
        table=Table(
            headings=[_("Step"), _("When"), _("Since the shop told us")],
            rows=[[moment.label, exact(moment.at), moment.since()] for moment in moments],
        ),
    )


def place(seconds: float) -> float:
    """Where on the line, from 0 to WIDTH: each step of SCALE takes the same share of it."""
    step = WIDTH / len(SCALE)
    if seconds <= SCALE[0]:
        return step * seconds / SCALE[0]
    for number, (low, high) in enumerate(pairwise(SCALE), start=1):
        if seconds <= high:
            return step * (number + math.log(seconds / low) / math.log(high / low))
    return WIDTH


def _stroke(moment: Moment) -> Bar:
    x = min(max(place(moment.after.total_seconds()) - STROKE / 2, 0.0), WIDTH - STROKE)
    return Bar(css=moment.css, x=f"{x:.1f}", y="0", width=f"{STROKE:.1f}", height=f"{HEIGHT:.1f}")
