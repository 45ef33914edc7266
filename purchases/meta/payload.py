"""A `PurchaseEvent` as the bytes that are posted, and what Meta would say to them before it is asked.

An event is encoded once, when it is recorded, and a request is those bytes joined: what was checked
and previewed is what is sent.
https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from purchases.meta.contents import Content
from purchases.meta.event import PurchaseEvent
from purchases.meta.user_data import Finding

MAX_EVENTS = 1_000  # in one request: Meta's own limit
# Of the events in one request, with the commas between them. Meta publishes no limit in bytes; a
# megabyte passes everywhere, and the rest of it is for the envelope and an appsecret_proof.
MAX_BODY_BYTES = 998_000

# Meta files events by the platform that sends them; the number is that of this shape of payload.
PARTNER_AGENT = "connector-1"

ONE_VALUE = frozenset(
    {"client_ip_address", "client_user_agent", "fbc", "fbp", "ctwa_clid", "page_id"}
)
EXTRAS = ("customer_segmentation", "delivery_category", "net_revenue", "predicted_ltv")
JSON = msgspec.json.Encoder(decimal_format="number", order=None)


class Field(Struct, frozen=True, kw_only=True):
    """One line of a preview: what stands at `path`, where it came from, and what to know about it."""

    path: str  # user_data.em[0]
    value: str  # as it is sent; "" for what is not
    origin: str  # billing.email → trimmed, lower case, sha256
    note: str = ""  # why it is not sent


def encode(event: PurchaseEvent) -> bytes:
    """The event as compact JSON: always the same bytes, money as numbers with all their decimals."""
    return JSON.encode(_as_json(event))


def request_body(
    payloads: Sequence[bytes], *, test_event_code: str = "", partner_agent: str = PARTNER_AGENT
) -> bytes:
    """The body of one POST for encoded events.

    With a `test_event_code` they show up in Test Events too; Meta counts them all the same.
    """
    parts = [b'{"data":[', b",".join(payloads), b'],"partner_agent":', JSON.encode(partner_agent)]
    if test_event_code:
        parts += [b',"test_event_code":', JSON.encode(test_event_code)]
    return b"".join([*parts, b"}"])


def take_batch(sizes: Iterable[int]) -> int:
    """How many of the first events fit into one request, by their sizes in bytes.

    At least one where there is one: whether an event is too big alone is for Meta to say.
    """
    taken = total = 0
    for size in sizes:
        total += size + 1
        if taken == MAX_EVENTS or (taken and total > MAX_BODY_BYTES):
            break
        taken += 1
    return taken


def explain(event: PurchaseEvent) -> tuple[Field, ...]:
    """Every value that is sent, in the order of the JSON, then what is not sent and why."""
    placed = "order.placed_at → Unix seconds"
    fields = [
        _field("event_name", event.event_name, "event"),
        _field("event_time", int(event.event_time.timestamp()), placed),
        _field("event_id", event.event_id, event.rules.event_id),
        _field("action_source", event.action_source, "order.source"),
    ]
    if event.event_source_url:
        page = "landing page or store address → without query"
        fields.append(_field("event_source_url", event.event_source_url, page))
    if event.messaging_channel:
        fields.append(_field("messaging_channel", event.messaging_channel, "whatsapp"))
    if event.limit:
        origin = "consent → limited data use"
        fields += [
            _field("data_processing_options[0]", "LDU", origin),
            _field("data_processing_options_country", event.limit.country, "address → country"),
            _field("data_processing_options_state", event.limit.state, "address → state"),
        ]
    return (*fields, *_explain_user_data(event), *_explain_custom_data(event), *_unsent(event))


def _as_json(event: PurchaseEvent) -> dict[str, Any]:
    json: dict[str, Any] = {
        "event_name": event.event_name,
        "event_time": int(event.event_time.timestamp()),
        "event_id": event.event_id,
        "action_source": event.action_source,
    }
    if event.event_source_url:
        json["event_source_url"] = event.event_source_url
    if event.messaging_channel:
        json["messaging_channel"] = event.messaging_channel
    if event.limit:
        json["data_processing_options"] = ["LDU"]
        json["data_processing_options_country"] = event.limit.country
        json["data_processing_options_state"] = event.limit.state
    json["user_data"] = _user_data(event.findings)
    json["custom_data"] = _custom_data(event)
    return json


def _user_data(findings: Iterable[Finding]) -> dict[str, str | list[str]]:
    user_data: dict[str, Any] = {}
    for finding in findings:
        if finding.dropped:
            continue
        if finding.key in ONE_VALUE:
            user_data[finding.key] = finding.value
        else:
            user_data.setdefault(finding.key, []).append(finding.value)
    return user_data


def _custom_data(event: PurchaseEvent) -> dict[str, Any]:
    custom = event.custom
    json: dict[str, Any] = {
        "value": custom.value,
        "currency": custom.currency,
        "order_id": custom.order_id,
    }
    if custom.contents:
        json["content_type"] = custom.content_type
        json["content_ids"] = _content_ids(custom.contents)
        json["contents"] = custom.contents
        json["num_items"] = _num_items(custom.contents)
    for key in EXTRAS:
        if (extra := getattr(custom, key)) not in ("", None):
            json[key] = extra
    return json


def _content_ids(contents: Iterable[Content]) -> list[str]:
    return list(dict.fromkeys([content.id for content in contents]))


def _num_items(contents: Iterable[Content]) -> int:
    return sum([content.quantity for content in contents])


def _explain_user_data(event: PurchaseEvent) -> Iterator[Field]:
    places: dict[str, int] = {}
    for finding in event.findings:
        if finding.dropped:
            continue
        path = f"user_data.{finding.key}"
        if finding.key not in ONE_VALUE:
            place = places[finding.key] = places.get(finding.key, -1) + 1
            path += f"[{place}]"
        yield _field(path, finding.value, f"{finding.origin} → {finding.steps}")


def _explain_custom_data(event: PurchaseEvent) -> Iterator[Field]:
    custom, rules = event.custom, event.rules
    yield _field("custom_data.value", custom.value, f"order {rules.value} → {custom.currency}")
    yield _field("custom_data.currency", custom.currency, "order.currency")
    yield _field("custom_data.order_id", custom.order_id, "order.id")
    for key, origin in (
        ("customer_segmentation", "customer.orders_count"),
        ("delivery_category", "shipping method"),
        ("net_revenue", "net less costs"),
        ("predicted_ltv", rules.predicted_ltv),
    ):
        if (extra := getattr(custom, key)) not in ("", None):
            yield _field(f"custom_data.{key}", extra, origin)
    if not custom.contents:
        return
    yield _field("custom_data.content_type", custom.content_type, rules.content_id)
    for place, content_id in enumerate(_content_ids(custom.contents)):
        yield _field(f"custom_data.content_ids[{place}]", content_id, f"line {rules.content_id}")
    for place, content in enumerate(custom.contents):
        path = f"custom_data.contents[{place}]"
        yield _field(f"{path}.id", content.id, f"line {rules.content_id}")
        yield _field(f"{path}.quantity", content.quantity, "line quantity → whole items")
        yield _field(f"{path}.item_price", content.item_price, "line total / quantity")
    yield _field("custom_data.num_items", _num_items(custom.contents), "sum of the quantities")


def _unsent(event: PurchaseEvent) -> Iterator[Field]:
    for finding in event.findings:
        if finding.dropped:
            path = f"user_data.{finding.key}"
            yield Field(path=path, value="", origin=finding.origin, note=finding.dropped)
    if "net_revenue" in event.rules.also_send and event.custom.net_revenue is None:
        yield Field(
            path="custom_data.net_revenue", value="", origin="net less costs", note="cost_missing"
        )


def _field(path: str, value: object, origin: str) -> Field:
    return Field(path=path, value=str(value), origin=origin)
