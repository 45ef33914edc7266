"""A delivery as it comes: its head, its signature, and its body in a shop's wire shape.

What cannot be read is named, never quoted: a body is somebody's order.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.json import Decoder

S = TypeVar("S", bound=Struct)

MOST_KEYS = 5_000  # of the body itself; an order has a hundred, and what plugins add
MANY_BYTES = 100_000  # which so many keys have at the least
# A \\u escape for one half of a pair, without the other.
HALF_A_CHARACTER = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_NAN = Decimal("NaN")


class DeliveryHead(Struct, frozen=True, kw_only=True):
    """What a delivery's headers say. None of it is signed: hints for routing, never for trust."""

    topic: str = ""  # as the platform spells it: "orders/paid", "order.updated"
    shop: str = ""  # Shopify: the shop's domain, lower case; WooCommerce: the source URL
    delivery_id: str = ""  # Shopify's webhook id; WooCommerce has none that is unique
    signature: bytes = b""  # base64, as sent
    api_version: str = ""
    triggered_at: str = ""


class NotAnOrder(Struct, frozen=True, kw_only=True):
    """An authentic delivery that carries no order, with the reason it is skipped for."""

    reason: str  # a slug of the closed list in docs/glossary.md


class UnreadableOrder(Exception):
    """The body cannot be read as an order. `reason` is a slug, `field` a path; never a value."""

    def __init__(self, reason: str, *, field: str = "", detail: str = "") -> None:
        super().__init__(f"{reason} at {field}" if field else reason)
        self.reason = reason
        self.field = field
        self.detail = detail  # what was expected; must not repeat what was sent


# Headers and signatures


def lower_names(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by their lower-case names, without the white space that HTTP allows around values."""
    return {name.lower(): value.strip(" \t") for name, value in headers.items()}


def signature_bytes(header: str) -> bytes:
    """A signature header as bytes, to be compared without an exception, whatever was sent.

    Servers hand headers over as Latin-1. What isn't becomes "?", which base64 has not.
    """
    return header.encode("latin-1", "replace")


def is_signed(body: bytes, *, signature: bytes, secrets: Iterable[str]) -> bool:
    """Whether `signature` is base64(HMAC-SHA256(secret, body)) for one of `secrets`.

    The texts are compared, in constant time, so that there is one spelling of a right answer. An
    empty secret signs for nobody: anyone could compute it.
    """
    return any(
        hmac.compare_digest(b64encode(hmac.digest(secret.encode(), body, "sha256")), signature)
        for secret in secrets
        if secret
    )


# From bytes to a wire shape


def decoder(shape: type[S]) -> Decoder[S]:
    """A decoder whose numbers never pass through a float."""
    return Decoder(shape, float_hook=_number)


def decode(body: bytes, shape: Decoder[S]) -> S:
    """The body in its wire shape. Raises UnreadableOrder for whatever isn't one JSON object."""
    try:
        body.decode()  # all of it: the decoder does not look into the strings that it skips
    except UnicodeDecodeError:
        # Not chained: the error carries the whole body, which must not reach a traceback.
        raise UnreadableOrder("undecodable", detail="UTF-8") from None
    body = body.removeprefix(BOM_UTF8)
    if len(body) > MANY_BYTES and _keys(body) > MOST_KEYS:
        raise UnreadableOrder("too_many_keys")
    try:
        return _decode(body, shape)
    except UnreadableOrder:
        # JSON allows half a character, as a form cuts one off; no order is lost for it.
        if (mended := HALF_A_CHARACTER.sub(rb"\\ufffd", body)) == body:
            raise
        return _decode(mended, shape)


def _keys(body: bytes) -> int:
    """How many keys the JSON object in `body` has; 0 for anything else."""
    try:
        return len(msgspec.json.decode(body, type=dict[str, msgspec.Raw]))
    except (msgspec.DecodeError, RecursionError):
        return 0


def _decode(body: bytes, shape: Decoder[S]) -> S:
    try:
        return shape.decode(body)
    except RecursionError as error:
        raise UnreadableOrder("too_deep") from error
    except msgspec.ValidationError as error:
        # A wire shape takes any value; what is left are the outermost value and endless numbers.
        reason = "not_json" if "out of range" in str(error) else "not_an_object"
        raise UnreadableOrder(reason) from error
    except msgspec.DecodeError as error:
        raise UnreadableOrder("not_json") from error


def is_bare(body: bytes, *names: str) -> bool:
    """Whether the JSON object in `body` is a short one that has no keys but `names`."""
    if len(body) > 300:  # and so never deep enough to raise
        return False
    try:
        keys = msgspec.json.decode(body.removeprefix(BOM_UTF8), type=dict[str, msgspec.Raw]).keys()
    except msgspec.DecodeError:  # half a character: read after all, and not bare
        return False
    return keys <= set(names)


def _number(literal: str) -> Decimal:
    try:
        return Decimal(literal)
    except InvalidOperation:  # an exponent beyond what Decimal can hold
        return _NAN
