"""A fleet file is read whole, or refused with every problem and its line. No database."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from purchases.mapping import (
    CONTENT_ID,
    EVENT_ID,
    EVENT_NAME,
    HOLD,
    PREDICTED_LTV,
    ActionSource,
    AlsoSend,
    Customer,
    Extra,
    Rules,
    Unwanted,
    Whatsapp,
    read_rules,
)
from purchases.order import Sale, Source
from purchases.triggers import NO_PURCHASE, TRIGGER
from stores.fleet import file, mappings
from stores.fleet.document import FleetError
from stores.fleet.file import read_fleet
from stores.fleet.plan import differences, in_words, warnings
from stores.fleet.text import as_plain, as_yaml

ROOT = Path(__file__).parent.parent.parent
ENVIRON = {
    "ACME_TOKEN": "EAAtoken",
    "LYON_ADMIN_TOKEN": "shpat_secret",
    "KITCHEN_SECRET": "woo-secret",
    "KITCHEN_CK": "ck_1",
    "KITCHEN_CS": "cs_1",
}
EXAMPLE = (ROOT / "examples" / "fleet.yaml").read_bytes()


def read(text, **environ):
    content = text if isinstance(text, bytes) else text.encode()
    return read_fleet(content, environ=ENVIRON | environ, allow_private=False)


def problems(text, **environ):
    with pytest.raises(FleetError) as caught:
        read(text, **environ)
    return caught.value.problems


def a_file(*, pixel="", store="", mapping=""):
    """A sound file, with further lines for its pixel (line 6), store (12) or mapping (15)."""
    return f"""version: 1
workspace: {{slug: acme}}
pixels:
  - id: "1234567890123"
    access_token: ${{ACME_TOKEN}}
    {pixel}
stores:
  - key: kitchen
    platform: woocommerce
    url: https://kitchen.example
    webhook_secret: ${{KITCHEN_SECRET}}
    {store}
    mappings:
      - pixel: "1234567890123"
        {mapping}
"""


def test_the_example_is_read_with_its_secrets_from_the_environment():
    fleet = read(EXAMPLE)

    kitchen = fleet.stores["kitchen"]
    assert (fleet.slug, fleet.name) == ("acme", "Acme Agency")
    assert fleet.pixels["1234567890123"].access_token.value == "EAAtoken"
    assert fleet.pixels["1234567890123"].access_token.name == "ACME_TOKEN"
    assert fleet.stores["lyon"].address == "boutique-lyon.myshopify.com"
    assert kitchen.secrets["webhook_secret"].name == "KITCHEN_SECRET"
    assert kitchen.mappings[0].settings == {
        "when": {"country": ["FR", "BE"], "source": ["web"], "min_value": "10"},
        "event_id": "template:{shop}-{order_id}",
        "content_id": "sku",
        "when_tracked_elsewhere": "skip",
    }


def test_what_is_written_is_read_as_the_same_and_written_as_the_same():
    text = as_yaml(read(EXAMPLE))

    assert as_plain(read(text)) == as_plain(read(EXAMPLE))
    assert as_yaml(read(text)) == text


def test_a_trigger_by_payment_method_is_written_as_it_was_read():
    wanted = "trigger: {default: paid, Cash on delivery: 'status:shipped|delivered', bacs: created}"

    fleet = read(a_file(mapping=f"{wanted}\n        skip: []"))

    said = {
        "trigger": {
            "Cash on delivery": "status:shipped|delivered",
            "bacs": "created",
            "default": "paid",
        },
        "skip": [],
    }
    assert fleet.stores["kitchen"].mappings[0].settings == said
    assert read(as_yaml(fleet)).stores["kitchen"].mappings[0].settings == said
    assert list(fleet.stores["kitchen"].mappings[0].settings["trigger"]) == sorted(said["trigger"])


def test_where_orders_were_made_and_what_else_is_sent_is_written_as_it_was_read():
    wanted = """also_send: [net_revenue, delivery_category]
        predicted_ltv: meta:_ltv
        action_source: {draft: phone_call, admin: email}
        whatsapp: {without: [EEA, GB], page_id: 1234567890}"""

    fleet = read(a_file(mapping=wanted))

    said = {
        "also_send": ["net_revenue", "delivery_category"],
        "predicted_ltv": "meta:_ltv",
        "action_source": {"admin": "email", "draft": "phone_call"},
        "whatsapp": {"page_id": "1234567890", "without": ["EEA", "GB"]},
    }
    assert fleet.stores["kitchen"].mappings[0].settings == said
    assert read(as_yaml(fleet)).stores["kitchen"].mappings[0].settings == said
    assert as_yaml(read(as_yaml(fleet))) == as_yaml(fleet)


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ("whatsapp: {without: [EEA]}", "whatsapp.page_id: is missing"),
        ("whatsapp: {page_id: x1}", "whatsapp.page_id: must be the page's id: 5 to 20 digits"),
        (
            "whatsapp: {page_id: 1234567890, without: [Europe]}",
            "whatsapp.without: 'Europe' is not EEA or a two-letter country code (FR)",
        ),
        ("whatsapp: {page_id: 1234567890, only: [FR]}", "whatsapp.only: unknown key"),
        (
            "action_source: {draft: business_messaging}",
            "action_source.draft: 'business_messaging' is not one of email, website, phone_call,"
            " chat, physical_store, system_generated, other",
        ),
        (
            "action_source: {fax: other}",
            "action_source.fax: 'fax' is not one of web, app, pos, draft, admin, subscription, api,"
            " other",
        ),
        ("predicted_ltv: 300", "predicted_ltv: must be 2.5x, meta:KEY or attribute:NAME"),
        (
            "also_send: [status]",
            "also_send[0]: 'status' is not one of delivery_category, net_revenue",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_by_name(mapping, problem):
    assert problems(a_file(mapping=mapping)) == (f"stores[0].mappings[0].{problem} (line 15)",)


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (
            "trigger: refunded",
            "trigger: refunded is for an event of its own, such as event: Refund",
        ),
        (
            "value: margin\n        currency: presentment",
            "currency: costs are in the shop's currency: margin can only be too",
        ),
    ],
)
def test_settings_that_are_wrong_together_are_refused(mapping, problem):
    assert problems(a_file(mapping=mapping)) == (f"stores[0].mappings[0]: {problem} (line 14)",)


def test_a_refund_is_an_event_of_its_own():
    fleet = read(a_file(mapping="event: Refund\n        trigger: refunded"))

    assert fleet.stores["kitchen"].mappings[0].settings == {
        "event": "Refund",
        "trigger": "refunded",
    }


def test_no_secret_is_in_what_is_written():
    literal = EXAMPLE.replace(b"${ACME_TOKEN}", b"EAAliteral")

    text = as_yaml(read(literal))

    assert [secret for secret in (*ENVIRON.values(), "EAAliteral") if secret in text] == []
    assert "access_token: ${PIXEL_1234567890123_ACCESS_TOKEN}" in text


def test_an_id_without_quotes_keeps_its_zeros_and_norway_stays_a_country():
    text = a_file(mapping="when: {country: [NO]}").replace('"1234567890123"', "0123456789")

    fleet = read(text)

    assert list(fleet.pixels) == ["0123456789"]
    assert fleet.stores["kitchen"].mappings[0].settings == {"when": {"country": ["NO"]}}


@pytest.mark.parametrize(
    "event_id",
    [
        'template:"{shop}-{order_id}"',
        "'template:{shop}-{order_id}'",
        "\"template:'{shop}-{order_id}'\"",
    ],
)
def test_a_template_is_taken_with_and_without_its_quotes(event_id):
    fleet = read(a_file(mapping=f"event_id: {event_id}"))

    assert fleet.stores["kitchen"].mappings[0].settings == {
        "event_id": "template:{shop}-{order_id}"
    }


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "The file is empty."),
        (b"# only a comment\n", "The file is empty."),
        (b"- a\n", "The file must hold keys and values (version: 1 …), not a list or a text."),
        (b"hello", "The file must hold keys and values (version: 1 …), not a list or a text."),
        (b"a: b: c", "The file is not YAML: mapping values are not allowed here (line 1)."),
        (b"a: 1\n---\nb: 1", "The file is not YAML: but found another document (line 2)."),
        (b"a: 1\nb: \xff", "The file is not UTF-8 (line 2)."),
        (b"a: &x 1\nb: *x", "Anchors and aliases are not supported: use a template (line 1)."),
        (b"a: " + b"[" * 50 + b"]" * 50, "The file is nested too deeply (line 1)."),
        (b"a: " + b"[" * 600, "The file is not YAML (RecursionError)."),
        (b"#" * 2_000_001, "The file is larger than 2 MB."),
    ],
)
def test_what_is_no_fleet_file_is_refused_in_one_sentence(content, problem):
    assert problems(content) == (problem,)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (
            {"store": "webhok_secret: x"},
            "stores[0].webhok_secret: unknown key (line 12); did you mean webhook_secret?",
        ),
        (
            {"store": "consent: {policy: always}"},
            "stores[0].consent.policy: Invalid enum value 'always' (line 12)",
        ),
        (
            {"store": "consent: {regions: [EEA]}"},
            "stores[0].consent.policy: is missing (line 12)",
        ),
        (
            {"store": "browser: {wait: 181}"},
            "stores[0].browser.wait: must be 0 to 180 seconds (line 12)",
        ),
        (
            {"store": "browser: {wait: soon}"},
            "stores[0].browser.wait: must be 0 to 180 seconds (line 12)",
        ),
        (
            {"store": "consent: {policy: required, regions: [Europe]}"},
            "stores[0].consent.regions: 'Europe' is not EEA, a country (GB) or a state (US-CA)"
            " (line 12)",
        ),
        (
            {"pixel": "ambiguous_sends: never"},
            "pixels[0].ambiguous_sends: 'never' is not one of resend, hold (line 6)",
        ),
        (
            {"mapping": "when: {customer: old}"},
            "stores[0].mappings[0].when.customer: 'old' is not one of any, new, returning (line 15)",
        ),
        (
            {"mapping": "trigger: {cod: compleet}"},
            "stores[0].mappings[0].trigger.cod: 'compleet' is not one of created, paid, completed,"
            " status:NAME, tag:NAME (line 15)",
        ),
        (
            {"mapping": "trigger: {cod: completed, COD: paid}"},
            "stores[0].mappings[0].trigger: 'cod' is named twice (line 15)",
        ),
        (
            {"mapping": "trigger: {}"},
            "stores[0].mappings[0].trigger: names no payment method (line 15)",
        ),
        (
            {"mapping": "trigger: status:failed"},
            "stores[0].mappings[0].trigger: an order that is failed is no sale (line 15)",
        ),
        (
            {"mapping": "skip: [test, drafts]"},
            "stores[0].mappings[0].skip[1]: 'drafts' is not one of test, staff, imported,"
            " zero_value (line 15)",
        ),
        (
            {"mapping": "trigger: piad"},
            "stores[0].mappings[0].trigger: 'piad' is not one of created, paid, completed,"
            " status:NAME, tag:NAME (line 15)",
        ),
        (
            {"mapping": "when: {country: [FR, Norway]}"},
            "stores[0].mappings[0].when.country[1]: 'Norway' is not a two-letter country code (FR)"
            " (line 15)",
        ),
        (
            {"mapping": "when: {country: FR}"},
            "stores[0].mappings[0].when.country: must be a list (line 15)",
        ),
        (
            {"mapping": "when: {min_value: -1}"},
            "stores[0].mappings[0].when.min_value: must be an amount such as 10 or 19.90 (line 15)",
        ),
        (
            {"mapping": "enabled: yes"},
            "stores[0].mappings[0].enabled: must be true or false (line 15)",
        ),
        (
            {"mapping": "template: other"},
            "stores[0].mappings[0].template: there is no template 'other' in this file (line 15)",
        ),
        (
            {"store": "key: again"},
            "stores[0].key: given twice, first in line 8 (line 12)",
        ),
        (
            {"store": "consumer_key: ${NOT_SET}"},
            "stores[0].consumer_key: the environment variable NOT_SET is not set (line 12)",
        ),
        (
            {"store": "consumer_key: ${EMPTY}"},
            "stores[0].consumer_key: the environment variable EMPTY is empty (line 12)",
        ),
        (
            {"store": "consumer_key: ck_${ACME_TOKEN}"},
            "stores[0].consumer_key: a reference to a variable must be the whole value (line 12)",
        ),
        (
            {"store": "domain: a.myshopify.com"},
            "stores[0].domain: a woocommerce store has none (line 12)",
        ),
        ({"pixel": "name: true"}, "pixels[0].name: must be a text: put it into quotes (line 6)"),
    ],
)
def test_a_problem_names_its_place_and_line(more, problem):
    assert problems(a_file(**more), EMPTY="") == (problem,)


def test_all_problems_are_told_together_in_the_order_of_the_file():
    text = """version: 2
workspace: {slug: Acme!}
stores:
  - key: lyon
    platform: shopify
    domain: lyon.example
  - key: lyon
    platform: magento
"""

    assert problems(text) == (
        "version: must be 1 (line 1)",
        "workspace.slug: must be lower-case letters, digits, - and _, and not too long (line 2)",
        "stores[0].domain: must be the shop's permanent domain, such as name.myshopify.com (line 6)",
        "stores[1].key: 'lyon' is that of stores[0].key already (line 7)",
        "stores[1].platform: 'magento' is not one of shopify, woocommerce (line 8)",
    )


def test_what_a_variable_holds_is_in_no_problem():
    text = a_file(mapping="event_id: ${ACME_TOKEN}", store="name: ${KITCHEN_SECRET}")

    assert problems(text.replace("woocommerce", "${KITCHEN_CK}"), KITCHEN_CK="woo-ck") == (
        "stores[0].platform: ${KITCHEN_CK} is not one of shopify, woocommerce (line 9)",
        "stores[0].mappings[0].event_id: ${ACME_TOKEN} is not one of order_id, order_name,"
        " order_number, checkout_token, cart_token, order_key, meta:KEY, attribute:NAME, sha256:ID,"
        " md5:ID, template:TEXT (line 15)",
    )


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://kitchen.example", "must be https"),
        ("https://10.0.0.1", "is a private address: shops are reached over the internet"),
        ("https://[::1]", "is a private address: shops are reached over the internet"),
        ("https://127.1", "is a private address: shops are reached over the internet"),
        ("https://2130706433", "is a private address: shops are reached over the internet"),
        ("https://localhost", "is a private address: shops are reached over the internet"),
        ("https://shop.internal", "is a private address: shops are reached over the internet"),
        ("https://a:b@kitchen.example", "holds a user name or a password: leave them out"),
        ("https://kitchen.example/?a=1", "must end with its path: leave out what follows ? or #"),
        ("https://kitchen.example:99999", "is not an address such as https://shop.example"),
        ("https://küche.example", "has a host beyond ASCII: write it as its xn-- name"),
        ("kitchen.example", "is not an address such as https://shop.example"),
    ],
)
def test_a_store_lives_at_a_public_https_address(url, problem):
    text = a_file().replace("https://kitchen.example", f'"{url}"')

    assert problems(text) == (f"stores[0].url: {problem} (line 10)",)


def test_an_address_has_one_form_and_may_be_private_where_that_is_allowed():
    text = a_file().replace("https://kitchen.example", "HTTP://LocalHost:8080/shop/")

    fleet = read_fleet(text.encode(), environ=ENVIRON, allow_private=True)

    assert fleet.stores["kitchen"].address == "http://localhost:8080/shop"


def test_a_shop_is_one_store_only():
    twice = (
        EXAMPLE.replace(b"key: kitchen", b"key: kitchen2")
        + EXAMPLE[EXAMPLE.index(b"  - key: kitchen") :]
    )

    assert [re.sub(r"line \d+", "line N", problem) for problem in problems(twice)] == [
        "stores[2].url: 'https://kitchen.example' is that of stores[1].url already (line N)"
    ]


def test_stores_that_count_the_same_ids_at_one_pixel_are_warned_of():
    text = a_file().replace("stores:\n", "stores:\n" + a_store("oven"))

    fleet = read(text)

    assert warnings(None, fleet, kept=frozenset(), shopify_is_on=True) == [
        "stores kitchen, oven share pixel 1234567890123 and count their order_id by themselves: of"
        " two orders with the same one Meta would count one; use event_id:"
        ' template:"{shop}-{order_id}"'
    ]


@pytest.mark.parametrize(
    ("first", "second", "hidden"),
    [
        ("{}", "{country: [FR]}", True),
        ("{country: [FR, BE]}", "{country: [FR], min_value: 5}", True),
        ("{country: [FR]}", "{country: [FR, BE]}", False),
        ("{country: [FR]}", "{}", False),
        ("{min_value: 10}", "{min_value: 5}", False),
        ("{min_value: 5}", "{min_value: 10}", True),
        ("{source: [pos]}", "{source: [web]}", False),
    ],
)
def test_a_mapping_that_can_never_match_is_warned_of(first, second, hidden):
    more = f'when: {first}\n      - pixel: "1234567890123"\n        when: {second}'

    found = warnings(None, read(a_file(mapping=more)), kept=frozenset(), shopify_is_on=True)

    sentence = (
        "store kitchen: mappings[1] can never match, mappings[0] takes all its orders to the same"
        " pixel"
    )
    assert found == [sentence] * hidden


def test_shopify_stores_without_the_apps_secret_are_warned_of():
    assert warnings(None, read(EXAMPLE), kept=frozenset(), shopify_is_on=False) == [
        "SHOPIFY_API_SECRET is not set: deliveries of the Shopify stores are refused"
    ]


def test_a_difference_reads_like_a_sentence_and_holds_no_secret():
    before = read(EXAMPLE)
    after = read(EXAMPLE.replace(b"name: Boutique Lyon", b"name: Lyon"), ACME_TOKEN="EAAother")

    changes = differences(before, after, kept=frozenset())

    assert [in_words(change) for change in changes] == [
        "~ pixel 1234567890123: access_token (changed)",
        '~ store lyon: name "Boutique Lyon" → "Lyon"',
    ]


def test_the_schema_has_the_keys_and_words_of_the_reader():
    schema = json.loads((ROOT / "stores" / "fleet.schema.json").read_text())
    parts = schema["$defs"]
    of_store = ("consent", "browser_wait")
    rules = tuple(name for name in Rules.__struct_fields__ if name not in of_store)

    assert tuple(schema["properties"]) == file.FILE_KEYS
    assert tuple(schema["properties"]["workspace"]["properties"]) == file.WORKSPACE_KEYS
    assert tuple(parts["pixel"]["properties"]) == file.PIXEL_KEYS
    assert {name: tuple(parts[name]["properties"]) for name in file.STORE_KEYS} == file.STORE_KEYS
    assert tuple(parts["mapping"]["properties"]) == mappings.MAPPING_KEYS
    assert tuple(parts["template"]["properties"]) == mappings.RULE_KEYS == rules
    assert tuple(parts["when"]["properties"]) == mappings.WHEN_KEYS
    assert parts["when"]["properties"]["source"]["items"]["enum"] == list(Source)
    assert parts["pixel_id"]["pattern"] == f"^{file.PIXEL_ID.pattern}$"
    assert parts["key"]["pattern"] == f"^{file.SLUG.pattern}$"
    assert parts["event_id"]["pattern"] == f"^({EVENT_ID.pattern})$"
    assert parts["content_id"]["pattern"] == f"^({CONTENT_ID.pattern})$"
    assert parts["one_trigger"]["pattern"] == f"^({TRIGGER.pattern})$"
    assert parts["trigger"]["anyOf"][1]["enum"] == list(NO_PURCHASE)
    assert parts["when"]["properties"]["customer"]["enum"][:-1] == list(get_args(Customer))
    assert parts["skip"]["items"]["enum"] == list(get_args(Unwanted))
    assert parts["also_send"]["items"]["enum"] == list(get_args(AlsoSend))
    assert parts["predicted_ltv"]["pattern"] == f"^({PREDICTED_LTV.pattern})$"
    assert parts["action_source"]["propertyNames"]["enum"] == list(Source)
    assert parts["action_source"]["additionalProperties"]["enum"] == list(get_args(ActionSource))
    assert tuple(parts["whatsapp"]["properties"]) == mappings.WHATSAPP_KEYS
    assert parts["whatsapp"]["properties"]["without"]["default"] == list(
        Whatsapp(page_id="").without
    )
    assert parts["leave_out"]["items"]["enum"] == list(get_args(Extra))
    assert parts["when"]["properties"]["subscription"]["items"]["enum"] == list(Sale)
    assert parts["event"]["pattern"] == f"^{EVENT_NAME.pattern}$"
    assert parts["hold"]["pattern"] == f"^{HOLD.pattern}$"
    assert parts["skip"]["default"] == list(Rules().skip)


@pytest.mark.parametrize("key", ["value", "currency", "refunds", "when_tracked_elsewhere"])
def test_the_schema_lists_every_word_of_a_rule(key):
    schema = json.loads((ROOT / "stores" / "fleet.schema.json").read_text())
    words = [word for word in schema["$defs"][key]["enum"] if word]

    assert [getattr(read_rules({key: word}), key) for word in words] == words
    assert schema["$defs"][key]["default"] == getattr(Rules(), key)
    assert problems(a_file(mapping=f"{key}: x")) == (
        f"stores[0].mappings[0].{key}: 'x' is not one of {', '.join(words)} (line 15)",
    )


def a_store(key):
    return f"""  - key: {key}
    platform: woocommerce
    url: https://{key}.example
    webhook_secret: literal
    mappings:
      - pixel: "1234567890123"
"""
