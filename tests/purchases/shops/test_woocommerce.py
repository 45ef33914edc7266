import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from purchases.order import Order, Source, Standing
from purchases.shops import woocommerce
from purchases.shops.delivery import UnreadableOrder

PAID = json.loads(
    (
        Path(__file__).parents[2] / "payloads/woocommerce/guest_card_paid_with_attribution.json"
    ).read_bytes()
)
ABSENT = object()
ATTRIBUTION = "_wc_order_attribution_"


def read(topic: str = "order.updated", **changes: object) -> Order:
    """The paid order with some of its keys changed or ABSENT."""
    document = {key: value for key, value in (PAID | changes).items() if value is not ABSENT}
    order = woocommerce.parse_order(
        json.dumps(document).encode(), topic=topic, zone=ZoneInfo("America/Sao_Paulo")
    )
    assert isinstance(order, Order)
    return order


def reason(**changes: object) -> tuple[str, str]:
    with pytest.raises(UnreadableOrder) as unreadable:
        read(**changes)
    return unreadable.value.reason, unreadable.value.field


def metas(**values: object) -> list[dict[str, object]]:
    return [{"id": 1, "key": key, "value": value} for key, value in values.items()]


@pytest.mark.parametrize("topic", ["", "order.created", "order.restored", "product.updated"])
def test_an_order_is_one_under_any_topic(topic):
    assert read(topic) == read()


# Identity, time and standing


@pytest.mark.parametrize("odd", [None, "abc", "", -1, 0, 1.5, True, [], ABSENT])
def test_an_id_that_is_no_positive_whole_number_makes_it_unreadable(odd):
    assert reason(id=odd) == ("bad_order_id", "id")


@pytest.mark.parametrize(
    ("gmt", "local", "hour"),
    [
        ("2026-11-20T18:15:42", "2026-11-20T15:15:42", 18),
        ("2026-11-20T18:15:42", "2026-11-20T01:00:00", 18),
        ("2026-11-20T18:15:42Z", None, 18),
        (None, "2026-11-20T15:15:42", 18),
        ("", "2026-11-20T15:15:42", 18),
        (ABSENT, "2026-11-20T15:15:42", 18),
    ],
)
def test_the_gmt_time_counts_and_the_local_one_only_without_it(gmt, local, hour):
    order = read(date_created_gmt=gmt, date_created=local)

    assert order.placed_at == datetime(2026, 11, 20, hour, 15, 42, tzinfo=UTC)


def test_an_order_without_a_time_is_unreadable():
    assert reason(date_created=None, date_created_gmt=None) == ("no_time", "date_created_gmt")


def test_a_year_that_cannot_be_makes_it_unreadable():
    assert reason(date_created_gmt="0001-01-01T00:00:00") == ("bad_time", "date_created_gmt")


@pytest.mark.parametrize(
    ("status", "paid", "standing"),
    [
        ("processing", True, Standing.PAID),
        ("completed", True, Standing.PAID),
        ("on-hold", True, Standing.PAID),
        ("shipped", True, Standing.PAID),
        ("processing", False, Standing.PLACED),  # cash on delivery
        ("completed", False, Standing.PLACED),
        ("on-hold", False, Standing.PLACED),
        ("shipped", False, Standing.PLACED),
        (None, False, Standing.PLACED),
        ("pending", False, Standing.OPEN),
        ("failed", False, Standing.OPEN),
        ("failed", True, Standing.OPEN),
        ("cancelled", True, Standing.CANCELLED),
        ("refunded", True, Standing.REFUNDED),
        ("checkout-draft", False, Standing.DRAFT),
        ("auto-draft", False, Standing.DRAFT),
        ("draft", True, Standing.DRAFT),
        ("new", False, Standing.DRAFT),
        ("trash", True, Standing.TRASHED),
        ("wc-cancelled", True, Standing.CANCELLED),
    ],
)
def test_the_payments_date_tells_paid_from_placed(status, paid, standing):
    order = read(
        status=status, date_paid=None, date_paid_gmt="2026-11-20T18:16:10" if paid else None
    )

    assert order.standing == standing


@pytest.mark.parametrize(
    ("created_via", "source_type", "user_agent", "source"),
    [
        ("checkout", "utm", "Mozilla", Source.WEB),
        ("store-api", None, "", Source.WEB),
        ("rest-api", None, "", Source.API),
        ("rest-api", "admin", "", Source.ADMIN),
        ("rest-api", "mobile_app", "", Source.ADMIN),
        ("admin", None, "", Source.ADMIN),
        ("subscription", "utm", "Mozilla", Source.SUBSCRIPTION),
        ("subscription", "admin", "", Source.SUBSCRIPTION),
        ("pos-rest-api", None, "", Source.POS),
        ("rest-api", "pos", "", Source.POS),
        ("apple-pay-express", None, "Mozilla", Source.WEB),
        ("bulk-import", None, "", Source.OTHER),
        ("", None, "Mozilla", Source.OTHER),
        (None, ["utm"], None, Source.OTHER),
    ],
)
def test_the_source_is_where_the_order_was_made(created_via, source_type, user_agent, source):
    order = read(
        created_via=created_via,
        customer_user_agent=user_agent,
        meta_data=metas(**{f"{ATTRIBUTION}source_type": source_type}),
    )

    assert order.source == source


# Money


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (ABSENT, "no_total"),
        (None, "no_total"),
        ("", "bad_money"),
        ("46,08", "bad_money"),
        ("1.234,50", "bad_money"),
        ("-1.00", "negative_total"),
    ],
)
def test_a_total_that_is_none_makes_it_unreadable(said, expected):
    assert reason(total=said) == (expected, "total")


@pytest.mark.parametrize(("prices_include_tax", "line_total"), [(True, "12.30"), (False, "10.00")])
def test_lines_and_subtotal_have_tax_where_prices_include_it(prices_include_tax, line_total):
    line = {"product_id": 11, "quantity": 1, "total": "10.00", "total_tax": "2.30"}

    order = read(prices_include_tax=prices_include_tax, line_items=[line, line])

    assert [line.total for line in order.lines] == [Decimal(line_total)] * 2
    assert order.subtotal == Decimal(line_total) * 2


@pytest.mark.parametrize(
    ("product_id", "variation_id", "variant_id"),
    [(14, 15, "15"), (11, 0, "11"), (11, None, "11"), ("11", "", "11"), (0, 0, ""), ([], {}, "")],
)
def test_a_product_without_variations_is_its_own_variant(product_id, variation_id, variant_id):
    line = {"product_id": product_id, "variation_id": variation_id, "quantity": 1, "total": "1"}

    order = read(line_items=[line])

    assert [line.variant_id for line in order.lines] == [variant_id]


def test_a_list_that_php_wrote_as_an_object_is_read():
    lines = {"3": {"quantity": 1, "total": "1.00", "sku": "A"}, "7": {"quantity": 2, "total": "2"}}

    assert [line.total for line in read(line_items=lines).lines] == [Decimal("1.00"), Decimal(2)]


@pytest.mark.parametrize(
    ("shipping_total", "shipping_tax", "shipping"),
    [("4.90", "1.13", "6.03"), ("4.90", "", "4.90"), (None, None, "0"), ("x", 1, "1")],
)
def test_shipping_has_its_tax(shipping_total, shipping_tax, shipping):
    order = read(shipping_total=shipping_total, shipping_tax=shipping_tax)

    assert order.shipping == Decimal(shipping)


@pytest.mark.parametrize(
    ("refunds", "refunded"),
    [([], "0"), ([{"total": "-9.15"}, {"total": "-1"}], "10.15"), (None, "0"), ([{}, 3], "0")],
)
def test_refunds_are_added_up(refunds, refunded):
    assert read(refunds=refunds).refunded == Decimal(refunded)


# The buyer and their browser


@pytest.mark.parametrize(
    ("customer_id", "expected"), [(42, "42"), (0, ""), ("0", ""), (None, ""), ("", "")]
)
def test_a_guest_has_no_customer_id(customer_id, expected):
    assert read(customer_id=customer_id).buyer.customer_id == expected


def test_empty_addresses_are_none():
    empty = dict.fromkeys(PAID["shipping"], "")

    order = read(shipping=empty, billing=[])

    assert order.buyer.addresses == ()
    assert order.buyer.emails == ()


@pytest.mark.parametrize("said", ["203.0.113.9", "203.0.113.9, 10.0.0.1, 2001:db8::1"])
def test_a_list_of_addresses_is_one_place_with_the_shopper_in_front(said):
    (quote,) = read(customer_ip_address=said).visit.ips

    assert (quote.text, quote.origin) == (said, "customer_ip_address")


@pytest.mark.parametrize("created_via", ["rest-api", "admin", "pos", "bulk"])
def test_where_no_shopper_was_only_written_down_cookies_count(created_via):
    visit = read(created_via=created_via, customer_user_agent="").visit

    assert (visit.ips, visit.user_agents, visit.landing_page) == ((), (), "")
    assert [quote.text for quote in visit.fbps] == ["fb.1.1763660000123.1098115397"]


def test_cookies_are_taken_from_every_plugin_in_order_of_trust():
    visit = read(
        meta_data=metas(
            fbp="p3",
            _customer_fbp="p2",
            _fbp="p1",
            pys_fb_cookie='{"fbp": "p4", "fbc": "c2"}',
            _fbc="c1",
            fbclid="IwAR1",
            _fbclid=["odd"],
        )
    ).visit

    assert [quote.text for quote in visit.fbps] == ["p1", "p2", "p3", "p4"]
    assert [quote.origin for quote in visit.fbcs] == ["meta._fbc", "meta.pys_fb_cookie.fbc"]
    assert [click.fbclid for click in visit.clicks] == ["IwAR1"]


@pytest.mark.parametrize("odd", ["", "{", "[]", "null", [], 7, None, '{"fbp": {}}', "[" * 100_000])
def test_an_odd_cookie_value_says_nothing(odd):
    assert read(meta_data=metas(pys_fb_cookie=odd)).visit.fbps == ()


@pytest.mark.parametrize(
    ("started", "at"),
    [
        ("2026-11-20 18:01:02", datetime(2026, 11, 20, 18, 1, 2, tzinfo=UTC)),
        ("yesterday", None),
        ("10000-01-01 00:00:00", None),
        (None, None),
    ],
)
def test_a_click_has_the_time_of_the_session_it_began(started, at):
    visit = read(
        meta_data=metas(
            **{
                f"{ATTRIBUTION}session_entry": "https://kuchnia.example/?fbclid=IwAR1",
                f"{ATTRIBUTION}session_start_time": started,
            }
        )
    ).visit

    assert [(click.fbclid, click.at) for click in visit.clicks] == [("IwAR1", at)]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("1", "Meta for WooCommerce"),
        (1, "Meta for WooCommerce"),
        (True, "Meta for WooCommerce"),
        ("yes", "Meta for WooCommerce"),
        ("0", ""),
        (0, ""),
        ("", ""),
        (False, ""),
        (None, ""),
    ],
)
def test_the_flag_of_metas_own_plugin_is_seen(said, expected):
    order = read(meta_data=metas(_meta_purchase_tracked_server=said))

    assert order.tracked_elsewhere == expected


@pytest.mark.parametrize("flag", ["_meta_purchase_tracked_browser", "_pys_purchase_event_fired"])
def test_a_plugin_that_has_told_meta_in_the_browser_is_seen(flag):
    told = [read(meta_data=metas(**{flag: said})).tracked_in_browser for said in ("1", "", "0")]

    assert told == [True, False, False]


def test_the_last_of_two_equal_order_metas_counts():
    order = read(meta_data=[*metas(_meta_event_id="old"), *metas(_meta_event_id="new")])

    assert order.attribute("_meta_event_id") == "new"


@pytest.mark.parametrize(
    ("status", "stages", "completed"),
    [
        ("completed", ("completed",), True),
        ("wc-completed", ("completed",), True),
        ("Shipped", ("shipped",), False),
        (None, (), False),
    ],
)
def test_the_stage_is_the_shops_own_status(status, stages, completed):
    order = read(status=status)

    assert (order.stages, order.completed) == (stages, completed)


def test_a_click_id_is_read_whole_from_a_long_landing_page():
    landing = "https://shop.example/?" + "x" * 1990 + "&fbclid=IwAR0abcdef"

    visit = read(meta_data=[{"key": "_wc_order_attribution_session_entry", "value": landing}]).visit

    assert [click.fbclid for click in visit.clicks] == ["IwAR0abcdef"]


def test_meta_past_the_two_hundredth_is_kept():
    metas = [{"key": f"plugin_{number}", "value": "1"} for number in range(500)]

    order = read(meta_data=[*metas, {"key": "_meta_event_id", "value": "9f1d"}])

    assert order.attribute("_meta_event_id") == "9f1d"


def test_a_product_id_written_as_a_float_is_the_same_product():
    line = {"product_id": 16.0, "variation_id": 0, "quantity": 1, "total": "5.00"}

    (read_line,) = read(line_items=[line]).lines

    assert (read_line.product_id, read_line.variant_id) == ("16", "16")


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"cost_of_goods_sold": {"value": 24.68}}, "24.68"),
        ({"cost_of_goods_sold": {"value": 0}}, None),
        ({"meta_data": [{"key": "_wc_cog_item_cost", "value": "3.50"}]}, "7.00"),
        ({"meta_data": [{"key": "_alg_wc_cog_item_cost", "value": 3.5}]}, "7.0"),
        ({"meta_data": [{"key": "_wc_cog_item_cost", "value": ""}]}, None),
        ({"cost_of_goods_sold": []}, None),
    ],
)
def test_a_line_has_the_cost_that_the_shop_keeps(fields, cost):
    line = {"product_id": 16, "quantity": 2, "total": "50.00", **fields}

    (read_line,) = read(line_items=[line]).lines

    assert read_line.cost == (cost if cost is None else Decimal(cost))


def test_fees_have_their_tax_and_may_take_away():
    fees = [{"total": "10.00", "total_tax": "2.30"}, {"total": "-4.00", "total_tax": "0.00"}, 7]

    order = read(fee_lines=fees)

    assert (order.fees, order.fees_tax) == (Decimal("8.30"), Decimal("2.30"))


def test_birth_and_gender_are_read_under_the_names_that_checkouts_use():
    metas = [
        {"key": "_billing_birth_date", "value": "1990-04-03"},
        {"key": "Date of birth", "value": "1990-04-03"},
        {"key": "billing_gender", "value": "f"},
        {"key": "gender_reveal_party", "value": "yes"},
    ]

    buyer = read(meta_data=metas).buyer

    assert [(quote.origin, quote.text) for quote in buyer.birth_dates + buyer.genders] == [
        ("meta._billing_birth_date", "1990-04-03"),
        ("meta.billing_gender", "f"),
    ]


@pytest.mark.parametrize(
    ("lines", "delivery"),
    [
        ([{"method_id": "flat_rate"}], "home"),
        ([{"method_id": "local_pickup:3"}], "pickup"),
        ([{"method_id": "pickup_location"}], "pickup"),
        ([], None),
        (None, None),
    ],
)
def test_the_way_of_shipping_says_how_the_goods_come(lines, delivery):
    assert read(shipping_lines=lines).delivery == delivery


@pytest.mark.parametrize(
    ("meta", "bundled"),
    [
        ({"key": "_bundled_by", "value": "a1"}, True),
        ({"key": "_bundled_items", "value": ["a1"]}, True),
        ({"key": "_bundled_by", "value": ""}, False),
        ({"key": "colour", "value": "red"}, False),
    ],
)
def test_the_lines_of_a_bundle_are_known_by_what_plugins_write(meta, bundled):
    line = {"product_id": 16, "quantity": 1, "total": "0.00", "meta_data": [meta]}

    assert read(line_items=[line]).lines[0].bundled is bundled
