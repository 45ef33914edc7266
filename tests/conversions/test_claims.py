"""How much of the ledger is looked at to find the next events, by PostgreSQL's own account."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from conversions import claiming
from conversions.models import Lane
from stores.sql import rows, run
from tests.factories import a_pixel

OTHERS = """
INSERT INTO conversions_conversionevent
    (store_id, pixel_id, order_id, order_name, event_name, event_id, state, currency, event_time,
     order_updated_at, cut_off, accepted_at)
SELECT %(store)s, pixel.id, 'long-ago-' || n, '#', 'Purchase', 'long-ago-' || n, 'accepted', 'EUR',
       now(), now(), now(), now()
FROM generate_series(1, 400) AS n, stores_pixel AS pixel
"""


@pytest.fixture
def many_owed(acme: SimpleNamespace, owe_a_thousand: Callable[[], None]) -> None:
    """A thousand, in a ledger of fifty pixels with twenty times as many that are settled."""
    for number in range(49):
        a_pixel(acme.workspace, pixel_id=f"70{number}")
    run(OTHERS, {"store": acme.lyon.pk})
    run("INSERT INTO conversions_pixelqueue (pixel_id) SELECT id FROM stores_pixel")
    owe_a_thousand()
    run("ANALYZE")


def rows_read(statement: str, **values: Any) -> int:
    """How many rows of the ledger PostgreSQL looks at for `statement`."""
    values |= {"lane": Lane.LIVE.value, "lease": claiming.LEASE}
    ((plans,),) = rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
    return sum(_rows(plans[0]["Plan"]))


def _rows(node: dict[str, Any]) -> Iterator[int]:
    if node.get("Relation Name") == "conversions_conversionevent":
        yield int(node["Actual Rows"] * node["Actual Loops"])
    for child in node.get("Plans", ()):
        yield from _rows(child)


def test_a_turn_looks_at_one_event_of_each_pixel_that_is_owed_any(many_owed: None) -> None:
    with transaction.atomic():
        assert rows_read(claiming.TURN) == 1


def test_a_batch_is_read_off_its_index_and_no_further(
    acme: SimpleNamespace, many_owed: None
) -> None:
    with transaction.atomic():
        run(claiming.READ_IN_ORDER)

        assert rows_read(claiming.OWED, pixel=acme.pixel.pk, most=10, among=10) == 10
