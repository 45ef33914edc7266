"""Check 8: what one event must be. Each refusal with the input that triggers it."""

import json
from typing import Any

import pytest
from graph_client import DAY, GONE, HOUR, NOW, PIXEL, numbers, post, purchase, sha256
from hypothesis import given
from hypothesis import strategies as st

from sandbox.graph.endpoints import Call, Visit
from sandbox.graph.rules import EVENT_KEYS
from sandbox.graph.settings import Settings
from sandbox.graph.user_data import KNOWN
from sandbox.graph.world import World
from sandbox.graph_api import GraphApi

MARY = sha256("mary@example.com")
WHATSAPP = {
    "action_source": "business_messaging",
    "messaging_channel": "whatsapp",
    "user_data": {"ctwa_clid": "ARA-click", "whatsapp_business_account_id": "77"},
}
EXTINFO = ["a2", "", "", "", "14.0", *[""] * 11]
APP = {"action_source": "app", "app_data": {"extinfo": EXTINFO}}

REFUSED_BY_META: list[tuple[str, dict[str, Any], int | None, str]] = [
    # name, changes, subcode, path of the field in the text for people ("" = not named)
    ("no event name", {"event_name": GONE}, 2804019, "['event_name']"),
    ("a blank event name", {"event_name": " "}, 2804019, "['event_name']"),
    ("no time", {"event_time": GONE}, 2804019, "['event_time']"),
    ("a time that is text", {"event_time": "yesterday"}, 2804019, "['event_time']"),
    ("a time with a fraction", {"event_time": NOW - 0.5}, 2804019, "['event_time']"),
    ("a time that is a boolean", {"event_time": True}, 2804019, "['event_time']"),
    ("a time in milliseconds", {"event_time": NOW * 1000}, 2804019, "['event_time']"),
    ("older than 7 days", {"event_time": NOW - 7 * DAY - 1}, 2804003, ""),
    (
        "older than 62 days in a store",
        {"event_time": NOW - 62 * DAY - 1, "action_source": "physical_store"},
        2804003,
        "",
    ),
    ("in the future", {"event_time": NOW + 61}, None, ""),
    ("no action source", {"action_source": GONE}, 2804019, "['action_source']"),
    ("an unknown action source", {"action_source": "web"}, 2804019, "['action_source']"),
    ("no user data", {"user_data": GONE}, 2804019, "['user_data']"),
    ("user data that is a list", {"user_data": []}, 2804019, "['user_data']"),
    ("empty user data", {"user_data": {}}, 2804050, ""),
    ("user data of blanks", {"user_data": {"em": [""], "ph": " ", "fn": None}}, 2804050, ""),
    ("only unknown user data", {"user_data": {"email": MARY}}, 2804050, ""),
    (
        "only geography",
        {"user_data": dict.fromkeys(("ct", "country", "st", "zp", "ge"), MARY)},
        2804050,
        "",
    ),
    ("only a browser", {"user_data": {"client_user_agent": "Mozilla"}}, 2804050, ""),
    ("only a birthday", {"user_data": {"db": MARY, "client_user_agent": "x"}}, 2804050, ""),
    ("only a first name", {"user_data": {"fn": MARY, "ge": MARY}}, 2804050, ""),
    ("only a last name", {"user_data": {"ln": MARY, "ge": MARY}}, 2804050, ""),
    ("an invalid lead id", {"user_data.lead_id": 123}, 2804036, ""),
    ("no custom data", {"custom_data": GONE}, 2804009, ""),
    ("no value", {"custom_data.value": GONE}, 2804009, ""),
    ("a value that is null", {"custom_data.value": None}, 2804009, ""),
    ("a value with a decimal comma", {"custom_data.value": "12,50"}, 2804009, ""),
    ("a value that is no number", {"custom_data.value": "NaN"}, 2804009, ""),
    ("no currency", {"custom_data.currency": GONE}, 2804010, ""),
    ("an empty currency", {"custom_data.currency": ""}, 2804010, ""),
    ("an unknown currency", {"custom_data.currency": "EURO"}, 2804019, "['currency']"),
    ("custom data that is text", {"custom_data": "value=1"}, 2804019, "['custom_data']"),
    ("an unexpected key", {"click_id": "x"}, 2804019, "[0]"),
    ("no messaging channel", WHATSAPP | {"messaging_channel": None}, 2804063, ""),
    ("no messaging event", WHATSAPP | {"event_name": "Lead"}, 2804066, ""),
    ("no ctwa_clid", WHATSAPP | {"user_data.ctwa_clid": GONE}, 2804087, ""),
    (
        "neither page nor account",
        WHATSAPP | {"user_data.whatsapp_business_account_id": GONE},
        2804116,
        "",
    ),
    ("another account", WHATSAPP | {"user_data.whatsapp_business_account_id": "5"}, 2804118, ""),
    (
        "a messenger event without a person",
        WHATSAPP | {"messaging_channel": "messenger", "user_data.page_id": "1"},
        2804019,
        "['page_scoped_user_id']",
    ),
    (
        "an instagram event without an account",
        WHATSAPP | {"messaging_channel": "instagram"},
        2804019,
        "['instagram_business_account_id']",
    ),
    ("an app event without app data", {"action_source": "app"}, 2804019, "['extinfo']"),
    (
        "an app event without an OS version",
        APP | {"app_data": {"extinfo": ["a2", *[""] * 15]}},
        2804043,
        "",
    ),
]

REFUSED_WHEN_STRICT: list[tuple[str, dict[str, Any], str]] = [
    # name, changes, what the warning says when lenient
    ("an e-mail in the clear", {"user_data.em": "mary@example.com"}, "not hashed"),
    ("a name in the clear", {"user_data.fn": ["Mary"]}, "not hashed"),
    ("an e-mail as external id", {"user_data.external_id": "m@example.com"}, "not hashed"),
    ("a hash in upper case", {"user_data.em": MARY.upper()}, "upper case"),
    ("a hash with a space", {"user_data.em": MARY + " "}, "spaces around"),
    ("an MD5", {"user_data.em": "9" * 32}, "else than SHA-256"),
    ("a SHA-1", {"user_data.em": "9" * 40}, "else than SHA-256"),
    ("an empty value beside a good one", {"user_data.em": [MARY, ""]}, "is empty"),
    ("a number", {"user_data.ph": 16505551212}, "string or a list"),
    ("the hash of nothing", {"user_data.em": [sha256("")]}, "hash of ''"),
    ("the hash of null", {"user_data.fn": [sha256("null")]}, "hash of 'null'"),
    ("the hash of undefined", {"user_data.fn": [sha256("undefined")]}, "hash of 'undefined'"),
    ("the hash of none", {"user_data.fn": [sha256("none")]}, "hash of 'none'"),
    ("a hashed IP address", {"user_data.client_ip_address": MARY}, "must not be hashed"),
    ("a hashed browser id", {"user_data.fbp": MARY}, "must not be hashed"),
    ("two IP addresses", {"user_data.client_ip_address": "8.8.8.8, 1.1.1.1"}, "one IPv4"),
    ("an IP address with a space", {"user_data.client_ip_address": " 8.8.8.8"}, "one IPv4"),
    ("an empty user agent", {"user_data.client_user_agent": ""}, "is empty"),
    ("a bare click id", {"user_data.fbc": "IwAR2F4"}, "must look like"),
    ("a click in seconds", {"user_data.fbc": f"fb.1.{NOW}.IwAR2"}, "no credible time"),
    (
        "a browser id from the future",
        {"user_data.fbp": f"fb.1.{(NOW + HOUR) * 1000}.1"},
        "credible",
    ),
    ("a browser id that is no number", {"user_data.fbp": f"fb.1.{NOW * 1000}.x"}, "look like"),
    ("a relative URL", {"event_source_url": "/thank-you"}, "absolute"),
    ("a broken URL", {"event_source_url": "https://[shop"}, "absolute"),
    ("a negative value", {"custom_data.value": -1}, "negative"),
    ("contents that are no list", {"custom_data.contents": {}}, "must be a list"),
    ("contents in broken JSON", {"custom_data.contents": "["}, "must be a list"),
    ("a content that is text", {"custom_data.contents": ["A-1"]}, "an object"),
    ("a content id that is a number", {"custom_data.contents.0.id": 7}, "non-empty string"),
    ("a content id that is empty", {"custom_data.contents.0.id": ""}, "non-empty string"),
    ("no quantity at all", {"custom_data.contents.0.quantity": 0}, "from 1"),
    ("half a quantity", {"custom_data.contents.0.quantity": 0.5}, "from 1"),
    ("an item price in words", {"custom_data.contents.0.item_price": "ten"}, "must be a number"),
    ("an unknown delivery", {"custom_data.contents.0.delivery_category": "drone"}, "none that"),
    ("content ids that are numbers", {"custom_data.content_ids": [1, 2]}, "list of strings"),
    ("an unknown content type", {"custom_data.content_type": "variant"}, "product_group"),
    ("an order id that is a number", {"custom_data.order_id": 1001}, "must be a string"),
    ("an unknown segment", {"custom_data.customer_segmentation": "vip"}, "none that"),
    ("an unknown option", {"data_processing_options": ["GDPR"]}, '["LDU"]'),
    ("an option that is no list", {"data_processing_options": "LDU"}, '["LDU"]'),
    (
        "LDU in an unknown country",
        {"data_processing_options": ["LDU"], "data_processing_options_country": 49},
        "0 or 1",
    ),
    (
        "LDU in an unknown state",
        {"data_processing_options": ["LDU"], "data_processing_options_state": 1014},
        "none that Meta",
    ),
    (
        "LDU in a country without a state",
        {"data_processing_options": ["LDU"], "data_processing_options_country": 1},
        "is required",
    ),
    (
        "LDU with neither state nor address",
        {"data_processing_options": ["LDU"], "user_data.client_ip_address": GONE},
        "is required",
    ),
    ("an opt-out that is a word", {"opt_out": "yes"}, "true or false"),
    ("an event id that is a number", {"event_id": 1001}, "a string"),
    ("an event id that is too long", {"event_id": "x" * 201}, "at most 200"),
    ("an e-mail in the URL", {"event_source_url": "https://s.example/?e=m%40x.example"}, "e-mail"),
    ("an e-mail in the referrer", {"referrer_url": "https://s.example/m@x.example"}, "e-mail"),
    ("an e-mail in a name", {"custom_data.content_name": "Gift for m@x.example"}, "e-mail"),
    ("an e-mail as order id", {"custom_data.order_id": "m@x.example"}, "e-mail"),
    (
        "a phone number in the URL",
        {"event_source_url": "https://s.example/?t=%2B33612345678"},
        "pho",
    ),
    ("a phone number in a name", {"custom_data.status": "call +33 6 12 34 56 78"}, "phone"),
    ("a card number", {"custom_data.note": "4111 1111 1111 1111"}, "card number"),
]

ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("exactly 7 days old", {"event_time": NOW - 7 * DAY}),
    ("60 seconds ahead", {"event_time": NOW + 60}),
    ("62 days old in a store", {"event_time": NOW - 62 * DAY, "action_source": "physical_store"}),
    ("one hash without a list", {"user_data.em": MARY}),
    ("a hash with the builder's appendix", {"user_data.em": MARY + ".AQICAQMC"}),
    ("a hash with the old appendix", {"user_data.em": MARY + ".Ag"}),
    ("an address with an appendix", {"user_data.client_ip_address": "8.8.8.8.AQICAQMC"}),
    ("IPv6", {"user_data.client_ip_address": "2a00:1450:4001:827::200e"}),
    ("first and last name", {"user_data": {"fn": MARY, "ln": MARY}}),
    ("an IP address and a browser", {"user_data": {"client_ip_address": "8.8.8.8", "ge": MARY}}),
    ("no user agent", {"user_data.client_user_agent": GONE}),
    ("a value in a string", {"custom_data.value": "25.50"}),
    ("a value of nothing", {"custom_data.value": 0}),
    ("a tiny value", {"custom_data.value": 1e-7}),
    ("a currency in lower case", {"custom_data.currency": "jpy"}),
    ("a custom event without custom data", {"event_name": "Refund", "custom_data": GONE}),
    ("keys of one's own", {"custom_data.colour": {"deep": ["blue"]}}),
    ("a long product id", {"custom_data.content_ids": ["4111111111111111"]}),
    ("a long number that is no card", {"custom_data.note": "4111 1111 1111 1112"}),
    ("a valid lead id", {"user_data.lead_id": 123456789012345}),
    ("an explicit no to LDU", {"data_processing_options": []}),
    (
        "complete LDU",
        {
            "data_processing_options": ["LDU"],
            "data_processing_options_country": 1,
            "data_processing_options_state": 1000,
        },
    ),
    ("a segment", {"custom_data.customer_segmentation": "new_customer_to_business"}),
    ("a whatsapp event", WHATSAPP),
    ("an app event", APP),
]

WARNED: list[tuple[str, dict[str, Any], str]] = [
    ("no user agent", {"user_data.client_user_agent": GONE}, "documented as required"),
    ("no page", {"event_source_url": GONE}, "documented as required"),
    ("the webhook as page", {"event_source_url": "https://hooks.app.example/x"}, "a webhook"),
    ("no event id", {"event_id": GONE}, "cannot be deduplicated"),
    ("an unknown key", {"user_data.click_id": "x"}, "no key Meta knows"),
    ("a null", {"user_data.ct": None}, "is null"),
    ("a raw external id", {"user_data.external_id": "customer-7"}, "Meta recommends"),
    ("a private address", {"user_data.client_ip_address": "10.0.0.1"}, "not a public"),
    ("Shopify's address", {"user_data.client_ip_address": "23.227.38.65"}, "a proxy"),
    ("contents as JSON", {"custom_data.contents": '[{"id":"A","quantity":1}]'}, "a JSON string"),
    ("a sum that differs", {"custom_data.value": 99}, "add up to 25.5"),
    ("no quantity", {"custom_data.contents.0.quantity": GONE}, "catalogue ads"),
]


def names(table: list[Any]) -> list[str]:
    return [row[0] for row in table]


@pytest.fixture
def linked(graph: GraphApi) -> GraphApi:
    """The stand-in with a WhatsApp account linked to the dataset."""
    graph.world.access.put_dataset(PIXEL, whatsapp_accounts=("77",))
    return graph


def test_the_event_that_all_tests_change_has_no_flaw(graph: GraphApi) -> None:
    response = post(graph, purchase())

    assert response.json()["events_received"] == 1
    assert response.json()["messages"] == []
    assert graph.events()[0].warnings == []


@pytest.mark.parametrize(
    ("changes", "subcode", "path"), [row[1:] for row in REFUSED_BY_META], ids=names(REFUSED_BY_META)
)
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
def test_meta_refuses(
    linked: GraphApi, strict: bool, changes: dict[str, Any], subcode: int | None, path: str
) -> None:
    linked.settings(strict=strict)

    response = post(linked, purchase(changes))

    assert numbers(response) == (400, 100, subcode)
    assert path in response.json()["error"].get("error_user_msg", "")
    assert linked.received == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [row[1:] for row in REFUSED_WHEN_STRICT],
    ids=names(REFUSED_WHEN_STRICT),
)
def test_strict_refuses_what_lenient_writes_down(
    graph: GraphApi, changes: dict[str, Any], says: str
) -> None:
    refused = post(graph, purchase(changes))
    graph.settings(strict=False)
    accepted = post(graph, purchase(changes))

    assert numbers(refused) == (400, 100, 2804019)
    assert says in graph.requests[0].detail
    assert graph.requests[0].simulated
    assert accepted.json()["events_received"] == 1
    assert [says in warning for warning in graph.events()[0].warnings].count(True) == 1


@pytest.mark.parametrize("changes", [row[1] for row in ACCEPTED], ids=names(ACCEPTED))
def test_strict_accepts(linked: GraphApi, changes: dict[str, Any]) -> None:
    response = post(linked, purchase(changes))

    assert response.json() == {
        "events_received": 1,
        "messages": [],
        "fbtrace_id": response.json()["fbtrace_id"],
    }


@pytest.mark.parametrize(("changes", "says"), [row[1:] for row in WARNED], ids=names(WARNED))
def test_what_is_only_unwise_is_written_down(
    graph: GraphApi, changes: dict[str, Any], says: str
) -> None:
    response = post(graph, purchase(changes))

    assert response.status_code == 200
    assert response.json()["messages"] == []
    assert any(says in warning for warning in graph.events()[0].warnings)


@pytest.mark.parametrize(
    ("key", "normalised", "digest"),
    [
        # Published by Meta, or given alike by its own libraries.
        (
            "em",
            "john_smith@gmail.com",
            "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
        ),
        ("ph", "16505551212", "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"),
        ("fn", "valéry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"),
        ("fn", "정", "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"),
        ("ct", "newyork", "350c754ba4d38897693aa077ef43072a859d23f613443133fecbbd90a3512ca5"),
        ("country", "us", "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"),
        (
            "external_id",
            "12345",
            "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5",
        ),
    ],
)
def test_the_published_hashes_are_accepted_and_belong_to_the_known_order(
    graph: GraphApi, key: str, normalised: str, digest: str
) -> None:
    graph.known_order(order_id="1001", normalised={key: [normalised]})

    right = post(graph, purchase({f"user_data.{key}": [digest]}))
    wrong = post(graph, purchase({f"user_data.{key}": [sha256(normalised + "x")]}))

    assert right.status_code == 200
    assert numbers(wrong) == (400, 100, 2804019)


@pytest.mark.parametrize("event", [None, 7, "{}x", []])
def test_an_event_that_is_no_object_is_refused_with_its_place(
    graph: GraphApi, event: object
) -> None:
    response = post(graph, purchase(), event)

    assert numbers(response) == (400, 100, 2804019)
    assert "$['data'][1]" in response.json()["error"]["error_user_msg"]


def test_a_time_in_a_string_passes_when_lenient(graph: GraphApi) -> None:
    refused = post(graph, purchase(event_time=str(NOW)))
    graph.settings(strict=False)
    accepted = post(graph, purchase(event_time=str(NOW)))

    assert numbers(refused) == (400, 100, 2804019)
    assert accepted.status_code == 200


def test_a_user_agent_can_be_demanded(graph: GraphApi) -> None:
    graph.settings(website_needs_user_agent=True)

    response = post(graph, purchase({"user_data.client_user_agent": GONE}))

    assert "['client_user_agent']" in response.json()["error"]["error_user_msg"]


def test_a_whatsapp_account_without_any_linked_is_refused(graph: GraphApi) -> None:
    assert numbers(post(graph, purchase(WHATSAPP))) == (400, 100, 2804132)


def test_a_hash_of_an_accepted_hash_is_recognised(graph: GraphApi) -> None:
    post(graph, purchase())

    response = post(graph, purchase({"event_id": "2", "user_data.em": [sha256(MARY)]}))

    assert numbers(response) == (400, 100, 2804019)
    assert "hashed twice" in graph.requests[1].detail


def test_a_click_id_whose_case_was_changed_is_recognised(graph: GraphApi) -> None:
    graph.known_order(order_id="1001", fbclid="IwAR2-Click")

    right = post(graph, purchase({"user_data.fbc": f"fb.1.{NOW * 1000}.IwAR2-Click"}))
    wrong = post(graph, purchase({"user_data.fbc": f"fb.1.{NOW * 1000}.iwar2-click"}))

    assert right.status_code == 200
    assert "case was changed" in wrong.json()["error"]["error_user_msg"]


@pytest.mark.parametrize(
    ("em", "says"),
    [
        (sha256("mary@example.com"), None),
        (sha256(" Mary@Example.com"), "without normalisation"),
        (sha256("bob@example.com"), "not the hash of the order's value"),
    ],
)
def test_a_known_order_shows_what_was_normalised_badly(
    graph: GraphApi, em: str, says: str | None
) -> None:
    graph.known_order(order_id="1001", user_data={"em": [" Mary@Example.com"]})

    response = post(graph, purchase({"user_data.em": [em]}))

    if says is None:
        assert response.status_code == 200
    else:
        assert says in response.json()["error"]["error_user_msg"]


def test_a_known_order_may_name_the_normal_form(graph: GraphApi) -> None:
    graph.known_order(
        order_id="1001", user_data={"ph": ["(650) 555-1212"]}, normalised={"ph": ["16505551212"]}
    )

    right = post(graph, purchase())
    wrong = post(graph, purchase({"user_data.ph": [sha256("6505551212")]}))

    assert right.status_code == 200
    assert numbers(wrong) == (400, 100, 2804019)


def test_a_known_order_shows_money_in_minor_units(graph: GraphApi) -> None:
    graph.known_order(order_id="1001", value="1200", currency="JPY")

    post(graph, purchase({"custom_data.value": 120000, "custom_data.currency": "JPY"}))

    assert any("minor units" in warning for warning in graph.events()[0].warnings)


def test_a_known_order_without_consent_or_with_ldu_is_watched(graph: GraphApi) -> None:
    graph.known_order(order_id="1001", consent=False)
    graph.known_order(order_id="1002", limited_data_use=True)

    refused = post(graph, purchase())
    without_ldu = post(graph, purchase({"event_id": "1002", "custom_data.order_id": "1002"}))

    assert "consented" in refused.json()["error"]["error_user_msg"]
    assert "must be LDU" in without_ldu.json()["error"]["error_user_msg"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        *sorted(EVENT_KEYS),
        *(f"user_data.{key}" for key in sorted(KNOWN)),
        *(f"custom_data.{key}" for key in ("value", "currency", "contents", "content_ids")),
        *(f"custom_data.{key}" for key in ("content_type", "order_id", "customer_segmentation")),
        *(f"custom_data.contents.0.{key}" for key in ("id", "quantity", "item_price")),
        "custom_data.contents.0.delivery_category",
    ]
)
CHANNEL = st.sampled_from(["website", "physical_store", "app", "business_messaging"])


@given(field=FIELDS, value=JSON, action_source=CHANNEL, strict=st.booleans())
def test_any_json_in_any_field_is_accepted_or_refused_but_breaks_nothing(
    field: str, value: object, action_source: str, strict: bool
) -> None:
    world = World(Settings(open=True, strict=strict))
    world.clock.set(now=NOW)
    call = Call(
        method="POST",
        path=f"/v26.0/{PIXEL}/events",
        query={"access_token": "any"},
        headers={"content-type": "application/json"},
    )
    event = purchase(
        {"messaging_channel": "whatsapp", "action_source": action_source, field: value}
    )

    reply = Visit(world, call).answer(json.dumps({"data": [event]}).encode())

    assert reply.status in (200, 400)
    assert len(world.books.events) == (reply.status == 200)
    assert world.books.summary()[PIXEL]["received"] == len(world.books.events)
