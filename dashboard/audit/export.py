"""A workspace's chain as the lines of a file, which `audit_verify` checks offline."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dashboard.audit.chain import FORMAT, START, Head, Line
from dashboard.audit.sealing import public_key
from dashboard.models import AuditChain, AuditEntry, AuditSignature
from stores.models import Workspace


def export(workspace: Workspace, *, after: int = 0) -> Iterator[bytes]:
    """From the entry behind number `after` on, each signature behind what it signs."""
    before = AuditEntry.objects.filter(chain=workspace.pk, number=after).first()
    head = Head(
        format=FORMAT,
        workspace=workspace.slug,
        public_key=public_key(),
        begins_after=after if before else 0,
        hash=before.hash if before else START,
    )
    yield msgspec.json.encode(head)
    chain = AuditChain.objects.filter(pk=workspace.pk).first()
    if chain is None:
        return
    signed: dict[int, list[AuditSignature]] = {}
    for signature in AuditSignature.objects.filter(chain=chain).order_by("pk"):
        signed.setdefault(signature.number, []).append(signature)
    entries = AuditEntry.objects.filter(chain=chain, number__gt=head.begins_after).order_by(
        "number"
    )
    for entry in entries.iterator(chunk_size=5_000):
        yield msgspec.json.encode(Line(number=entry.number, hash=entry.hash, text=entry.text))
        for each in signed.get(entry.number, ()):
            yield msgspec.json.encode(
                Line(
                    number=each.number,
                    hash=each.hash,
                    signature=each.signature,
                    signed_at=each.signed_at.isoformat(),
                )
            )
