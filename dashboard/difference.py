"""What a change would gain and lose, drawn: up is gained, down is lost, a bar for each dataset."""

from __future__ import annotations

from django.utils.translation import gettext as _

from dashboard.charts import Layer, Plot, Table, diverging_bars, slots, upper_edge
from dashboard.words import number
from purchases.what_if import WhatIf


def difference_plot(difference: WhatIf) -> Plot:
    """The orders that each dataset would gain and lose."""
    named = [f"{change.event} → {change.pixel_id}" for change in difference.changes]
    pairs = [(change.gained, change.lost) for change in difference.changes]
    words = [
        f"{name}: +{number(up)} −{number(down)}"
        for name, (up, down) in zip(named, pairs, strict=True)
    ]
    top = upper_edge(max(max(pair) for pair in pairs))
    gained, lost = (number(sum(side)) for side in zip(*pairs, strict=True))
    return Plot(
        summary="; ".join(words),
        top=f"+{number(int(top))}",
        slots=slots(zip(named, words, strict=True)),
        bars=diverging_bars(pairs, up="accepted", down="lost", top=top),
        keys=[
            Layer(css="accepted", label=_("Gained"), values=(), total=gained),
            Layer(css="lost", label=_("Lost"), values=(), total=lost),
        ],
        names_all=len(named) <= 3,
        table=Table(
            headings=[_("Dataset (Pixel)"), _("Gained"), _("Lost")],
            rows=[
                [name, number(up), number(down)]
                for name, (up, down) in zip(named, pairs, strict=True)
            ],
        ),
    )
