"""The chain itself: pure, so that who has no access to us can check it with forty lines of their own.

An entry's hash is SHA-256 over the hash before it and its text. A head that is signed (Ed25519) vouches
for all entries up to it. The file of an export holds a JSON document on each line: first what it is and
the public key, then the entries, and a signature after the entry that it signs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

FORMAT = "connector-audit-1"
START = "0" * 64  # before the first entry


class Head(Struct, frozen=True, kw_only=True):
    """The first line: whose chain it is, the key that signs it, and the hash before its first entry."""

    format: str
    workspace: str
    public_key: str
    begins_after: int
    hash: str


class Line(Struct, frozen=True, kw_only=True):
    """Any other line: an entry with its `text`, or the `signature` of the entry before."""

    number: int
    hash: str
    text: str = ""
    signature: str = ""
    signed_at: str = ""


class Verified(Struct, frozen=True, kw_only=True):
    """What a chain that holds says."""

    workspace: str
    public_key: str
    entries: int
    head: str
    signatures: int
    signed_up_to: int  # entries beyond it are chained, and not vouched for yet


class Broken(Exception):
    """The chain does not hold; the message names the line and what is wrong with it."""


def text_of(fields: Any) -> str:
    """An entry's text: JSON with its keys in order, the same for the same fields."""
    return msgspec.json.encode(fields, order="sorted").decode()


def link(before: str, text: str) -> str:
    """The hash of an entry with this text, after the one with the hash `before`."""
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


def signed_text(*, workspace: str, number: int, digest: str, signed_at: str) -> bytes:
    """What a signature signs."""
    return f"{FORMAT}\n{workspace}\n{number}\n{digest}\n{signed_at}".encode()


def verify(lines: Iterable[bytes]) -> Verified:
    """Check a whole export, line by line. Raises Broken at the first that does not hold."""
    numbered = enumerate(lines, start=1)
    head = _read_head(numbered)
    number, digest = head.begins_after, head.hash
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(head.public_key))
    signatures = signed_up_to = 0
    for place, raw in numbered:
        line = _read(raw, Line, place)
        if line.signature:
            _check_signature(line, place, head=head, key=key, at=(number, digest))
            signatures, signed_up_to = signatures + 1, number
            continue
        if line.number != number + 1:
            raise Broken(f"Line {place}: entry {number + 1} is missing; {line.number} is here.")
        if line.hash != link(digest, line.text):
            raise Broken(
                f"Line {place}: entry {line.number} was changed, or what stands before it."
            )
        number, digest = line.number, line.hash
    return Verified(
        workspace=head.workspace,
        public_key=head.public_key,
        entries=number - head.begins_after,
        head=digest,
        signatures=signatures,
        signed_up_to=signed_up_to,
    )


def _read_head(numbered: Iterable[tuple[int, bytes]]) -> Head:
    for place, raw in numbered:
        head: Head = _read(raw, Head, place)
        if head.format != FORMAT or len(head.hash) != 64 or len(head.public_key) != 64:
            raise Broken(f"Line {place}: this is not an audit chain of the form {FORMAT}.")
        return head
    raise Broken("The file is empty.")


def _check_signature(
    line: Line, place: int, *, head: Head, key: Ed25519PublicKey, at: tuple[int, str]
) -> None:
    if (line.number, line.hash) != at:
        raise Broken(
            f"Line {place}: the signature is of entry {line.number}, and not of the one before it."
        )
    said = signed_text(
        workspace=head.workspace, number=line.number, digest=line.hash, signed_at=line.signed_at
    )
    try:
        key.verify(bytes.fromhex(line.signature), said)
    except (InvalidSignature, ValueError):
        raise Broken(f"Line {place}: the signature of entry {line.number} is not valid.") from None


def _read(raw: bytes, kind: Any, place: int) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Broken(f"Line {place}: this is not a line of an audit chain.") from None
