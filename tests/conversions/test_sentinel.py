"""Each dataset in use is asked for once a day: a dead token is found before an order needs it."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from conversions.graph import GraphClient
from conversions.sentinel import look_at_next
from sandbox.graph_api import GraphApi
from stores.models import Pixel, PixelMapping
from tests import factories

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


@pytest.fixture
def graph(meta: GraphApi) -> GraphClient:
    return GraphClient(url=meta.url, version="v26.0", app_secret="")


def test_a_dataset_is_asked_for_once_a_day(acme: SimpleNamespace, graph: GraphClient) -> None:
    assert look_at_next(graph=graph, now=NOW)
    assert not look_at_next(graph=graph, now=NOW + timedelta(hours=23))
    assert look_at_next(graph=graph, now=NOW + timedelta(hours=25))

    assert Pixel.objects.get().broken_reason == ""


def test_a_dead_token_pauses_the_dataset_before_an_order_comes(
    acme: SimpleNamespace, graph: GraphClient
) -> None:
    Pixel.objects.update(access_token="EAA-dead")

    look_at_next(graph=graph, now=NOW)

    pixel = Pixel.objects.get()
    assert (pixel.broken_reason, pixel.broken_at is not None) == ("token_invalid", True)
    assert not look_at_next(graph=graph, now=NOW + timedelta(days=2))  # its events try it


def test_metas_silence_pauses_nothing(acme: SimpleNamespace) -> None:
    silent = GraphClient(url="http://127.0.0.1:9", version="v26.0", app_secret="")

    assert look_at_next(graph=silent, now=NOW)

    assert Pixel.objects.get().broken_reason == ""


def test_a_dataset_that_nobody_uses_is_left_alone(
    acme: SimpleNamespace, graph: GraphClient
) -> None:
    factories.a_pixel(acme.workspace)
    PixelMapping.objects.update(enabled=False)

    assert not look_at_next(graph=graph, now=NOW)
