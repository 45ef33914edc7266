"""Plots are shapes that say what their numbers say."""

import pytest

from dashboard.charts import (
    Layer,
    Table,
    as_csv,
    bars,
    line,
    slots,
    stacked_area,
    upper_edge,
    waterfall,
)


@pytest.mark.parametrize(
    ("largest", "edge"),
    [(0, 1), (1, 1), (1.5, 2), (3, 5), (11, 20), (99, 100), (100, 100), (501, 1000)],
)
def test_a_plot_ends_at_a_round_number(largest: float, edge: float) -> None:
    assert upper_edge(largest) == edge


def test_areas_stand_on_one_another() -> None:
    lower, upper = stacked_area(
        [
            Layer(css="a", label="A", values=[1, 2]),
            Layer(css="b", label="B", values=[1, 0]),
        ],
        top=2,
    )

    assert lower.points == "0.0,100.0 720.0,0.0 720.0,200.0 0.0,200.0"
    assert upper.points == "0.0,0.0 720.0,0.0 720.0,0.0 0.0,100.0"


def test_a_line_goes_from_edge_to_edge() -> None:
    assert line(Layer(css="a", label="A", values=[0, 5, 10]), top=10).points == (
        "0.0,200.0 360.0,100.0 720.0,0.0"
    )


def test_a_bar_is_as_high_as_its_value() -> None:
    assert [(bar.y, bar.height) for bar in bars([5, 10], css="a", top=10)] == [
        ("100.0", "100.0"),
        ("0.0", "200.0"),
    ]


def test_the_steps_of_a_waterfall_hang_where_the_last_one_ended() -> None:
    steps = waterfall([("all", 0, 10), ("less", 10, 4), ("left", 0, 4)], top=10)

    assert [(bar.y, bar.height) for bar in steps] == [
        ("0.0", "200.0"),
        ("0.0", "120.0"),
        ("120.0", "80.0"),
    ]


def test_steps_share_the_width() -> None:
    found = slots([("a", "A"), ("b", "B")])

    assert [(slot.x, slot.width) for slot in found] == [("0.0", "360.0"), ("360.0", "360.0")]


def test_no_cell_of_a_file_is_a_formula() -> None:
    answer = as_csv(Table(headings=["Order"], rows=[["=1+1"], ["@x"], [-3]]), name="orders")

    assert answer.content.decode().splitlines() == ["Order", "'=1+1", "'@x", "-3"]
