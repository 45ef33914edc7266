from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from known_order import BILLING, NOW, ORDER, PLACED, STOREFRONT, VISIT, event, order
from msgspec.structs import replace

from purchases.decision import Skip
from purchases.mapping import Rules, Whatsapp
from purchases.meta.check import check
from purchases.meta.contents import Content
from purchases.meta.event import Storefront, build_purchase
from purchases.meta.payload import encode
from purchases.order import Address, Buyer, Delivery, Line, Quote, Source, Visit
from purchases.value import worth


def line(**changes: object) -> Line:
    return replace(Line(variant_id="11", quantity=Decimal(1), total=Decimal(10)), **changes)


@pytest.mark.parametrize(
    ("strategy", "event_id"),
    [
        ("order_id", "5678901234567"),
        ("order_name", "#1001"),
        ("order_key", "wc_order_abc"),
        ("checkout_token", "c0ffee"),
        ("meta:_meta_event_id", "9f1d"),
        ("attribute:gift", "yes"),
        ("template:{shop}-{order_id}", "lyon-5678901234567"),
        ("template:Purchase:{order_name}", "Purchase:#1001"),
    ],
)
def test_the_event_id_follows_the_strategy(strategy, event_id):
    assert event(event_id=strategy).event_id == event_id


@pytest.mark.parametrize(
    ("of", "strategy"),
    [
        (order(order_key=""), "order_key"),
        (order(checkout_token=" "), "checkout_token"),
        (order(order_key=""), "template:{shop}-{order_key}"),
        (order(attributes=()), "meta:_meta_event_id"),
        (order(name="#" * 201), "order_name"),
        (order(attributes=(("id", "zoe@example.com"),)), "attribute:id"),
    ],
)
def test_an_order_without_an_id_under_the_strategy_is_skipped(of, strategy):
    skip = build_purchase(of, rules=Rules(event_id=strategy), storefront=STOREFRONT, now=NOW)

    assert skip == Skip(reason="event_id_missing")


def test_an_order_that_says_too_little_about_its_buyer_is_skipped():
    paris = Address(origin="shipping", city="Paris", postcode="75015", country="FR")
    of = order(
        buyer=Buyer(addresses=(paris,), emails=(Quote(text="?", origin="email"),)), visit=Visit()
    )

    skip = build_purchase(of, rules=Rules(), storefront=STOREFRONT, now=NOW)

    assert skip == Skip(reason="unmatchable")


def test_the_event_time_is_that_of_the_order():
    assert event().event_time == PLACED
    assert event(order(placed_at=NOW - timedelta(days=6))).event_time == NOW - timedelta(days=6)


def test_a_clock_that_runs_ahead_a_little_is_set_right():
    assert event(order(placed_at=NOW + timedelta(minutes=5))).event_time == NOW


@pytest.mark.parametrize(
    ("source", "action_source"),
    [
        (Source.WEB, "website"),
        (Source.APP, "other"),
        (Source.POS, "physical_store"),
        (Source.DRAFT, "other"),
        (Source.ADMIN, "other"),
        (Source.SUBSCRIPTION, "system_generated"),
        (Source.API, "other"),
        (Source.OTHER, "other"),
    ],
)
def test_only_an_order_of_the_website_is_said_to_be_one(source, action_source):
    built = event(order(source=source))

    assert built.action_source == action_source
    assert (built.event_source_url != "") == (action_source == "website")


@pytest.mark.parametrize(
    ("landing_page", "home", "url"),
    [
        ("", "https://boutique.example", "https://boutique.example/"),
        (
            "/products/scarf?utm_source=x#top",
            "https://boutique.example",
            "https://boutique.example/products/scarf",
        ),
        (
            "https://www.boutique.example/scarf?a=b",
            "https://boutique.example",
            "https://boutique.example/scarf",
        ),
        ("/scarf", "https://boutique.example/shop", "https://boutique.example/scarf"),
        ("", "https://boutique.example/shop?a=b", "https://boutique.example/shop"),
        ("", "https://user:secret@boutique.example:8443", "https://boutique.example:8443/"),
        (
            "https://elsewhere.example/scarf",
            "https://boutique.example/shop",
            "https://boutique.example/shop",
        ),
        (
            "android-app://com.example/scarf",
            "https://boutique.example",
            "https://boutique.example/",
        ),
        ("//elsewhere.example/scarf", "https://boutique.example", "https://boutique.example/"),
        (
            "/caf%C3%A9/été",
            "https://boutique.example",
            "https://boutique.example/caf%C3%A9/%C3%A9t%C3%A9",
        ),
        (
            "/blog/2026-11-21-scarves",
            "https://boutique.example",
            "https://boutique.example/blog/2026-11-21-scarves",
        ),
        ("/u/zoe@example.com", "https://boutique.example", "https://boutique.example/"),
        ("/u/zoe%40example.com", "https://boutique.example", "https://boutique.example/"),
        ("/call/+33 6 12 34 56 78", "https://boutique.example", "https://boutique.example/"),
        (
            "/reset/0cbc6611f5540bd0809a388dc95a615b",
            "https://boutique.example",
            "https://boutique.example/",
        ),
        ("/admin/orders/new", "https://boutique.example/shop", "https://boutique.example/"),
        ("/wp-admin", "https://boutique.example", "https://boutique.example/"),
        ("/administration", "https://boutique.example", "https://boutique.example/administration"),
        ("/" + "x-" * 300, "https://boutique.example", "https://boutique.example/"),
        ("http://[broken", "https://boutique.example", "https://boutique.example/"),
        ("/scarf", "boutique.example", ""),
        ("/scarf", "ftp://boutique.example", ""),
    ],
)
def test_the_page_is_the_shops_own_and_tells_nothing_private(landing_page, home, url):
    of = order(visit=replace(VISIT, landing_page=landing_page))

    built = build_purchase(of, rules=Rules(), storefront=Storefront(key="x", url=home), now=NOW)

    assert built.event_source_url == url


@pytest.mark.parametrize(
    ("currency", "total", "value"),
    [
        ("EUR", "10", "10.00"),
        ("EUR", "10.005", "10.00"),
        ("EUR", "10.015", "10.02"),
        ("JPY", "100.50", "100"),
        ("KWD", "1.2345", "1.234"),
        ("EUR", "9" * 40, "9" * 40 + ".00"),
    ],
)
def test_money_has_the_decimals_of_its_currency(currency, total, value):
    custom = event(order(currency=currency, total=Decimal(total))).custom

    assert (str(custom.value), custom.currency) == (value, currency)


def test_a_value_is_never_negative():
    of = order(total=Decimal(5), tax=Decimal(7))

    assert worth(of, rules=Rules(value="total_less_tax")) == 0


def test_contents_are_the_lines_with_an_id():
    assert event().custom.contents == (
        Content(id="11", quantity=2, item_price=Decimal("10.00")),
        Content(id="12", quantity=2, item_price=Decimal("5.00")),
    )
    assert event(content_id="sku").custom.contents == (
        Content(id="SCARF-RED", quantity=2, item_price=Decimal("10.00")),
    )


@pytest.mark.parametrize(
    ("strategy", "ids"),
    [
        ("variant_id", ["11", "12"]),
        ("product_id", ["1", "2"]),
        ("sku", ["SCARF-RED"]),
        (
            "template:shopify_{country}_{product_id}_{variant_id}",
            ["shopify_FR_1_11", "shopify_FR_2_12"],
        ),
        ("template:{sku}", ["SCARF-RED"]),
    ],
)
def test_content_ids_follow_the_strategy_and_no_other_id_stands_in(strategy, ids):
    assert [content.id for content in event(content_id=strategy).custom.contents] == ids


@pytest.mark.parametrize(
    "bad",
    [
        line(variant_id=" "),
        line(variant_id="x" * 101),
        line(variant_id="zoe@example.com"),
        line(quantity=Decimal(0)),
        line(quantity=Decimal(-1)),
        line(total=Decimal(-10)),
    ],
)
def test_a_line_that_says_nothing_true_is_left_out(bad):
    custom = event(order(lines=(bad, line()))).custom

    assert [content.id for content in custom.contents] == ["11"]


@pytest.mark.parametrize(
    ("quantity", "total", "whole", "price"),
    [
        ("1", "10", 1, "10.00"),
        ("3", "10", 3, "3.33"),
        ("0.5", "10", 1, "10.00"),
        ("2.5", "9", 3, "3.00"),
    ],
)
def test_a_line_is_counted_in_whole_items_that_keep_its_total(quantity, total, whole, price):
    (content,) = event(
        order(lines=(line(quantity=Decimal(quantity), total=Decimal(total)),))
    ).custom.contents

    assert (content.quantity, content.item_price) == (whole, Decimal(price))


def test_of_ten_thousand_lines_the_first_five_hundred_are_told():
    lines = tuple(line(variant_id=str(n)) for n in range(10_000))

    contents = event(order(lines=lines)).custom.contents

    assert [content.id for content in contents] == [str(n) for n in range(500)]


@pytest.mark.parametrize(
    ("strategy", "variant_id", "content_type"),
    [
        ("variant_id", "11", "product"),
        ("sku", "11", "product"),
        ("product_id", "11", "product_group"),
        ("product_id", "1", "product"),
        ("template:woo_{product_id}", "11", "product_group"),
        ("template:{product_id}_{variant_id}", "11", "product"),
    ],
)
def test_products_that_come_in_variants_are_groups(strategy, variant_id, content_type):
    of = order(lines=(line(product_id="1", variant_id=variant_id, sku="S"),))

    assert event(of, content_id=strategy).custom.content_type == content_type


def test_an_order_without_lines_is_still_a_purchase():
    assert event(order(lines=())).custom.contents == ()
    assert event(ORDER).event_name == "Purchase"


@pytest.mark.parametrize(
    ("strategy", "fields", "content_id"),
    [
        ("sku_or_id", {"sku": "S", "product_id": "1"}, "S"),
        ("sku_or_id", {"sku": " ", "product_id": "1"}, "11"),
        ("sku_or_id", {"variant_id": "", "product_id": "1"}, "1"),
        ("woocommerce_legacy", {"sku": "S", "product_id": "1"}, "S_11"),
        ("woocommerce_legacy", {"product_id": "1"}, "wc_post_id_11"),
        ("woocommerce_legacy", {"variant_id": "", "sku": "S"}, None),
    ],
)
def test_plugins_of_old_have_ids_of_their_own(strategy, fields, content_id):
    contents = event(order(lines=(line(**fields),)), content_id=strategy).custom.contents

    assert [content.id for content in contents] == [content_id] * (content_id is not None)


@pytest.mark.parametrize(
    ("whole", "parts", "told"),
    [("30.00", ("0.00", "0.00"), ["box"]), ("0.00", ("10.00", "20.00"), ["a", "b"])],
)
def test_of_a_bundle_the_lines_that_were_paid_for_are_told(whole, parts, told):
    lines = [
        line(variant_id=name, total=Decimal(total), bundled=True)
        for name, total in zip(["box", "a", "b"], [whole, *parts], strict=True)
    ]
    free = line(variant_id="sample", total=Decimal(0))

    contents = event(order(lines=(*lines, free))).custom.contents

    assert [content.id for content in contents] == [*told, "sample"]


@pytest.mark.parametrize(
    ("changes", "segment"),
    [
        ({}, ""),
        ({"buyer": replace(ORDER.buyer, orders_count=1)}, "new_customer_to_business"),
        ({"buyer": replace(ORDER.buyer, orders_count=2)}, "existing_customer_to_business"),
        ({"source": Source.SUBSCRIPTION}, "existing_customer_to_business"),
    ],
)
def test_new_and_returning_customers_are_told_apart_where_the_shop_knows(changes, segment):
    assert event(order(**changes)).custom.customer_segmentation == segment


@pytest.mark.parametrize(
    ("delivery", "category"),
    [(None, ""), ("home", "home_delivery"), ("pickup", "in_store"), ("curbside", "curbside")],
)
def test_the_way_of_delivery_is_told_where_it_is_wanted(delivery, category):
    of = order(delivery=delivery and Delivery(delivery))

    assert event(of, also_send=("delivery_category",)).custom.delivery_category == category
    assert event(of).custom.delivery_category == ""


def test_net_revenue_is_the_margin_where_every_cost_is_known():
    lines = tuple(replace(one, cost=Decimal(2)) for one in ORDER.lines)

    built = event(order(lines=lines), also_send=("net_revenue",))

    assert built.custom.net_revenue == Decimal("23.92")  # 42.50 - 7.08 - 5.50 - 3 × 2
    assert event(also_send=("net_revenue",)).custom.net_revenue is None


@pytest.mark.parametrize(
    ("how", "noted", "ltv"),
    [
        ("2.5x", "", "106.25"),
        ("meta:_ltv", "300", "300.00"),
        ("attribute:_ltv", "300.555", "300.56"),
        ("meta:_ltv", "-1", None),
        ("meta:_ltv", "", None),
    ],
)
def test_a_forecast_is_a_multiple_or_what_the_shop_has_noted(how, noted, ltv):
    built = event(order(attributes=(("_ltv", noted),)), predicted_ltv=how)

    assert built.custom.predicted_ltv == (ltv and Decimal(ltv))


@pytest.mark.parametrize(
    ("source", "action_source"),
    [(Source.DRAFT, "phone_call"), (Source.API, "website"), (Source.WEB, "website")],
)
def test_a_mapping_vouches_for_where_its_orders_were_made(source, action_source):
    said = ((Source.API, "website"), (Source.DRAFT, "phone_call"))

    built = event(order(source=source), action_source=said)

    assert built.action_source == action_source
    assert (built.event_source_url != "") == (action_source == "website")
    assert check(encode(built), now=NOW) == ""


CHAT = Whatsapp(page_id="1234567890")


@pytest.mark.parametrize(
    ("country", "click", "told"),
    [
        ("BR", "ARAk-7f", True),
        ("FR", "ARAk-7f", False),
        ("GB", "ARAk-7f", False),
        ("", "ARAk-7f", False),
        ("BR", "", False),
        ("BR", "two words", False),
    ],
)
def test_a_sale_that_began_in_a_chat_is_told_as_one_where_that_is_allowed(country, click, told):
    buyer = replace(ORDER.buyer, addresses=(replace(BILLING, country=country),))
    of = order(buyer=buyer, attributes=(("ctwa_clid", click),))

    built = event(of, whatsapp=CHAT)

    sent = msgspec.json.decode(encode(built))
    assert (sent["action_source"] == "business_messaging") == told
    assert (sent.get("messaging_channel") == "whatsapp") == told
    assert [sent["user_data"].get(key) for key in ("ctwa_clid", "page_id")] == (
        [click, "1234567890"] if told else [None, None]
    )
    assert ("event_source_url" in sent) != told
    assert check(encode(built), now=NOW) == ""


def test_without_a_page_no_click_is_told():
    of = order(attributes=(("ctwa_clid", "ARAk-7f"),))

    assert event(of).action_source == "website"


def test_amounts_have_the_decimals_of_their_currency_everywhere():
    yen = order(
        currency="JPY",
        total=Decimal(1001),
        lines=(line(total=Decimal(1001), quantity=Decimal(2)),),
        attributes=(("_ltv", "2500"),),
    )

    doubled, noted = event(yen, predicted_ltv="2.5x"), event(yen, predicted_ltv="attribute:_ltv")

    assert [str(content.item_price) for content in doubled.custom.contents] == ["500"]
    assert str(doubled.custom.predicted_ltv) == "2502"
    assert str(noted.custom.predicted_ltv) == "2500"


@pytest.mark.parametrize(
    ("how", "attributes", "told"),
    [
        ("attribute:ltv:x", (("ltv:x", "90"),), "90.00"),
        ("attribute:index", (("index", "80"),), "80.00"),
        ("attribute:ltv", (("ltv", "plenty"),), None),
        ("attribute:ltv", (), None),
    ],
)
def test_a_lifetime_value_that_the_shop_has_noted_is_told(how, attributes, told):
    built = event(order(attributes=attributes), predicted_ltv=how).custom.predicted_ltv

    assert (built if built is None else str(built)) == told


def test_a_margin_without_costs_is_no_event():
    built = build_purchase(ORDER, rules=Rules(value="margin"), storefront=STOREFRONT, now=NOW)

    assert built == Skip(reason="cost_missing")


def test_a_mailbox_of_the_shop_itself_is_not_the_buyers():
    emails = (Quote(text="orders@boutique.example", origin="email"),)
    of = order(buyer=replace(ORDER.buyer, emails=emails))

    (finding,) = (each for each in event(of).findings if each.key == "em")

    assert (finding.dropped, finding.origin, finding.value) == ("the_shops_own", "email", "")


def test_a_shop_without_a_domain_owns_no_mailbox():
    of = order(buyer=replace(ORDER.buyer, emails=(Quote(text="x@", origin="email"),)))
    nowhere = Storefront(key="lyon", url="nowhere")

    built = build_purchase(of, rules=Rules(), storefront=nowhere, now=NOW)

    assert [each.dropped for each in built.findings if each.key == "em"] == ["not_an_email"]


def test_a_chat_is_told_beside_all_else_that_is_known_of_the_buyer():
    american = replace(ORDER.buyer, addresses=(replace(BILLING, country="US"),))
    of = order(buyer=american, attributes=(("ctwa_clid", "x" * 500),))

    keys = {finding.key for finding in event(of, whatsapp=Whatsapp(page_id="12345")).findings}

    assert {"em", "fn", "ctwa_clid", "page_id"} <= keys


def test_what_was_given_back_lists_no_products():
    refund = order(refunded=Decimal(10), updated_at=NOW)

    built = event(refund, trigger="refunded", event="Refund")

    assert built.custom.contents == ()


@pytest.mark.parametrize(
    ("strategy", "content_type"),
    [
        ("template:{product_id}", "product_group"),
        ("template:{sku}-{product_id}", "product"),
        ("template:{product_id}-{variant_id}", "product"),
    ],
)
def test_a_product_without_its_variant_is_a_group(strategy, content_type):
    of = order(lines=(line(product_id="1", sku="A"),))

    assert event(of, content_id=strategy).custom.content_type == content_type


def test_a_product_without_variants_is_no_group():
    of = order(lines=(line(product_id="1", variant_id=""), line(product_id="2", variant_id="2")))

    assert event(of, content_id="product_id").custom.content_type == "product"


@pytest.mark.parametrize(
    ("sku", "told"),
    [("x" * 100, True), ("x" * 101, False), ("a@b", True), ("zoe@example.com", False)],
)
def test_a_sku_is_told_unless_it_is_too_long_or_an_address(sku, told):
    of = order(lines=(line(sku=sku),))

    assert bool(event(of, content_id="sku").custom.contents) == told
