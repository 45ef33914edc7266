"""A Graph stand-in per test, its clock stopped."""

from collections.abc import Iterator

import pytest
from graph_client import NOW, PIXEL, TOKEN

from sandbox.graph_api import GraphApi


@pytest.fixture
def graph() -> Iterator[GraphApi]:
    with GraphApi() as api:
        api.set_clock(NOW)
        api.dataset(PIXEL, token=TOKEN)
        yield api
