"""From the bytes of a POST to a batch of events, in every shape Meta accepts.

https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api
"""

import re
from collections.abc import Mapping
from email import message_from_bytes
from urllib.parse import parse_qs

import msgspec

from sandbox.graph.errors import Refusal

MOST_EVENTS = 1000
INDEXED_EVENT = re.compile(r"data\[(\d+)\]")


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What one request asks to store: events not yet looked at, and two words about the sender."""

    events: tuple[object, ...]
    test_event_code: str | None
    partner_agent: str | None


def read_fields(body: bytes, *, content_type: str) -> dict[str, object] | None:
    """The top-level fields of a JSON, form or multipart body; None if it is none of them."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _read_form(body)
    if kind == "multipart/form-data":
        return _read_multipart(body, content_type=content_type)
    fields = _decode(body)
    return fields if isinstance(fields, dict) else None


def read_batch(fields: Mapping[str, object] | None) -> Batch:
    """Checks 6 and 7: a list of 1 to 1,000 events. Raises Refusal naming what is wrong."""
    if fields is None:
        raise Refusal("parameter", detail="param \"$['data']\" cannot be parsed", simulated=True)
    return Batch(
        events=tuple(_read_event(event) for event in _read_data(fields)),
        test_event_code=_text(fields, "test_event_code"),
        partner_agent=_text(fields, "partner_agent"),
    )


def _read_data(fields: Mapping[str, object]) -> list[object]:
    data = fields.get("data")
    if data is None:
        raise Refusal("invalid", detail="The parameter data is required")
    if isinstance(data, str):
        data = _decode(data.encode())
    if not isinstance(data, list):
        raise Refusal("invalid", detail="Param data must be an array.")
    if not 1 <= len(data) <= MOST_EVENTS:
        raise Refusal("invalid", detail=f"Param data must hold 1 to {MOST_EVENTS} events.")
    return data


def _read_event(event: object) -> object:
    """Meta's own SDK sends every event as a JSON string inside the list."""
    return _decode(event.encode()) if isinstance(event, str) else event


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    raise Refusal("invalid", detail=f"Param {name} must be a string.")


def _read_form(body: bytes) -> dict[str, object]:
    pairs = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return _gather({name: values[-1] for name, values in pairs.items()})


def _read_multipart(body: bytes, *, content_type: str) -> dict[str, object]:
    form = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    found: dict[str, str] = {}
    for part in form.get_payload() if form.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr] # parts of a multipart are messages
        content = part.get_payload(decode=True)  # type: ignore[union-attr] # as above
        if isinstance(name, str) and isinstance(content, bytes):
            found[name] = content.decode(errors="replace")
    return _gather(found)


def _gather(pairs: Mapping[str, str]) -> dict[str, object]:
    """Form fields as they are, with `data[0]=…&data[1]=…` put together into one list."""
    indexed: dict[int, object] = {}
    fields: dict[str, object] = {}
    for name, value in pairs.items():
        if match := INDEXED_EVENT.fullmatch(name):
            indexed[int(match[1])] = value
        else:
            fields[name] = value
    if indexed:
        fields["data"] = [indexed[index] for index in sorted(indexed)]
    return fields


def _decode(text: bytes) -> object:
    """The JSON value, or None: strict JSON has no NaN, and no list a thousand levels deep."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
