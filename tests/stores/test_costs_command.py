"""`costs` keeps a store's table of costs, all of a file or nothing."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from stores.models import ProductCost
from tests.factories import a_store, a_workspace

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store():
    return a_store(a_workspace(), key="lyon")


@pytest.fixture
def a_file(tmp_path):
    def write(text):
        path = tmp_path / "costs.csv"
        path.write_text(text)
        return str(path)

    return write


def costs(*options):
    out = io.StringIO()
    call_command("costs", "--store", "lyon", *options, stdout=out)
    return out.getvalue()


def kept(store):
    found = ProductCost.objects.filter(store=store).order_by("kind", "code")
    return [f"{cost.kind} {cost.code} {cost.amount} {cost.currency}" for cost in found]


def test_a_file_replaces_the_table_of_its_store(store, a_file):
    other = a_store(store.workspace, key="paris")
    ProductCost.objects.create(store=other, kind="sku", code="LAMP", amount=1)
    costs(a_file("sku,cost\nLAMP,12.50\nBED,90"))

    said = json.loads(
        costs(a_file("variant_id,sku,cost,currency\n7,,3.25,USD\n,LAMP,13,"), "--json")
    )

    assert said == {"store": "lyon", "costs": 2}
    assert kept(store) == ["sku LAMP 13.000000 ", "variant_id 7 3.250000 USD"]
    assert kept(other) == ["sku LAMP 1.000000 "]


def test_a_file_with_a_mistake_changes_nothing(store, a_file):
    costs(a_file("sku,cost\nLAMP,12.50"))

    with pytest.raises(CommandError) as caught:
        costs(a_file("sku,cost\nLAMP,13\nBED,free"))

    assert (str(caught.value), caught.value.returncode) == (
        "line 3: 'free' is no cost such as 12.50",
        2,
    )
    assert kept(store) == ["sku LAMP 12.500000 "]


def test_a_file_that_is_not_there_is_said_so(store):
    with pytest.raises(CommandError, match=r"nowhere\.csv cannot be read: No such file"):
        costs("nowhere.csv")
