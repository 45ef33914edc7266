import hashlib
from datetime import timedelta

import pytest
from known_order import BILLING, NOW, ORDER, PLACED, VISIT, order
from msgspec.structs import replace

from purchases.meta.user_data import Finding, identify, is_matchable
from purchases.order import Address, Buyer, Click, Order, Quote, Visit

MILLISECONDS = int(PLACED.timestamp() * 1000)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def found(of: Order, key: str) -> list[tuple[str, str]]:
    """Where each value of `key` stood, and what became of it: the value, or the reason for none."""
    findings = identify(of, now=NOW)
    return [(f.origin, f.value or f.dropped) for f in findings if f.key == key]


def visited(**visit: object) -> Order:
    return order(visit=replace(VISIT, **visit))


def quotes(*texts: str) -> tuple[Quote, ...]:
    return tuple(Quote(text=text, origin=f"place {n}") for n, text in enumerate(texts, 1))


def test_every_identifier_of_an_order_is_found_with_its_origin():
    findings = [(f.key, f.origin, f.value) for f in identify(ORDER, now=NOW)]

    assert findings == [
        ("em", "email", sha256("zoe@example.com")),
        ("ph", "billing.phone", sha256("33612345678")),
        ("fn", "billing.first_name", sha256("zoë")),
        ("ln", "billing.last_name", sha256("obrien")),
        ("ct", "billing.city", sha256("paris")),
        ("st", "billing.region", sha256("îledefrance")),
        ("zp", "billing.postcode", sha256("75015")),
        ("country", "billing.country", sha256("fr")),
        ("external_id", "customer.id", sha256("777")),
        ("client_ip_address", "browser_ip", "203.0.113.9"),
        ("client_user_agent", "client_details.user_agent", "Mozilla/5.0 (X11)"),
        ("fbc", "landing_site", f"fb.1.{MILLISECONDS}.IwAR0x-Y_z"),
        ("fbp", "note_attributes._fbp", "fb.1.1763685000123.1098115397"),
    ]


def test_an_order_about_nobody_has_no_findings():
    assert identify(order(buyer=Buyer(), visit=Visit()), now=NOW) == ()


def test_equal_values_are_sent_once_and_different_ones_all():
    buyer = Buyer(emails=quotes("zoe@example.com", "ZOE@example.com ", "b@example.com"))

    assert found(order(buyer=buyer), "em") == [
        ("place 1", sha256("zoe@example.com")),
        ("place 3", sha256("b@example.com")),
    ]


def test_what_cannot_be_used_is_named_and_not_repeated():
    buyer = Buyer(
        emails=quotes("nobody", "nobody"), addresses=(Address(origin="billing", phone="?"),)
    )

    findings = identify(order(buyer=buyer, visit=Visit()), now=NOW)

    assert findings == (
        Finding(key="em", origin="place 1", dropped="not_an_email"),
        Finding(key="ph", origin="billing.phone", dropped="not_a_phone_number"),
    )


def test_a_value_hashed_by_the_shop_is_passed_on():
    buyer = Buyer(emails=quotes(sha256("zoe@example.com").upper()))

    (finding,) = identify(order(buyer=buyer, visit=Visit()), now=NOW)

    assert finding.value == sha256("zoe@example.com")
    assert finding.steps == "hashed by the shop"


@pytest.mark.parametrize(
    ("countries", "digits"),
    [
        ({"shipping": "FR", "customer": "FR", "billing": "BE"}, "32470123456"),
        ({"shipping": "FR", "customer": "BE", "billing": ""}, "32470123456"),
        ({"shipping": "BE"}, "32470123456"),
    ],
)
def test_a_phone_outside_an_address_is_read_with_the_country_of_who_pays(countries, digits):
    addresses = [
        replace(BILLING, origin=origin, phone="", country=country)
        for origin, country in countries.items()
    ]
    buyer = Buyer(phones=quotes("0470 12 34 56"), addresses=tuple(addresses))

    assert found(order(buyer=buyer), "ph") == [("place 1", sha256(digits))]


@pytest.mark.parametrize(
    ("texts", "outcome"),
    [
        (["203.0.113.9"], [("place 1", "203.0.113.9")]),
        (["10.0.0.1, 8.8.8.8"], [("place 1", "not_a_public_address"), ("place 1", "8.8.8.8")]),
        (["8.8.8.8, 9.9.9.9"], [("place 1", "8.8.8.8")]),
        (["203.0.113.24, 2606:4700:10::6814:1"], [("place 1", "203.0.113.24")]),
        (["8.8.8.8", "2606:4700::1111"], [("place 2", "2606:4700::1111")]),
        (["2606:4700:0:0::ABCD"], [("place 1", "2606:4700::abcd")]),
        (["::ffff:8.8.8.8"], [("place 1", "8.8.8.8")]),
        (["::ffff:808:808"], [("place 1", "8.8.8.8")]),
        (["8.8.8.8:443"], [("place 1", "not_an_ip_address")]),
        (["unknown"], [("place 1", "not_an_ip_address")]),
        *[
            ([text], [("place 1", "not_a_public_address")])
            for text in (
                *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.1.1"),
                *("172.31.255.255", "192.168.1.1", "224.0.0.1", "255.255.255.255"),
                *("::", "::1", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1"),
            )
        ],
    ],
)
def test_the_shoppers_address_is_the_first_public_one_and_version_6_before_4(texts, outcome):
    assert found(visited(ips=quotes(*texts)), "client_ip_address") == outcome


def test_a_user_agent_is_one_trimmed_line_of_bounded_length():
    of = visited(user_agents=quotes(" \n", "  Mozilla\x00/5.0\n" + "x" * 600, "other"))

    ((origin, sent),) = found(of, "client_user_agent")

    assert origin == "place 2"
    assert sent == "Mozilla/5.0" + "x" * 501


@pytest.mark.parametrize(
    "fbp",
    [
        "fb.1.1763685000123.1098115397",
        "fb.2.1763685000123.1098115397.AQ",
        "fb.0.1763685000123.1098115397.AQICAQMC",
    ],
)
def test_a_browser_id_is_sent_as_it_is(fbp):
    assert found(visited(fbps=quotes(f" {fbp} ")), "fbp") == [("place 1", fbp)]


@pytest.mark.parametrize(
    "fbp",
    [
        "",
        "1098115397",
        "fb.3.1763685000123.1098115397",
        "fb.1.1763685000123.abc",
        "fb.1.9763685000123.1098115397",
        "fb.1.1763685000123.1098115397\nx",
        "fb.1.1763685000123." + "1" * 10_000,
    ],
)
def test_a_browser_id_in_another_form_is_neither_sent_nor_made_up(fbp):
    assert found(visited(fbps=quotes(fbp)), "fbp") == [("place 1", "malformed")]
    assert found(visited(fbps=()), "fbp") == []


def test_a_valid_fbc_wins_over_the_landing_page():
    fbc = "fb.1.1763685000456.IwAR0abcDEF_123-xyz"

    assert found(visited(fbcs=quotes("nonsense", fbc)), "fbc") == [
        ("place 1", "malformed"),
        ("place 2", fbc),
    ]


def test_an_fbc_or_fbp_in_seconds_is_told_in_milliseconds():
    of = visited(fbcs=quotes("fb.1.1763685000.IwAR0abc"), fbps=quotes("fb.1.1763685000.1098115397"))

    assert found(of, "fbc") == [("place 1", "fb.1.1763685000000.IwAR0abc")]
    assert found(of, "fbp") == [("place 1", "fb.1.1763685000000.1098115397")]


def test_a_hash_is_no_user_agent():
    of = visited(user_agents=quotes("A" * 64, "Mozilla/5.0"))

    assert found(of, "client_user_agent") == [("place 1", "malformed"), ("place 2", "Mozilla/5.0")]


def test_a_click_keeps_its_case_and_its_own_time():
    click = Click(fbclid="IwAR_aBc-1", at=PLACED - timedelta(days=1), origin="meta.fbclid")
    at = MILLISECONDS - 86_400_000

    assert found(visited(clicks=(click,)), "fbc") == [("meta.fbclid", f"fb.1.{at}.IwAR_aBc-1")]


@pytest.mark.parametrize("fbclid", ["", "a.b", "a b", "<script>", "x" * 401])
def test_what_is_no_click_id_makes_no_fbc(fbclid):
    click = Click(fbclid=fbclid, at=None, origin="landing_site")

    assert found(visited(clicks=(click,)), "fbc") == [("landing_site", "malformed")]


@pytest.mark.parametrize(
    ("keys", "enough"),
    [
        ("", False),
        ("ct country st zp ge client_user_agent", False),
        ("db client_user_agent", False),
        ("fn ge", False),
        ("ln ge", False),
        ("fn ln", True),
        ("em", True),
        ("ph", True),
        ("external_id", True),
        ("fbc", True),
        ("fbp", True),
        ("client_ip_address client_user_agent", True),
        ("fn ct", True),
    ],
)
def test_meta_must_be_told_enough_about_a_person(keys, enough):
    findings = [Finding(key=key, origin="", value="x") for key in keys.split()]

    assert is_matchable(findings) == enough


def test_what_is_dropped_identifies_nobody():
    assert not is_matchable([Finding(key="em", origin="email", dropped="not_an_email")])


def test_birth_and_gender_are_told_where_a_checkout_asks_for_them():
    buyer = Buyer(birth_dates=quotes("16/02/1997"), genders=quotes("Frau"), addresses=(BILLING,))

    assert found(order(buyer=buyer), "db") == [("place 1", sha256("19970216"))]
    assert found(order(buyer=buyer), "ge") == [("place 1", sha256("f"))]


@pytest.mark.parametrize(
    ("born", "outcome"),
    [
        ("2008-11-21", sha256("20081121")),  # eighteen today
        ("2008-11-22", "under_age"),
        ("2024-01-01", "under_age"),
        ("soon", "not_a_birth_date"),
    ],
)
def test_nothing_is_told_of_the_birth_of_a_child(born, outcome):
    of = order(buyer=Buyer(birth_dates=quotes(born)))

    assert found(of, "db") == [("place 1", outcome)]


@pytest.mark.parametrize("said", ["info@boutique.example", "POS@Boutique.Example"])
def test_a_mailbox_of_the_shop_is_not_the_buyers(said):
    findings = identify(
        order(buyer=Buyer(emails=quotes(said, "zoe@mail.boutique.example.org"))),
        now=NOW,
        own_domain="boutique.example",
    )

    assert [finding.dropped for finding in findings if finding.key == "em"] == ["the_shops_own", ""]


@pytest.mark.parametrize(
    "program", ["WordPress/6.9; https://boutique.example", "PayPal IPN", "curl/8.5", "okhttp/4.12"]
)
def test_where_a_program_sent_the_order_its_address_is_nobodys(program):
    of = visited(ips=quotes("8.8.8.8"), user_agents=quotes(program))

    assert found(of, "client_ip_address") == [("place 1", "not_the_shoppers")]
    assert found(of, "client_user_agent") == [("place 1", "not_the_shoppers")]


@pytest.mark.parametrize("proxy", ["23.227.38.65", "104.18.2.3", "172.68.1.1", "162.159.0.9"])
def test_a_proxy_between_shopper_and_shop_is_not_the_shopper(proxy):
    assert found(visited(ips=quotes(proxy)), "client_ip_address") == [
        ("place 1", "not_a_public_address")
    ]


AGAIN = replace(BILLING, origin="shipping")
ANAS = replace(BILLING, origin="customer", first_name="Ana")


@pytest.mark.parametrize(
    ("addresses", "first_names"),
    [
        ((BILLING, AGAIN), ["billing.first_name"]),
        (
            (BILLING, AGAIN, replace(AGAIN, origin="customer", first_name="Ana")),
            ["billing.first_name", "customer.first_name"],
        ),
        (
            (BILLING, replace(AGAIN, first_name="Ana")),
            ["billing.first_name", "shipping.first_name"],
        ),
    ],
)
def test_an_address_that_is_written_twice_is_told_once_and_another_one_too(addresses, first_names):
    buyer = replace(ORDER.buyer, addresses=addresses)

    assert [origin for origin, _value in found(order(buyer=buyer), "fn")] == first_names


def test_what_stands_in_an_address_is_read_by_its_own_country():
    addresses = (
        replace(BILLING, country="US", postcode="90210-1234", phone="(650) 555-1212"),
        replace(BILLING, origin="shipping", postcode="75015"),
        Address(origin="customer", phone="06 12 34 56 79", postcode="10115"),
    )
    of = order(buyer=replace(ORDER.buyer, addresses=addresses))

    assert [value for _origin, value in found(of, "zp")] == [
        sha256("90210"),
        sha256("75015"),
        sha256("10115"),
    ]
    assert ("billing.phone", sha256("16505551212")) in found(of, "ph")
    assert ("shipping.phone", sha256("33612345678")) in found(of, "ph")


@pytest.mark.parametrize(
    ("country", "born"), [("US", "19970203"), ("FR", "19970302"), ("", "19970203")]
)
def test_a_birthday_is_read_month_first_only_where_people_write_it_so(country, born):
    buyer = Buyer(
        emails=quotes("zoe@example.com"),
        birth_dates=quotes("02/03/1997"),
        addresses=(Address(origin="billing", country=country, city="Springfield"),),
    )

    ((_place, value),) = found(order(buyer=buyer), "db")

    assert value == sha256(born)


def test_what_follows_a_childs_birthday_is_still_told():
    buyer = replace(ORDER.buyer, birth_dates=quotes("2015-05-05"), genders=quotes("f"))

    keys = [finding.key for finding in identify(order(buyer=buyer), now=NOW) if finding.value]

    assert "db" not in keys
    assert {"ge", "fn", "external_id"} <= set(keys)


@pytest.mark.parametrize(
    ("fbp", "told"),
    [
        (f"fb.1.{int(NOW.timestamp() * 1000)}.1098115397", True),
        (f"fb.1.{int(NOW.timestamp() * 1000) + 1}.1098115397", False),
        ("fb.1.1262304000000.1098115397", True),
        ("fb.1.1262303999999.1098115397", False),
    ],
)
def test_a_browser_id_is_from_between_the_first_pixel_and_now(fbp, told):
    ((_origin, value),) = found(visited(fbps=quotes(fbp)), "fbp")

    assert (value == fbp) == told


def test_a_click_may_be_as_long_as_a_browser_keeps_it_and_no_longer():
    start = f"fb.1.{MILLISECONDS}."
    longest = start + "x" * (500 - len(start))

    ((_, kept),) = found(visited(fbcs=quotes(longest), clicks=()), "fbc")
    ((_, refused),) = found(visited(fbcs=quotes(longest + "x"), clicks=()), "fbc")

    assert kept == longest
    assert refused != longest + "x"


@pytest.mark.parametrize("agent", ["  Mozilla/5.0 (X11) ", "Mozilla/5.0 (compatible; Stripe/1.0)"])
def test_a_browser_that_names_a_program_is_a_browser(agent):
    of = visited(user_agents=quotes(agent))

    assert found(of, "client_user_agent") == [("place 1", agent.strip())]
    assert found(of, "client_ip_address") == [("browser_ip", "203.0.113.9")]
