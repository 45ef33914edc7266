from datetime import timedelta
from typing import Any

import msgspec
import pytest
from known_order import NOW, PLACED, event, order

from purchases.meta.check import check
from purchases.meta.payload import encode
from purchases.order import Source

NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
BROAD = {"ct": ["0" * 64], "client_user_agent": "Mozilla/5.0"}


def changed(path: str, value: Any) -> bytes:
    """The known event with another value at `path`; without one where it is None."""
    json = msgspec.json.decode(encode(event()))
    *outer, key = path.split(".")
    inner = json
    for part in outer:
        inner = inner[part]
    inner[key] = value
    if value is None:
        del inner[key]
    return msgspec.json.encode(json)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("event_name", "", "malformed"),
        ("event_time", None, "malformed"),
        ("event_time", "1795262400", "malformed"),
        ("event_time", int(PLACED.timestamp() * 1000), "future_time"),
        ("event_time", int(NOW.timestamp()) + 1, "future_time"),
        ("event_time", int(NOW.timestamp()) - 7 * 86_400 - 1, "too_old"),
        ("event_time", int(NOW.timestamp()) - 7 * 86_400, ""),
        ("event_id", "", "malformed"),
        ("event_id", "x" * 201, "malformed"),
        ("action_source", "web", "malformed"),
        ("event_source_url", "boutique.example", "malformed"),
        ("event_source_url", "https://boutique.example/zoe@example.com", "malformed"),
        ("user_data", {}, "unmatchable"),
        ("user_data", BROAD, "unmatchable"),
        ("user_data.em", ["zoe@example.com"], "malformed"),
        ("user_data.em", ["A" * 64], "malformed"),
        ("user_data.em", ["0cbc6611f5540bd0809a388dc95a615b"], "malformed"),
        ("user_data.em", [], "malformed"),
        ("user_data.em", [NOTHING], "malformed"),
        ("user_data.email", ["0" * 64], "malformed"),
        ("user_data.client_ip_address", "8.8.8.8, 9.9.9.9", "malformed"),
        ("user_data.client_ip_address", "0" * 64, "malformed"),
        ("user_data.fbp", "1098115397", "malformed"),
        ("user_data.fbc", "IwAR0x", "malformed"),
        ("custom_data.value", None, "malformed"),
        ("custom_data.value", "42.50", "malformed"),
        ("custom_data.value", -1, "malformed"),
        ("custom_data.currency", None, "malformed"),
        ("custom_data.currency", "XXX", "unknown_currency"),
        ("custom_data.content_type", "products", "malformed"),
        ("custom_data.content_ids", [11], "malformed"),
        ("custom_data.content_ids", ["zoe@example.com"], "malformed"),
        ("custom_data.contents", [{"id": "1", "quantity": 0, "item_price": 1}], "malformed"),
        ("custom_data.contents", [{"id": "", "quantity": 1, "item_price": 1}], "malformed"),
        ("custom_data.order_id", 1001, "malformed"),
    ],
)
def test_what_meta_would_refuse_is_found_before_it_is_sent(path, value, reason):
    assert check(changed(path, value), now=NOW) == reason


def test_a_sale_in_a_store_may_be_62_days_old():
    payload = encode(event(order(source=Source.POS, placed_at=NOW - timedelta(days=61))))

    assert check(payload, now=NOW) == ""
    assert check(payload, now=NOW + timedelta(days=2)) == "too_old"


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b"{", b"\xff"])
def test_what_is_no_event_is_malformed(payload):
    assert check(payload, now=NOW) == "malformed"


def test_an_event_of_this_very_second_is_taken():
    assert check(changed("event_time", int(NOW.timestamp())), now=NOW) == ""


@pytest.mark.parametrize(
    ("channel", "click", "page", "reason"),
    [
        ("whatsapp", "ARAk-7f", "1234567890", ""),
        (None, "ARAk-7f", "1234567890", "malformed"),
        ("whatsapp", None, "1234567890", "malformed"),
        ("whatsapp", "ARAk-7f", None, "malformed"),
    ],
)
def test_a_chat_needs_its_channel_its_click_and_its_page(channel, click, page, reason):
    json = msgspec.json.decode(encode(event()))
    json["action_source"] = "business_messaging"
    told = {"ctwa_clid": click, "page_id": page}
    json["user_data"] |= {key: value for key, value in told.items() if value}
    if channel:
        json["messaging_channel"] = channel

    assert check(msgspec.json.encode(json), now=NOW) == reason


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ((["LDU"], 1, 1000), ""),
        ((["LDU"], 0, 0), ""),
        ((["LDU"], 1, None), "malformed"),
        ((["LDU"], None, 1000), "malformed"),
        ((None, 1, 1000), "malformed"),
        ((["LDU"], 2, 1000), "malformed"),
        ((["LDU"], 1, 1014), "malformed"),
        ((["GDPR"], 1, 1000), "malformed"),
        (([], 1, 1000), "malformed"),
    ],
)
def test_limited_data_use_is_said_whole_or_not_at_all(limits, reason):
    json = msgspec.json.decode(encode(event()))
    names = ("", "_country", "_state")
    for name, limit in zip(names, limits, strict=True):
        if limit is not None:
            json[f"data_processing_options{name}"] = limit

    assert check(msgspec.json.encode(json), now=NOW) == reason
