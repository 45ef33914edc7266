"""A table of costs: read whole or refused, and looked up by the most exact code."""

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_value import ORDER, line

from purchases.costs import Cost, CostsError, codes_of, read_costs, with_costs


@pytest.mark.parametrize(
    "content",
    [
        b"sku,cost,currency\nLAMP,12.50,eur\n\n",
        b"\xef\xbb\xbfSKU;Cost;Currency\r\nLAMP;12,50;EUR\r\n",
        b"sku\tcost\tcurrency\nLAMP\t12.50\tEUR",
        b'product_id,sku,cost,currency\n,"LAMP",12.50,EUR',
    ],
)
def test_a_file_of_costs_is_read_as_spreadsheets_write_them(content):
    cost = Cost(kind="sku", code="LAMP", amount=Decimal("12.50"), currency="EUR")

    assert read_costs(content) == (cost,)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            b"",
            "The first line must name the columns: cost, and one of variant_id, sku, product_id.",
        ),
        (
            b"sku,price\nA,1",
            "The first line must name the columns: cost, and one of variant_id, sku, product_id.",
        ),
        (
            b"sku,cost,colour\nA,1,red",
            "'colour' is not one of the columns variant_id, sku, product_id, cost, currency.",
        ),
        (b"sku,sku,cost\nA,A,1", "The column sku is there twice."),
        (b"sku,cost\nA,\xff", "The file is not UTF-8."),
        (b"sku,cost\nA,free", "line 2: 'free' is no cost such as 12.50"),
        (b"sku,cost\nA,-1", "line 2: '-1' is no cost such as 12.50"),
        (b'sku,cost\nA,"1,5"', "line 2: '1,5' is no cost such as 12.50"),
        (b"sku,cost\n,1", "line 2: names no product"),
        (b"sku,cost,currency\nA,1,EURO", "line 2: 'EURO' is no currency"),
        (b"sku,cost\nA,1\nA,2", "line 3: A has another cost in an earlier line"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(content, problem):
    with pytest.raises(CostsError) as wrong:
        read_costs(content)

    assert wrong.value.problems == (problem,)


def test_of_many_problems_the_first_are_told():
    with pytest.raises(CostsError) as wrong:
        read_costs(b"sku,cost\n" + b"A,x\n" * 30)

    assert (len(wrong.value.problems), wrong.value.problems[-1]) == (21, "… and 10 more")


TABLE = {
    ("sku", "LAMP"): [Cost(kind="sku", code="LAMP", amount=Decimal(5))],
    ("variant_id", "7"): [
        Cost(kind="variant_id", code="7", amount=Decimal(9), currency="USD"),
        Cost(kind="variant_id", code="7", amount=Decimal(8), currency="EUR"),
    ],
}


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"sku": "LAMP"}, "10"),
        ({"sku": "LAMP", "variant_id": "7"}, "16"),  # the variant is more exact
        ({"sku": "lamp"}, None),
        ({"product_id": "7"}, None),
        ({"sku": "BED", "cost": Decimal(3)}, "3"),  # the shop says it itself
        ({"sku": "LAMP", "cost": Decimal(3)}, "10"),  # the merchant knows better
    ],
)
def test_a_line_costs_what_the_table_says_of_its_most_exact_code(fields, cost):
    order = with_costs(replace(ORDER, lines=(line("50.00", **fields),)), TABLE)

    assert order.lines[0].cost == (cost if cost is None else Decimal(cost))


def test_the_codes_of_an_order_are_all_that_a_table_is_asked_for():
    assert codes_of(ORDER) == {("sku", "LAMP"), ("variant_id", "7")}
