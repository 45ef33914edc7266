from decimal import Decimal

import msgspec
import pytest

from purchases.mapping import Rules, RulesError, When, covers, read_rules
from purchases.order import Source


def test_no_settings_are_the_defaults():
    assert read_rules({}) == Rules()


def test_settings_become_rules():
    rules = read_rules(
        {
            "when": {"country": ["FR", "BE"], "source": ["web", "pos"], "min_value": 10},
            "trigger": "created",
            "value": "total_less_tax",
            "event_id": "meta:_meta_event_id",
            "content_id": "template:shopify_{country}_{product_id}_{variant_id}",
            "when_tracked_elsewhere": "send",
        }
    )

    assert rules == Rules(
        when=When(country=("FR", "BE"), source=(Source.WEB, Source.POS), min_value=Decimal(10)),
        trigger="created",
        value="total_less_tax",
        event_id="meta:_meta_event_id",
        content_id="template:shopify_{country}_{product_id}_{variant_id}",
        when_tracked_elsewhere="send",
    )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"trigger": {"cod": "completed", "default": "paid"}, "when": {"min_value": "12.50"}},
        {"skip": [], "leave_out": ["tips"], "also_send": ["net_revenue"], "predicted_ltv": "2x"},
        {"action_source": {"draft": "phone_call"}, "whatsapp": {"page_id": "1234567890"}},
    ],
)
def test_rules_that_were_written_down_are_read_as_the_same(settings):
    rules = read_rules(settings)

    assert read_rules(msgspec.json.decode(msgspec.json.encode(rules))) == rules


@pytest.mark.parametrize(
    "event_id",
    [
        "order_id",
        "order_name",
        "checkout_token",
        "order_key",
        "meta:k",
        "attribute:my id",
        "template:{shop}-{order_id}",
    ],
)
def test_every_way_to_an_event_id_is_taken(event_id):
    assert read_rules({"event_id": event_id}).event_id == event_id


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"colour": "red"}, "colour"),
        ({"when": {"customer": "old"}}, "when.customer"),
        ({"trigger": "tag:"}, "trigger"),
        ({"trigger": "cancelled"}, "trigger"),
        ({"trigger": "draft"}, "trigger"),
        ({"trigger": {"cod": "cancelled"}, "event": "Lead"}, "trigger"),
        ({"when": None}, "when"),
        ({"when": {"country": "FR"}}, "when.country"),
        ({"when": {"country": ["fr"]}}, "when.country"),
        ({"when": {"country": ["France"]}}, "when.country"),
        ({"when": {"source": ["web", "fax"]}}, "when.source[1]"),
        ({"when": {"min_value": "ten"}}, "when.min_value"),
        ({"when": {"min_value": "NaN"}}, "when.min_value"),
        ({"when": {"min_value": -1}}, "when.min_value"),
        ({"trigger": "shipped"}, "trigger"),
        ({"trigger": "refunded"}, "trigger"),
        ({"trigger": {"cod": "refunded"}, "event": "Refund"}, "trigger"),
        ({"trigger": {"cod": "shipped"}}, "trigger"),
        ({"trigger": {}}, "trigger"),
        ({"trigger": {" ": "paid"}}, "trigger"),
        ({"trigger": {"cod": "paid", "COD": "paid"}}, "trigger"),
        ({"trigger": "status:"}, "trigger"),
        ({"trigger": "status:Shipped"}, "trigger"),
        ({"trigger": "status:pending"}, "trigger"),
        ({"trigger": "status:shipped|wc-cancelled"}, "trigger"),
        ({"trigger": 5}, "trigger"),
        ({"skip": "test"}, "skip"),
        ({"skip": ["drafts"]}, "skip[0]"),
        ({"value": "profit"}, "value"),
        ({"value": "margin", "currency": "presentment"}, "currency"),
        ({"leave_out": ["tax"]}, "leave_out[0]"),
        ({"send_from": "soon"}, "send_from"),
        ({"send_from": "2026-12-01"}, "send_from"),
        ({"send_from": "2026-12-01T00:00:00"}, "send_from"),
        ({"hold": "2d"}, "hold"),
        ({"event": ""}, "event"),
        ({"event": "My Event"}, "event"),
        ({"when": {"subscription": ["second"]}}, "when.subscription[0]"),
        ({"hold": "49h"}, "hold"),
        ({"hold": "9999m"}, "hold"),
        ({"hold": 5}, "hold"),
        ({"currency": "EUR"}, "currency"),
        ({"refunds": "gross"}, "refunds"),
        ({"event_id": 5}, "event_id"),
        ({"event_id": "uuid"}, "event_id"),
        ({"event_id": "meta:"}, "event_id"),
        ({"event_id": "meta:a\n"}, "event_id"),
        ({"event_id": "template:{order}"}, "event_id"),
        ({"event_id": "template:{order_id"}, "event_id"),
        ({"event_id": "template:{order_id}}"}, "event_id"),
        ({"event_id": "template:{order_id!r}"}, "event_id"),
        ({"content_id": "name"}, "content_id"),
        ({"content_id": "template:{order_id}"}, "content_id"),
        ({"when_tracked_elsewhere": "both"}, "when_tracked_elsewhere"),
    ],
)
def test_a_wrong_setting_is_named(settings, key):
    with pytest.raises(RulesError) as wrong:
        read_rules(settings)

    assert wrong.value.key == key


@pytest.mark.parametrize(
    "settings",
    [
        {"event_id": "template:purchase"},
        {"event_id": "template:{shop}"},
        {"content_id": "template:lamp"},
        {"content_id": "template:{country}"},
    ],
)
def test_a_template_that_gives_everything_the_same_id_is_refused(settings):
    with pytest.raises(RulesError, match="needs one of"):
        read_rules(settings)


def test_a_wrong_choice_names_the_right_ones():
    with pytest.raises(RulesError) as wrong:
        read_rules({"trigger": "shipped"})

    assert (
        wrong.value.message
        == "'shipped' is not one of created, paid, completed, status:NAME, tag:NAME"
    )


@pytest.mark.parametrize(
    ("wider", "when", "covered"),
    [
        (When(), When(tag=("vip",), sku=("MUG",), customer="new"), True),
        (When(tag=("vip", "b2b")), When(tag=("vip",)), True),
        (When(tag=("vip",)), When(), False),
        (When(sku=("MUG",)), When(sku=("CUP",)), False),
        (When(customer="new"), When(customer="new"), True),
        (When(customer="new"), When(), False),
    ],
)
def test_a_mapping_takes_all_orders_of_another_only_if_every_condition_does(wider, when, covered):
    assert covers(wider, when) is covered
