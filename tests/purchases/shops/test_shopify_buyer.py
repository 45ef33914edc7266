import pytest
from paid_order import ABSENT, read

from purchases.shops.delivery import UnreadableOrder


@pytest.mark.parametrize(
    ("order_email", "contact_email", "customer_email", "emails"),
    [
        (
            "a@x.example",
            "b@x.example",
            "c@x.example",
            ["a@x.example", "b@x.example", "c@x.example"],
        ),
        ("a@x.example", "A@X.example", "a@x.example", ["a@x.example"]),
        ("", None, " c@x.example ", ["c@x.example"]),
        ({"a": 1}, ["b"], True, []),
        ("a\0b@x.example", "x" * 2000, None, []),
    ],
)
def test_emails_come_in_order_of_trust_and_once(order_email, contact_email, customer_email, emails):
    order = read(email=order_email, contact_email=contact_email, customer={"email": customer_email})

    assert [quote.text for quote in order.buyer.emails] == emails


def test_an_email_survives_its_customer():
    order = read(customer=None)

    assert [quote.origin for quote in order.buyer.emails] == ["email"]
    assert order.buyer.customer_id == ""


@pytest.mark.parametrize("odd", [ABSENT, None, {}, [], "street", 7, {"city": None}])
def test_an_address_that_says_nothing_is_none(odd):
    order = read(billing_address=odd, shipping_address=odd, customer=odd)

    assert order.buyer.addresses == ()
    assert order.country == ""


def test_an_address_prefers_codes_to_names():
    order = read(
        shipping_address={
            "province_code": "ON",
            "province": "Ontario",
            "country_code": None,
            "country": "Canada",
        }
    )

    shipping = order.buyer.addresses[1]
    assert (shipping.origin, shipping.region, shipping.country) == ("shipping", "ON", "Canada")


@pytest.mark.parametrize(
    ("browser_ip", "details", "ips"),
    [
        ("203.0.113.7", {"browser_ip": "203.0.113.7"}, ["browser_ip"]),
        (None, {"browser_ip": "203.0.113.7"}, ["client_details.browser_ip"]),
        ("203.0.113.7", None, ["browser_ip"]),
        ("203.0.113.7", [], ["browser_ip"]),
        (None, None, []),
    ],
)
def test_the_shoppers_address_is_looked_for_in_both_places(browser_ip, details, ips):
    visit = read(browser_ip=browser_ip, client_details=details).visit

    assert [quote.origin for quote in visit.ips] == ips


@pytest.mark.parametrize("source_name", ["pos", "shopify_draft_order", "iphone", "12345", "other"])
def test_the_browser_of_staff_is_never_the_shoppers(source_name):
    visit = read(source_name=source_name, browser_ip="203.0.113.7").visit

    assert (visit.ips, visit.user_agents, visit.landing_page, visit.referrer) == ((), (), "", "")
    assert [quote.text for quote in visit.fbps] == ["fb.1.1763650000123.1098115397"]


def test_a_renewal_has_no_visit_at_all():
    visit = read(source_name="subscription_contract").visit

    assert (visit.fbps, visit.fbcs, visit.clicks) == ((), (), ())


def test_cookies_and_clicks_are_taken_from_note_attributes():
    notes = {"_fbp": "p1", "fbp": "p2", "_fbc": "c1", "fbc": "c2", "fbclid": "k1", "_fbclid": "k2"}

    visit = read(note_attributes=[{"name": k, "value": v} for k, v in notes.items()]).visit

    assert [quote.text for quote in visit.fbps] == ["p1", "p2"]
    assert [quote.origin for quote in visit.fbcs] == ["note_attributes._fbc", "note_attributes.fbc"]
    assert [click.fbclid for click in visit.clicks] == ["k1", "k2", "IwAR2q-Example_ClickId"]


@pytest.mark.parametrize(
    ("landing_site", "fbclids"),
    [
        ("/?fbclid=IwAR1_x-Y", ["IwAR1_x-Y"]),
        ("https://shop.example/a?b=1&fbclid=IwAR1#top", ["IwAR1"]),
        ("/?xfbclid=IwAR1", []),
        ("/?fbclid=IwAR1%2Fx", []),
        ("/?fbclid=", []),
        ("/fbclid=IwAR1", []),
        (None, []),
        (7, []),
    ],
)
def test_a_click_is_found_in_the_landing_page(landing_site, fbclids):
    visit = read(landing_site=landing_site).visit

    assert [click.fbclid for click in visit.clicks] == fbclids


def test_attributes_are_texts_and_bounded():
    notes = [
        {"name": "gift", "value": "yes"},
        {"name": "count", "value": 3},
        {"name": "flag", "value": True},
        {"name": "nested", "value": {"a": 1}},
        {"name": "long", "value": "x" * 10_000},
        {"name": None, "value": "nameless"},
        "odd",
        {"name": "gift", "value": "no\0"},
    ]

    order = read(note_attributes=notes + notes * 1_000)

    assert order.attributes[:4] == (
        ("gift", "yes"),
        ("count", "3"),
        ("flag", "true"),
        ("long", "x" * 500),
    )
    assert len(order.attributes) <= 2_000
    assert order.attribute("gift") in ("yes", "no")


def test_a_refusal_never_repeats_what_was_sent():
    with pytest.raises(UnreadableOrder) as unreadable:
        read(total_price="secret@mail.example")

    assert "secret" not in f"{unreadable.value} {unreadable.value.detail}"
