"""Event × batch × several pixels, with crashes, lost answers, paused workers and outages.

`MODEL_EXAMPLES=20000 pytest tests/conversions/model` looks for as long as one likes, each time
elsewhere (or at `--hypothesis-seed=N`). A failing example is printed as the steps that lead to it.
"""

import logging
import os
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from sandbox.graph_api import GraphApi
from stores.sql import rows, run
from tests.conversions.model.checker import Broken
from tests.conversions.model.clock import moved_by_hand
from tests.conversions.model.machine import Machine
from tests.conversions.model.mutations import MUTATIONS, RARE
from tests.conversions.model.world import World, three_shops

EXAMPLES = os.environ.get("MODEL_EXAMPLES", "")
FIXED = settings(
    max_examples=int(EXAMPLES or 40),
    stateful_step_count=40,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# One that fails is enough, and need not be the shortest.
HUNT = settings(FIXED, max_examples=int(EXAMPLES or 300), report_multiple_bugs=False)


@pytest.fixture
def world(acme: SimpleNamespace, graph_api: GraphApi) -> Iterator[World]:
    logging.disable()  # each request is a line
    with moved_by_hand(graph_api) as clock:
        yield World(shops=three_shops(acme), meta=graph_api, clock=clock)
    logging.disable(logging.NOTSET)


@pytest.fixture
def unique_event_ids(acme: SimpleNamespace) -> Iterator[None]:
    """Puts the index back that a mutation has dropped."""
    ((index,),) = rows("SELECT pg_get_indexdef('event_once_at_meta'::regclass)")
    yield
    run("DELETE FROM conversions_eventpayload; DELETE FROM conversions_attemptedevent")
    run("DELETE FROM conversions_conversionevent")
    run(index.replace("CREATE UNIQUE INDEX", "CREATE UNIQUE INDEX IF NOT EXISTS"))


def play(world: World, *, how: settings) -> None:
    """The same worlds in the same order for every test; raises Broken."""
    run_state_machine_as_test(lambda: Machine(world), settings=how)


@pytest.mark.timeout(0)
def test_nothing_is_lost_and_nothing_counted_twice_whatever_happens(world: World) -> None:
    play(world, how=FIXED)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("rule", MUTATIONS)
def test_a_rule_that_is_turned_off_is_noticed(
    unique_event_ids: None, world: World, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    if rule in RARE and not EXAMPLES:
        pytest.skip("a rare offence: MODEL_EXAMPLES=2000 finds it")
    MUTATIONS[rule](monkeypatch)

    with pytest.raises(Broken) as broken:
        play(world, how=HUNT)

    # `pytest -rP` shows it. Not counted: the first, empty one, and the one that fails again.
    sys.stdout.write(f"{rule}: {broken.value.promise} (world {world.number - 2})\n")
