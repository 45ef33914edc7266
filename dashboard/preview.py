"""What would be posted for an order, as a page shows it: as the preview tells, the IP masked."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from conversions.report import Row
from purchases.meta.payload import Field
from purchases.value import Step
from shop_webhooks.preview import PixelPreview

IP = ("user_data.client_ip_address", '"client_ip_address":')
HIDDEN = "…"
LAST_PART = re.compile(r"[.:][0-9a-fA-F]*$")


class Shown(Struct, frozen=True, kw_only=True):
    """A preview for one dataset. `text` is "" where nothing would be sent."""

    pixel_id: str
    mapping: int
    state: str
    reason: str
    steps: Sequence[Step]
    sent: Sequence[Field]
    left_out: Sequence[Field]  # each with a note that says why
    text: str
    ledger: Row | None


def shown(preview: PixelPreview, *, personal: bool) -> Shown:
    """The preview for a page: with `personal`, hashes and ids are as they are sent; else only that there
    are some."""
    mask_field = _masked if personal else _hidden
    fields = [mask_field(field) for field in preview.fields]
    return Shown(
        pixel_id=preview.pixel_id,
        mapping=preview.mapping,
        state=preview.state,
        reason=preview.reason,
        steps=preview.value,
        sent=[field for field in fields if field.value],
        left_out=[field for field in fields if not field.value],
        text=_text(bytes(preview.body), personal=personal) if fields else "",
        ledger=preview.ledger,
    )


def _text(body: bytes, *, personal: bool) -> str:
    if not personal:
        told = msgspec.json.decode(body)
        for event in told["data"]:
            event["user_data"] = dict.fromkeys(event.get("user_data", {}), HIDDEN)
        body = msgspec.json.encode(told)
    lines = msgspec.json.format(body).decode().splitlines()
    return "\n".join(_mask(line) if IP[1] in line else line for line in lines)


def _hidden(field: Field) -> Field:
    if not field.value or not field.path.startswith("user_data."):
        return field
    return msgspec.structs.replace(field, value=HIDDEN)


def _masked(field: Field) -> Field:
    if field.path != IP[0]:
        return field
    return msgspec.structs.replace(field, value=mask(field.value))


def _mask(line: str) -> str:
    name, _, rest = line.partition(IP[1])
    return f'{name}{IP[1]} "{mask(rest.strip(" ,").strip(chr(34)))}"{"," if rest.endswith(",") else ""}'


def mask(ip: str) -> str:
    """`203.0.113.…`: the address without its last part."""
    return LAST_PART.sub(lambda found: f"{found[0][0]}…", ip)
