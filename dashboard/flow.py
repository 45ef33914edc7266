"""Where a store's orders went: a stream to the datasets, and on to what became of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from django.utils.translation import gettext as _
from msgspec import Struct

from conversions.models import State
from dashboard.charts import Layer, Table
from dashboard.daily import LAYERS, DayCount
from dashboard.words import number
from stores.models import Pixel

WIDTH, HEIGHT, NODE, GAP = 720.0, 240.0, 10.0, 8.0

# How many events of each dataset (by name) ended in each of LAYERS (by place).
Streams = Mapping[tuple[str, int], int]


class Band(Struct, frozen=True, kw_only=True):
    """A part of the stream, as an SVG path, with what a pointer that rests there is told."""

    css: str
    path: str
    words: str


class Node(Struct, kw_only=True):
    """A bar at which bands begin and end; `left` and `right` are how far they fill it so far."""

    x: float
    y: float
    height: float
    left: float = 0.0
    right: float = 0.0


class Flow(Struct, frozen=True, kw_only=True):
    """What templates/dashboard/_flow.html draws: bands between three columns of nodes."""

    summary: str
    bands: Sequence[Band]
    nodes: Sequence[Node]
    orders: str
    datasets: Sequence[tuple[str, str]]  # name and orders, from top to bottom
    outcomes: Sequence[Layer]
    table: Table


def flow(counts: Sequence[DayCount], *, pixels: Sequence[Pixel], ledger: str) -> Flow | None:
    """The events of the days, by dataset and outcome; None without one. Widths are their numbers.

    `ledger` is the address of the store's orders, of which the table's rows choose some.
    """
    names = {pixel.pk: pixel.name or pixel.pixel_id for pixel in pixels}
    streams, chosen = _streams(counts, names), {name: pk for pk, name in names.items()}
    if not streams:
        return None
    of_dataset, of_outcome = _sums(streams, 0), _sums(streams, 1)
    told = [(name, str(LAYERS[place][1]), number(n)) for (name, place), n in streams.items()]
    scale = (HEIGHT - GAP * (max(len(of_dataset), len(of_outcome)) - 1)) / sum(of_dataset.values())
    source = _column({"": sum(of_dataset.values())}, x=0, scale=scale)
    middle = _column(of_dataset, x=(WIDTH - NODE) / 2, scale=scale)
    ends = _column(of_outcome, x=WIDTH - NODE, scale=scale)
    return Flow(
        summary="; ".join(f"{name} → {label}: {events}" for name, label, events in told),
        bands=list(_bands(streams, source[""], middle, ends, scale)),
        nodes=[*source.values(), *middle.values(), *ends.values()],
        orders=number(sum(of_dataset.values())),
        datasets=[(str(name), number(events)) for name, events in of_dataset.items()],
        outcomes=[
            Layer(css=css, label=str(label), values=(), total=number(of_outcome[place]))
            for place, (css, label, _states) in enumerate(LAYERS)
            if place in of_outcome
        ],
        table=Table(
            headings=[_("Dataset (Pixel)"), _("What became of them"), _("Orders")],
            rows=told,
            links=[_link(place, chosen.get(name, 0), ledger) for name, place in streams],
        ),
    )


def _streams(counts: Sequence[DayCount], names: Mapping[int, str]) -> Streams:
    places = {state: place for place, (_css, _label, of) in enumerate(LAYERS) for state in of}
    found: dict[tuple[str, int], int] = defaultdict(int)
    for count in counts:
        found[names.get(count.pixel, "–"), places[State(count.state)]] += count.events
    return {key: events for key, events in sorted(found.items()) if events > 0}


def _link(place: int, pixel: int, ledger: str) -> str:
    """The orders of the dataset; those in the outcome, where it is one state."""
    _css, _label, states = LAYERS[place]
    return f"{ledger}?pixel={pixel}" + (f"&state={states[0]}" if len(states) == 1 else "")


def _sums(streams: Streams, side: int) -> dict[str | int, int]:
    sums: dict[str | int, int] = defaultdict(int)
    for key in sorted(streams, key=lambda each: each[side]):
        sums[key[side]] += streams[key]
    return dict(sums)


def _column(
    sizes: Mapping[str, int] | Mapping[str | int, int], *, x: float, scale: float
) -> dict[str | int, Node]:
    nodes: dict[str | int, Node] = {}
    top = 0.0
    for name, size in sizes.items():
        nodes[name] = Node(x=x, y=top, height=size * scale)
        top += size * scale + GAP
    return nodes


def _bands(
    streams: Streams,
    source: Node,
    middle: Mapping[str | int, Node],
    ends: Mapping[str | int, Node],
    scale: float,
) -> Iterator[Band]:
    for name, node in middle.items():
        yield _band("skipped", source, node, node.height, str(name))
    for (name, place), events in streams.items():
        css, label, _states = LAYERS[place]
        words = f"{name} → {label}: {number(events)}"
        yield _band(css, middle[name], ends[place], events * scale, words)


def _band(css: str, start: Node, end: Node, thick: float, words: str) -> Band:
    """From where `start` is free on its right side to where `end` is on its left."""
    x1, y1, x2, y2 = start.x + NODE, start.y + start.right, end.x, end.y + end.left
    start.right, end.left = start.right + thick, end.left + thick
    half = (x1 + x2) / 2
    there = f"M{x1:.1f},{y1:.1f}C{half:.1f},{y1:.1f} {half:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"
    y1, y2 = y1 + thick, y2 + thick
    back = f"C{half:.1f},{y2:.1f} {half:.1f},{y1:.1f} {x1:.1f},{y1:.1f}Z"
    return Band(css=css, path=f"{there}V{y2:.1f}{back}", words=words)
