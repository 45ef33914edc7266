"""Plots as the shapes of an SVG: they need no JavaScript, and bring their numbers as a table.

A plot is a box of WIDTH × HEIGHT that the page stretches to its own width; words stand around it, not in
it, so that they can be read on a phone. Templates: templates/charts/.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from django.http import HttpResponse
from msgspec import Struct

WIDTH, HEIGHT = 720.0, 200.0


class Table(Struct, frozen=True, kw_only=True):
    """A plot's numbers: on the page below it, and as CSV."""

    headings: Sequence[str]
    rows: Sequence[Sequence[object]]
    links: Sequence[str] = ()  # of each row: where it leads

    def linked_rows(self) -> Iterable[tuple[Sequence[object], str]]:
        """Each row with its link, "" for none."""
        return zip_longest(self.rows, self.links, fillvalue="")


class Slot(Struct, frozen=True, kw_only=True):
    """One step along the plot, and what a pointer that rests there is told."""

    label: str
    words: str
    x: str
    width: str


class Shape(Struct, frozen=True, kw_only=True):
    """An area or a line; `css` is the class that colours it, `points` are the SVG's."""

    css: str
    label: str
    points: str
    total: str = ""


class Bar(Struct, frozen=True, kw_only=True):
    """A rectangle of the plot."""

    css: str
    x: str
    y: str
    width: str
    height: str


class Mark(Struct, frozen=True, kw_only=True):
    """A level that is drawn across the plot, such as an aim."""

    label: str
    y: str


class Layer(Struct, frozen=True, kw_only=True):
    """One value per slot."""

    css: str
    label: str
    values: Sequence[float]
    total: str = ""


class Plot(Struct, frozen=True, kw_only=True):
    """What templates/charts/_plot.html draws. `summary` tells it to those who do not see it."""

    summary: str
    top: str  # what the upper edge stands for
    slots: Sequence[Slot]
    table: Table
    areas: Sequence[Shape] = ()
    bars: Sequence[Bar] = ()
    lines: Sequence[Shape] = ()
    marks: Sequence[Mark] = ()
    keys: Sequence[Layer] = ()  # what the colours of the bars stand for
    names_all: bool = False  # each slot's label stands below it, not only the first and the last
    low: bool = False  # a strip: its height says nothing


def stacked_area(layers: Sequence[Layer], *, top: float) -> list[Shape]:
    """The layers on one another, the first at the bottom; `top` is the value of the upper edge."""
    shapes, floor = [], [0.0] * max((len(layer.values) for layer in layers), default=0)
    for layer in layers:
        ceiling = [low + value for low, value in zip(floor, layer.values, strict=True)]
        there = list(zip(_along(len(ceiling)), ceiling, strict=True))
        back = list(zip(_along(len(floor)), floor, strict=True))[::-1]
        points = _points(there + back, top)
        shapes.append(Shape(css=layer.css, label=layer.label, points=points, total=layer.total))
        floor = ceiling
    return shapes


def line(layer: Layer, *, top: float) -> Shape:
    """The layer's values, joined."""
    points = _points(zip(_along(len(layer.values)), layer.values, strict=True), top)
    return Shape(css=layer.css, label=layer.label, points=points, total=layer.total)


def bars(values: Sequence[float], *, css: str, top: float) -> list[Bar]:
    """A bar per value, a small gap between two."""
    step = WIDTH / max(len(values), 1)
    return [
        Bar(
            css=css,
            x=_text(number * step + step * 0.08),
            y=_text(HEIGHT - _up(value, top)),
            width=_text(step * 0.84),
            height=_text(_up(value, top)),
        )
        for number, value in enumerate(values)
    ]


def stacked_bars(layers: Sequence[Layer], *, top: float) -> list[Bar]:
    """A bar per slot, of the layers on one another, the first at the bottom."""
    found, floor = [], [0.0] * max((len(layer.values) for layer in layers), default=0)
    for layer in layers:
        ceiling = [low + value for low, value in zip(floor, layer.values, strict=True)]
        hanging = [(layer.css, low, high) for low, high in zip(floor, ceiling, strict=True)]
        found += [
            bar
            for bar, value in zip(waterfall(hanging, top=top), layer.values, strict=True)
            if value
        ]
        floor = ceiling
    return found


def diverging_bars(
    pairs: Sequence[tuple[float, float]], *, up: str, down: str, top: float
) -> list[Bar]:
    """A bar up and one down from the middle, for each pair; `top` and its negative are the edges."""
    rising = waterfall([(up, top, top + above) for above, _below in pairs], top=2 * top)
    falling = waterfall([(down, top - below, top) for _above, below in pairs], top=2 * top)
    return [*rising, *falling]


def waterfall(steps: Sequence[tuple[str, float, float]], *, top: float) -> list[Bar]:
    """Bars that hang between two values each: (css, from, to)."""
    step = WIDTH / max(len(steps), 1)
    return [
        Bar(
            css=css,
            x=_text(number * step + step * 0.08),
            y=_text(HEIGHT - _up(max(start, end), top)),
            width=_text(step * 0.84),
            height=_text(max(_up(max(start, end), top) - _up(min(start, end), top), 1.0)),
        )
        for number, (css, start, end) in enumerate(steps)
    ]


def slots(named: Iterable[tuple[str, str]], *, on_points: bool = False) -> list[Slot]:
    """Equal steps along the plot, of (label, words).

    With `on_points` a step lies around its point of a line, else it fills its share of the width.
    """
    found = list(named)
    at = _along(len(found)) if on_points else ()
    step = WIDTH / max(len(found) - 1 if on_points else len(found), 1)
    return [
        Slot(
            label=label,
            words=words,
            x=_text(at[number] - step / 2 if on_points else number * step),
            width=_text(step),
        )
        for number, (label, words) in enumerate(found)
    ]


def mark(label: str, value: float, *, top: float) -> Mark:
    """A level across the plot."""
    return Mark(label=label, y=_text(HEIGHT - _up(value, top)))


def upper_edge(largest: float) -> float:
    """The round number (1, 2, 5 × 10ⁿ) that a plot ends at, so that `largest` fits below it."""
    if largest <= 1:
        return 1.0
    scale = 10.0 ** (len(str(int(largest))) - 1)
    return next(step * scale for step in (1, 2, 5, 10) if step * scale >= largest)


def as_csv(table: Table, *, name: str) -> HttpResponse:
    """The table as a file `name`.csv. A cell that a spreadsheet would run as a formula is quoted."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(answer)
    writer.writerow(table.headings)
    writer.writerows([_harmless(cell) for cell in row] for row in table.rows)
    return answer


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@")) else cell


def _along(count: int) -> list[float]:
    """The places of `count` points from edge to edge; one alone is drawn from edge to edge too."""
    return [WIDTH * number / max(count - 1, 1) for number in range(count)]


def _points(places: Iterable[tuple[float, float]], top: float) -> str:
    return " ".join(f"{_text(x)},{_text(HEIGHT - _up(value, top))}" for x, value in places)


def _up(value: float, top: float) -> float:
    return HEIGHT * min(max(value / top, 0.0), 1.0)


def _text(coordinate: float) -> str:
    """As the SVG needs it in every language: a point, one decimal."""
    return f"{coordinate:.1f}"
