"""An installation per module: started once, harmed and mended by its tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from installation import PIXEL, TOKEN, Stack

from sandbox.graph_api import GraphApi


@pytest.fixture(scope="module")
def graph() -> Iterator[GraphApi]:
    with GraphApi() as api:
        api.dataset(PIXEL, token=TOKEN)
        yield api


@pytest.fixture(scope="module")
def make_stack(
    tmp_path_factory: pytest.TempPathFactory, graph: GraphApi
) -> Iterator[Callable[..., Stack]]:
    made: list[Stack] = []

    def make_stack(**options: Any) -> Stack:
        stack = Stack(folder=tmp_path_factory.mktemp("s"), graph=graph, **options)
        made.append(stack)
        stack.begin()
        return stack

    yield make_stack
    for stack in made:
        stack.end()


@pytest.fixture(scope="module")
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """Everything runs: broker, web server, worker."""
    stack = make_stack()
    stack.start("broker")
    stack.start("worker")
    return stack
