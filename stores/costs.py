"""What a store's goods cost the merchant: kept by store, and looked up for the orders at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction

from purchases.costs import Cost
from stores.models import ProductCost, Store
from stores.sql import rows

# By store, then by what the code is and the code.
Tables = dict[int, dict[tuple[str, str], list[Cost]]]

FIND = """
SELECT store_id, kind, code, amount, currency FROM stores_productcost
JOIN unnest(%s::bigint[], %s::text[], %s::text[]) AS wanted (store_id, kind, code)
USING (store_id, kind, code)
"""


def keep_costs(*, store: Store, costs: Sequence[Cost]) -> None:
    """Make the store's table equal to `costs`, in one transaction."""
    with transaction.atomic():
        Store.objects.select_for_update().get(pk=store.pk)  # two uploads: one after the other
        ProductCost.objects.filter(store=store).delete()
        ProductCost.objects.bulk_create(
            [
                ProductCost(
                    store=store,
                    kind=cost.kind,
                    code=cost.code,
                    amount=cost.amount,
                    currency=cost.currency,
                )
                for cost in costs
            ],
            batch_size=1_000,
        )


def find_costs(wanted: Mapping[int, Iterable[tuple[str, str]]]) -> Tables:
    """The costs that the stores (by id) have of the wanted (kind, code) pairs; one query."""
    asked = [(store, kind, code) for store, pairs in wanted.items() for kind, code in pairs]
    if not asked:
        return {}
    tables: Tables = {}
    columns = [list(column) for column in zip(*asked, strict=True)]
    for store, kind, code, amount, currency in rows(FIND, columns):
        cost = Cost(kind=kind, code=code, amount=amount, currency=currency)
        tables.setdefault(store, {}).setdefault((kind, code), []).append(cost)
    return tables
