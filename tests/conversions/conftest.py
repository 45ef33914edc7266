"""What is owed, and to whom: shared by the tests of the outbox and the sender."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from conversions.models import ConversionEvent
from conversions.outbox import record_purchases
from conversions.sightings import Sighting
from purchases.shops import PLATFORMS
from sandbox.graph_api import GraphApi
from tests.factories import a_mapping, a_pixel, a_store
from tests.pipeline import a_kept_order, an_order, read_all

Owe = Callable[..., list[ConversionEvent]]


@pytest.fixture
def owe(acme: SimpleNamespace) -> Owe:
    """Owes orders by id to Acme's pixel (or to a store's)."""

    def owe(*order_ids: int, store: Any = None, **changes: Any) -> list[ConversionEvent]:
        for order_id in order_ids:
            a_kept_order(store or acme.lyon, an_order(order_id, **changes))
        read_all()
        return list(ConversionEvent.objects.filter(order_id__in=order_ids).order_by("pk"))

    return owe


@pytest.fixture
def owe_a_thousand(acme: SimpleNamespace) -> Callable[[], None]:
    """Owes Acme's pixel the orders 1 to 1,000 at once, without a thousand webhooks."""

    def owe_a_thousand() -> None:
        orders = [
            PLATFORMS["shopify"].parse_order(an_order(number), topic="orders/paid", zone=UTC)
            for number in range(1, 1001)
        ]
        now = datetime.now(UTC)
        with transaction.atomic():
            record_purchases(
                [Sighting(store=acme.lyon, order=order, received_at=now) for order in orders]
            )

    return owe_a_thousand


@pytest.fixture
def two_pixels(acme: SimpleNamespace, meta: GraphApi) -> SimpleNamespace:
    """A second store and its own pixel, known to Meta."""
    pixel = a_pixel(acme.workspace, pixel_id="9876543210987", access_token="EAA-second")
    store = a_store(acme.workspace, key="paris")
    a_mapping(store, pixel)
    meta.dataset(pixel.pixel_id, token=pixel.access_token)
    return SimpleNamespace(store=store, pixel=pixel)
