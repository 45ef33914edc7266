"""Consent: where the buyer is × what the order says × what the store asks for."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from purchases.consent import (
    Consent,
    ConsentError,
    Permission,
    Said,
    evidence,
    marketing,
    permission_of,
    read_consent,
)
from purchases.decision import Report, Skip, Wait, decide
from purchases.mapping import Rules
from purchases.meta.event import Storefront, build_purchase
from purchases.meta.payload import Field, encode, explain
from purchases.order import Address, Buyer, Order, Quote, Source, Standing, Visit

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SHOP = Storefront(key="lyon", url="https://boutique.example")
PAGE = "landing page or store address → without query"
OURS = "_capi_consent_marketing"

FULL, LIMITED, AWAITED, REFUSED = Permission
YES, NO, NOTHING, NOT_GIVEN = "granted", "denied", "", "not_given"
OUT_OF = {"EEA": "US", "GB": "FR", "US-CA": "DE"}
IN = {"EEA": ("FR", ""), "GB": ("GB", ""), "US-CA": ("US", "California")}


def an_order(country: str = "", region: str = "", **changes: object) -> Order:
    addresses = (Address(origin="billing", country=country, region=region),) if country else ()
    order = Order(
        platform="shopify",
        shop_order_id="1001",
        name="#1001",
        standing=Standing.PAID,
        status="paid",
        source=Source.WEB,
        placed_at=NOW,
        entered_at=NOW,
        updated_at=NOW,
        currency="EUR",
        total=Decimal("59.00"),
        subtotal=Decimal("59.00"),
        buyer=Buyer(emails=(Quote(text="zoe@example.com", origin="email"),), addresses=addresses),
        visit=Visit(ips=(Quote(text="85.10.20.30", origin="ip"),)),
    )
    return replace(order, **changes)


def saying(order: Order, **attributes: str) -> Order:
    return replace(order, attributes=tuple(attributes.items()))


# policy, where the buyer is seen from the regions, what the order says: what may be done.
TABLE = {
    ("required", "inside", YES): FULL,
    ("required", "inside", NO): REFUSED,
    ("required", "inside", NOTHING): AWAITED,
    ("required", "inside", NOT_GIVEN): AWAITED,
    ("required", "nowhere", YES): FULL,
    ("required", "nowhere", NO): REFUSED,
    ("required", "nowhere", NOTHING): AWAITED,
    ("required", "nowhere", NOT_GIVEN): AWAITED,
    ("required", "outside", YES): FULL,
    ("required", "outside", NO): REFUSED,
    ("required", "outside", NOTHING): FULL,
    ("required", "outside", NOT_GIVEN): REFUSED,
    ("unless_refused", "inside", YES): FULL,
    ("unless_refused", "inside", NO): REFUSED,
    ("unless_refused", "inside", NOTHING): FULL,
    ("unless_refused", "inside", NOT_GIVEN): REFUSED,
    ("unless_refused", "nowhere", YES): FULL,
    ("unless_refused", "nowhere", NO): REFUSED,
    ("unless_refused", "nowhere", NOTHING): FULL,
    ("unless_refused", "nowhere", NOT_GIVEN): REFUSED,
    ("unless_refused", "outside", YES): FULL,
    ("unless_refused", "outside", NO): REFUSED,
    ("unless_refused", "outside", NOTHING): FULL,
    ("unless_refused", "outside", NOT_GIVEN): REFUSED,
    ("limited", "inside", YES): FULL,
    ("limited", "inside", NO): LIMITED,
    ("limited", "inside", NOTHING): LIMITED,
    ("limited", "inside", NOT_GIVEN): LIMITED,
    ("limited", "nowhere", YES): FULL,
    ("limited", "nowhere", NO): LIMITED,
    ("limited", "nowhere", NOTHING): LIMITED,
    ("limited", "nowhere", NOT_GIVEN): LIMITED,
    ("limited", "outside", YES): FULL,
    ("limited", "outside", NO): REFUSED,
    ("limited", "outside", NOTHING): FULL,
    ("limited", "outside", NOT_GIVEN): REFUSED,
}


@pytest.mark.parametrize("region", ["EEA", "GB", "US-CA"])
@pytest.mark.parametrize(("cell", "permission"), TABLE.items(), ids="-".join)
def test_the_table_of_policy_place_and_evidence(
    cell: tuple[str, str, str], permission: Permission, region: str
) -> None:
    policy, place, said = cell
    country, state = {"inside": IN[region], "nowhere": ("", ""), "outside": (OUT_OF[region], "")}[
        place
    ]
    order = an_order(country, state)
    if said:
        order = saying(order, **{OURS: said})

    assert permission_of(order, Consent(policy=policy, regions=(region,))) is permission


@pytest.mark.parametrize("said", [YES, NO, NOTHING])
def test_a_store_without_a_policy_has_not_asked_us_to_look(said: str) -> None:
    assert permission_of(saying(an_order("FR"), **{OURS: said}), None) is FULL


def test_without_regions_a_policy_holds_everywhere() -> None:
    assert permission_of(an_order("JP"), Consent(policy="required")) is AWAITED


def test_a_buyer_with_an_address_in_a_region_is_in_it() -> None:
    order = an_order("US")
    shipping = Address(origin="shipping", country="France")
    order = replace(order, buyer=replace(order.buyer, addresses=(*order.buyer.addresses, shipping)))

    assert permission_of(order, Consent(policy="required", regions=("EEA",))) is AWAITED


def test_an_address_without_its_state_may_be_in_any() -> None:
    californian = Consent(policy="required", regions=("US-CA",))

    assert permission_of(an_order("US"), californian) is AWAITED
    assert permission_of(an_order("US", "NY"), californian) is FULL


@pytest.mark.parametrize("policy", ["required", "unless_refused", "limited"])
def test_who_lets_nobody_share_their_data_is_told_of_with_limits(policy: str) -> None:
    order = saying(an_order("US", "CA"), **{OURS: YES, "_capi_consent_sale_of_data": "denied"})

    assert permission_of(order, Consent(policy=policy)) is LIMITED


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        (OURS, "granted", Said.YES),
        (OURS, " Denied ", Said.NO),
        (OURS, "perhaps", Said.NOTHING),
        (OURS, "", Said.NOTHING),
        ("wp_consent_marketing", "allow", Said.YES),
        ("_wp_consent_marketing", "deny", Said.NO),
        ("cmplz_marketing", "allow", Said.YES),
        ("_cmplz_marketing", "deny", Said.NO),
        ("cookieyes-consent", "consentid:x,consent:yes,action:yes,advertisement:yes", Said.YES),
        ("cookieyes-consent", "consentid:x,consent:yes,action:yes,advertisement:no", Said.NO),
        ("cookieyes-consent", "consentid:x,consent:no,action:,advertisement:no", Said.NOTHING),
        ("_cookieyes-consent", "action%3Ayes", Said.NOTHING),
        ("buyer_accepts_marketing", "true", Said.NOTHING),
    ],
)
def test_each_plug_ins_answer_is_read(key: str, text: str, said: Said) -> None:
    assert marketing(saying(an_order(), **{key: text})) is said


def test_of_two_that_disagree_the_refusal_counts() -> None:
    assert marketing(saying(an_order(), cmplz_marketing="allow", **{OURS: "denied"})) is Said.NO


def test_of_one_key_the_last_word_counts() -> None:
    order = replace(an_order(), attributes=((OURS, "denied"), (OURS, "granted")))

    assert marketing(order) is Said.YES


@pytest.mark.parametrize(
    ("said", "decision"),
    [(YES, Report()), (NO, Skip(reason="consent_refused")), (NOTHING, Wait(reason="consent"))],
)
def test_an_order_that_is_due_goes_waits_or_ends_by_it(said: str, decision: object) -> None:
    rules = Rules(consent=Consent(policy="required", regions=("EEA",)))

    assert decide(saying(an_order("FR"), **{OURS: said}), rules=rules, now=NOW) == decision


def test_an_unpaid_order_waits_for_its_payment_first() -> None:
    rules = Rules(consent=Consent(policy="required"))

    assert decide(an_order("FR", standing=Standing.PLACED), rules=rules, now=NOW) == Wait(
        reason="payment"
    )


def test_other_events_than_the_purchase_ask_for_it_too() -> None:
    rules = Rules(event="OrderCancelled", trigger="cancelled", consent=Consent(policy="required"))
    order = an_order("FR", standing=Standing.CANCELLED)

    assert decide(order, rules=rules, now=NOW) == Wait(reason="consent")


@pytest.mark.parametrize(
    ("country", "region", "told"),
    [
        ("US", "CA", (1, 1000)),
        ("US", "Colorado", (1, 1001)),
        ("US", "CT", (1, 1002)),
        ("US", "FL", (1, 1003)),
        ("US", "US-OR", (1, 1004)),
        ("US", "TX", (1, 1005)),
        ("US", "MT", (1, 1006)),
        ("US", "DE", (1, 1007)),
        ("US", "NE", (1, 1008)),
        ("US", "New Hampshire", (1, 1009)),
        ("US", "NJ", (1, 1010)),
        ("US", "MN", (1, 1011)),
        ("US", "MD", (1, 1012)),
        ("US", "RI", (1, 1013)),
        ("US", "NY", (1, 0)),
        ("US", "", (1, 0)),
        ("FR", "", (0, 0)),
        ("", "", (0, 0)),
    ],
)
def test_limited_data_use_names_country_and_state(
    country: str, region: str, told: tuple[int, int]
) -> None:
    rules = Rules(consent=Consent(policy="limited"))

    event = build_purchase(an_order(country, region), rules=rules, storefront=SHOP, now=NOW)

    assert not isinstance(event, Skip)
    sent = json.loads(encode(event))
    assert sent["data_processing_options"] == ["LDU"]
    limits = ("data_processing_options_country", "data_processing_options_state")
    assert tuple(sent[key] for key in limits) == told
    country_told, state_told = map(str, told)
    origins = ("consent → limited data use", "address → country", "address → state")
    assert explain(event)[4:8] == (
        Field(path="event_source_url", value=SHOP.url + "/", origin=PAGE),
        Field(path="data_processing_options[0]", value="LDU", origin=origins[0]),
        Field(path=limits[0], value=country_told, origin=origins[1]),
        Field(path=limits[1], value=state_told, origin=origins[2]),
    )


def test_without_a_limit_nothing_is_said_of_one() -> None:
    event = build_purchase(an_order("FR"), rules=Rules(), storefront=SHOP, now=NOW)

    assert not isinstance(event, Skip)
    assert b"data_processing" not in encode(event)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "policy"),
        ({"policy": "always"}, "policy"),
        ({"policy": "required", "regions": ["Europe"]}, "regions"),
        ({"policy": "required", "regions": "EEA"}, "regions"),
        ({"policy": "required", "evidence": "cookies"}, "evidence"),
        ({"policy": "required", "region": ["EEA"]}, "region"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_named(settings: dict[str, object], key: str) -> None:
    with pytest.raises(ConsentError) as error:
        read_consent(settings)

    assert error.value.key == key


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({}, ""),
        ({"_fbp": "fb.1.1.1"}, ""),
        (
            {"cmplz_marketing": "allow", OURS: "granted"},
            "_capi_consent_marketing: granted; cmplz_marketing: allow",
        ),
        (
            {"cookieyes-consent": "consentid:Zm9v,consent:no,action:yes,advertisement:no"},
            "cookieyes-consent: advertisement:no",
        ),
        (
            {"_capi_consent_said": "2026-11-27T09:00:00Z cmplz_marketing"},
            "_capi_consent_said: 2026-11-27T09:00:00Z cmplz_marketing",
        ),
        ({OURS: "<b>zoe@example.com</b>"}, "_capi_consent_marketing: b zoe example.com b"),
        ({OURS: "x" * 600}, "_capi_consent_marketing: " + "x" * 100),
    ],
)  # fmt: skip
def test_the_proof_is_in_the_words_of_those_who_asked_and_names_nobody(
    attributes: dict[str, str], said: str
) -> None:
    assert evidence(saying(an_order(), **attributes)) == said
