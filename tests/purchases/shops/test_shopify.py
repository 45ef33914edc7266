from datetime import UTC, datetime

import pytest
from paid_order import ABSENT, read, reason

from purchases.order import Source, Standing

# Identity and time


@pytest.mark.parametrize("odd", [ABSENT, None, "abc", "", -1, 0, 1.5, 1e3, True, [], {}, "1e3"])
def test_an_id_that_is_no_positive_whole_number_makes_it_unreadable(odd):
    assert reason(id=odd) == ("bad_order_id", "id")


def test_an_id_beyond_a_float_keeps_every_digit():
    assert read(id=820982911946154508).shop_order_id == "820982911946154508"


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [("#1001", 1001, "#1001"), (None, 1001, "1001"), (None, None, "6310000000001")],
)
def test_the_name_falls_back_to_the_number_and_the_id(name, number, expected):
    assert read(name=name, order_number=number).name == expected


@pytest.mark.parametrize(
    ("created", "processed", "placed", "entered"),
    [
        ("2026-11-20T10:00:00+01:00", "2026-11-20T08:00:00Z", (20, 8, 0), (20, 9, 0)),
        ("2026-11-20T10:00:00+01:00", None, (20, 9, 0), (20, 9, 0)),
        (ABSENT, "2026-11-20T10:00:00+01:00", (20, 9, 0), (20, 9, 0)),
        ("last week", "2026-11-20T10:00:00+01:00", (20, 9, 0), (20, 9, 0)),
        (1763629200, "2026-11-20T10:00:00+01:00", (20, 9, 0), (20, 9, 0)),
        ("2026-11-20T10:00:00", None, (20, 9, 0), (20, 9, 0)),  # naive: the shop's zone
        ("2026-10-25T02:30:00", None, (25, 0, 30), (25, 0, 30)),  # in the hour that repeats
        ("2026-11-20T23:59:60Z", None, (20, 23, 59), (20, 23, 59)),
        ("2026-11-20T09:00:00.123456789Z", None, (20, 9, 0), (20, 9, 0)),
        ("2026-11-20T09:00:00-00:00", None, (20, 9, 0), (20, 9, 0)),
    ],
)
def test_the_sale_happened_when_it_was_processed(created, processed, placed, entered):
    order = read(created_at=created, processed_at=processed)

    moments = [
        (moment.day, moment.hour, moment.minute) for moment in (order.placed_at, order.entered_at)
    ]
    assert moments == [placed, entered]
    assert order.placed_at.tzinfo is UTC


@pytest.mark.parametrize("odd", [ABSENT, None, "", "soon", 0, {}, "2026-13-45T00:00:00Z"])
def test_an_order_without_a_time_is_unreadable(odd):
    assert reason(created_at=odd, processed_at=odd) == ("no_time", "created_at")


@pytest.mark.parametrize("year", ["0001", "1900", "1969", "2100", "9999", "10000", "-0044"])
def test_a_year_that_cannot_be_makes_it_unreadable(year):
    assert reason(created_at=f"{year}-06-01T00:00:00Z") == ("bad_time", "created_at")


def test_an_odd_update_time_does_not_matter():
    order = read(updated_at="10000-01-01T00:00:00Z")

    assert order.updated_at == order.entered_at


# Standing and source


@pytest.mark.parametrize(
    ("status", "cancelled_at", "standing"),
    [
        ("paid", None, Standing.PAID),
        ("partially_refunded", None, Standing.PAID),
        ("refunded", None, Standing.REFUNDED),
        ("refunded", "2026-11-20T19:00:00Z", Standing.CANCELLED),
        ("paid", "2026-11-20T19:00:00Z", Standing.CANCELLED),
        ("voided", None, Standing.VOIDED),
        ("expired", None, Standing.VOIDED),
        ("pending", None, Standing.PLACED),
        ("authorized", None, Standing.PLACED),
        ("partially_paid", None, Standing.PLACED),
        ("never heard of", None, Standing.PLACED),
        (None, None, Standing.PLACED),
        (ABSENT, ABSENT, Standing.PLACED),
        (["paid"], None, Standing.PLACED),
    ],
)
def test_the_financial_status_tells_how_far_the_sale_has_come(status, cancelled_at, standing):
    assert read(financial_status=status, cancelled_at=cancelled_at).standing == standing


@pytest.mark.parametrize(
    ("source_name", "app_id", "source"),
    [
        ("web", 580111, Source.WEB),
        ("580111", None, Source.WEB),
        (None, 580111, Source.WEB),
        ("pos", 129785, Source.POS),
        (ABSENT, 129785, Source.POS),
        ("shopify_draft_order", 1354745, Source.DRAFT),
        ("iphone", None, Source.ADMIN),
        ("android", None, Source.ADMIN),
        ("subscription_contract", 99, Source.SUBSCRIPTION),
        ("subscription_contract_checkout_one", 99, Source.SUBSCRIPTION),
        ("755357713", 755357713, Source.API),
        (755357713, None, Source.API),
        ("exchange", 1, Source.OTHER),
        (None, None, Source.OTHER),
        ({}, [], Source.OTHER),
    ],
)
def test_the_source_is_where_the_order_was_made(source_name, app_id, source):
    assert read(source_name=source_name, app_id=app_id).source == source


@pytest.mark.parametrize(("said", "test"), [(True, True), (False, False), (None, False)])
def test_only_the_signed_body_makes_a_test_order(said, test):
    assert read(test=said).test is test


@pytest.mark.parametrize(
    ("said", "tags"),
    [("vip, gift", ("vip", "gift")), ("", ()), (" , ,a", ("a",)), (None, ()), (["a"], ())],
)
def test_tags_are_one_text_with_commas(said, tags):
    assert read(tags=said).tags == tags


def test_times_of_the_reference_order_are_utc():
    assert read().placed_at == datetime(2026, 11, 20, 17, 31, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "stages", "completed"),
    [
        ({}, ("paid",), False),
        ({"fulfillment_status": "partial"}, ("paid", "partial"), False),
        ({"fulfillment_status": "fulfilled"}, ("paid", "fulfilled"), True),
        (
            {
                "fulfillment_status": "fulfilled",
                "fulfillments": [
                    {"status": "success", "shipment_status": "delivered"},
                    {"status": "cancelled", "shipment_status": None},
                ],
            },
            ("paid", "fulfilled", "delivered"),
            True,
        ),
        (
            {
                "fulfillment_status": "fulfilled",
                "fulfillments": [{"shipment_status": "delivered"}, {"shipment_status": None}, 3],
            },
            ("paid", "fulfilled"),
            True,
        ),
        ({"fulfillment_status": ["fulfilled"], "fulfillments": "x"}, ("paid",), False),
    ],
)
def test_the_stages_are_shopifys_words_for_how_far_the_order_is(changes, stages, completed):
    order = read(financial_status="paid", **changes)

    assert (order.stages, order.completed) == (stages, completed)


@pytest.mark.parametrize(
    ("names", "method", "kind"),
    [
        (["shopify_payments"], "shopify_payments", ""),
        (["gift_card", "shopify_payments"], "shopify_payments", ""),
        (["gift_card"], "gift_card", ""),
        (["Cash on Delivery (COD)"], "Cash on Delivery (COD)", "cod"),
        (["Bank Deposit"], "Bank Deposit", "bacs"),
        ([], "", ""),
    ],
)
def test_the_payment_method_is_the_shops_word_and_what_it_means(names, method, kind):
    order = read(payment_gateway_names=names, gateway=None)

    assert (order.payment_method, order.payment_kind) == (method, kind)


HOUR = "2026-11-20T09:{}:00+01:00"


@pytest.mark.parametrize(
    ("source", "processed", "placed"),
    [
        ("web", HOUR.format("10"), (20, 8, 10)),
        ("pos", HOUR.format("10"), (20, 8, 10)),
        ("shopify_draft_order", HOUR.format("10"), (20, 8, 30)),
        ("1234567", "2026-11-19T09:30:00+01:00", (20, 8, 30)),
        ("1234567", "2026-11-10T09:30:00+01:00", (10, 8, 30)),  # a history that was imported
    ],
)
def test_only_a_shoppers_order_happened_when_it_was_processed(source, processed, placed):
    order = read(source_name=source, created_at=HOUR.format("30"), processed_at=processed)

    assert (order.placed_at.day, order.placed_at.hour, order.placed_at.minute) == placed


@pytest.mark.parametrize(("said", "test"), [(True, True), ("true", True), ("false", False)])
def test_a_test_order_is_one_however_it_says_so(said, test):
    assert read(test=said).test is test


@pytest.mark.parametrize(
    ("title", "delivery"),
    [
        ("Standard", "home"),
        ("Pick up in store", "pickup"),
        ("Click & Collect", "pickup"),
        ("Retrait en magasin", "pickup"),
        ("Curbside pickup", "curbside"),
        (None, "home"),
    ],
)
def test_the_name_of_the_shipping_says_how_the_goods_come(title, delivery):
    assert read(shipping_lines=[{"title": title, "price": "0.00"}]).delivery == delivery
    assert read(shipping_lines=[]).delivery is None
