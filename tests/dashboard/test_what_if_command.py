"""`what_if` says what a fleet file would change, and a replay under it comes to the same."""

import io
import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from conversions.models import ConversionEvent, EventPayload
from shop_webhooks.models import WebhookDelivery
from tests.pipeline import a_kept_order, an_order, read_all

FLEET = """version: 1
workspace: {slug: acme}
pixels:
  - {id: "1234567890123", access_token: a-token}
  - {id: "9999999999999", access_token: b-token}
stores:
  - key: lyon
    platform: shopify
    domain: SHOP
    mappings:
      - {pixel: "1234567890123", MAIN}
      - {pixel: "9999999999999", when: {min_value: 100}}
"""


@pytest.fixture
def orders(acme):
    """Nine orders of every kind: paid, unpaid, cancelled, small and big, two of one order."""
    for number in range(1, 6):
        total = f"{number * 30}.00"
        a_kept_order(acme.lyon, an_order(number, total_price=total, total_tax="5.00"))
    a_kept_order(acme.lyon, an_order(6, financial_status="pending"))
    a_kept_order(acme.lyon, an_order(7, test=True))
    a_kept_order(acme.lyon, an_order(8, minutes_ago=90))
    a_kept_order(acme.lyon, an_order(8, minutes_ago=60, cancelled_at="2026-11-25T10:00:00Z"))
    a_kept_order(acme.lyon, an_order(9, tags="Subscription"))
    read_all()
    return acme


def a_file(tmp_path, acme, main):
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET.replace("SHOP", acme.lyon.domain).replace("MAIN", main))
    return str(path)


def what_if(*options):
    out = io.StringIO()
    call_command("what_if", *options, stdout=out)
    return out.getvalue()


def reported():
    """By pixel and order, the value of what the ledger owes."""
    owed = ConversionEvent.objects.filter(state="pending").order_by("pk")
    return {
        (event.pixel.pixel_id, event.order_name): event.value
        for event in owed.select_related("pixel")
    }


@pytest.mark.parametrize(
    "main",
    [
        "trigger: paid",
        "trigger: created, skip: []",
        "value: total_less_tax, when: {min_value: 50}",
        "when: {subscription: [unclassified, one_off]}",
        "event_id: checkout_token",
    ],
)
def test_what_it_says_is_what_a_replay_under_the_file_comes_to(orders, tmp_path, main):
    file = a_file(tmp_path, orders, main)
    before = reported()
    (said,) = json.loads(what_if(file, "--json"))["stores"].values()

    call_command("apply", file, stdout=io.StringIO())
    EventPayload.objects.all().delete()
    ConversionEvent.objects.all().delete()
    WebhookDelivery.objects.update(state="received", claims=0, not_before=Now())
    read_all()
    after = reported()

    for change in said["changes"]:
        old = {
            name: value for (pixel, name), value in before.items() if pixel == change["pixel_id"]
        }
        new = {name: value for (pixel, name), value in after.items() if pixel == change["pixel_id"]}
        gained, lost = new.keys() - old.keys(), old.keys() - new.keys()
        other = {name for name in old.keys() & new.keys() if old[name] != new[name]}
        assert (change["reported_before"], change["reported_after"]) == (len(old), len(new))
        assert (change["gained"], change["lost"]) == (len(gained), len(lost))
        assert money(change["gained_money"]) == sum(new[name] for name in gained)
        assert money(change["lost_money"]) == sum(old[name] for name in lost)
        assert money(change["revalued_money"]) == sum(new[name] - old[name] for name in other)
        assert len(change["samples"]) == min(len(gained) + len(lost) + len(other), 10)
    assert len(said["changes"]) == 2


def money(by_currency):
    return sum(map(Decimal, by_currency.values()))


def test_the_difference_is_told_in_orders_money_and_samples(orders, tmp_path):
    before = list(ConversionEvent.objects.values())

    lines = what_if(a_file(tmp_path, orders, "when: {min_value: 60}")).splitlines()

    assert lines == [
        "store lyon: 9 orders",
        "  pixel 1234567890123, Purchase: 5 → 4 reported, 1 lost (30.00 EUR)",
        "    #1: 30.00 EUR → below_min_value",
        "  pixel 9999999999999, Purchase: 0 → 2 reported, 2 gained (270.00 EUR)",
        "    #4: no mapping → 120.00 EUR",
        "    #5: no mapping → 150.00 EUR",
        "  orders told to several pixels: 0 → 2",
    ]
    assert list(ConversionEvent.objects.values()) == before


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ("version: 2", 2, "Nothing was compared."),
        (FLEET.replace("acme", "other").replace("MAIN", "trigger: paid"), 1, "None of the file's"),
    ],
)
def test_what_cannot_be_compared_is_said_so(acme, tmp_path, content, code, message):
    path = tmp_path / "fleet.yaml"
    path.write_text(content.replace("SHOP", acme.lyon.domain))

    with pytest.raises(CommandError, match=message) as caught:
        what_if(str(path))

    assert caught.value.returncode == code
