"""Appends what has happened to the chains, and signs their heads once a day, if they hold.

The rows that are read were written by triggers, with the change itself; here they only get their place.
A row with a lower number may be committed after one with a higher: what is younger than a transaction
may last is left for the next time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction
from django.db.models import Q

from dashboard.audit.chain import START, link, signed_text, text_of
from dashboard.models import AuditChain, AuditCursor, AuditEntry, AuditKey, AuditSignature
from stores.acting import ACCESS, LOGIN
from stores.models import ConfigChange, Workspace
from stores.sql import rows

log = structlog.get_logger(__name__)

SETTLES_IN = timedelta(minutes=5)
AT_ONCE = 5_000
SIGNED_EVERY = timedelta(days=1)

ENDS = """
SELECT step.id, store.workspace_id, step.at, store.key, event.order_id, pixel.pixel_id,
       event.event_name, event.event_id, step.state, step.reason, event.value, event.currency,
       event.fbtrace_id, step.config_version, step.actor
FROM conversions_eventtransition AS step
JOIN conversions_conversionevent AS event ON event.id = step.event_id
JOIN stores_store AS store ON store.id = event.store_id
JOIN stores_pixel AS pixel ON pixel.id = event.pixel_id
WHERE step.id > %(after)s AND step.at < %(until)s
  AND step.state IN ('accepted', 'skipped', 'rejected', 'expired')
ORDER BY step.id LIMIT %(most)s
"""
NOT_CHANGED = {ACCESS: "seen", LOGIN: "logged_in"}
NAMES = (
    "at",
    "store",
    "order_id",
    "pixel_id",
    "event_name",
    "event_id",
    "state",
    "reason",
    "value",
    "currency",
    "fbtrace_id",
    "config_version",
    "actor",
)


def seal(*, now: datetime) -> int:
    """Append what is new to the chains, at most so much of each kind; returns how many entries."""
    AuditCursor.objects.get_or_create(pk=1)
    with transaction.atomic():
        cursor = AuditCursor.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if cursor is None:
            return 0
        news: dict[int, list[str]] = defaultdict(list)
        for workspace_id, text in (*_changes(cursor, now), *_ends(cursor, now)):
            news[workspace_id].append(text)
        for workspace_id, texts in sorted(news.items()):
            chain = AuditChain.objects.get_or_create(workspace_id=workspace_id)[0]
            _append(chain, texts)
            chain.save()
        cursor.save()
    return sum(map(len, news.values()))


def sign_heads(*, now: datetime) -> None:
    """Sign each chain that has grown and was not signed for a day; never one that does not hold."""
    with transaction.atomic():
        due = AuditChain.objects.select_for_update(skip_locked=True).filter(
            Q(signed_at=None) | Q(signed_at__lte=now - SIGNED_EVERY),
            length__gt=0,
            workspace__in=Workspace.objects.all(),  # of one that is gone nobody asks for the chain
        )
        for chain in due:
            last = chain.auditsignature_set.order_by("-number").first()
            if last and last.number == chain.length:
                continue
            if broken := broken_at(chain):
                log.error("audit.broken", workspace=chain.workspace.slug, entry=broken)
            else:
                _sign(chain, now=now)


def broken_at(chain: AuditChain) -> int:
    """The first entry since the last signature that does not hold, or is missing; 0 where all do.

    What has been vouched for already is checked by `audit_verify`, with the whole chain.
    """
    last = chain.auditsignature_set.order_by("-number").first()
    number, digest = (last.number, last.hash) if last else (0, START)
    since = chain.auditentry_set.filter(number__gt=number).order_by("number")
    for entry in since.iterator(chunk_size=5_000):
        number += 1
        if entry.number != number or entry.hash != link(digest, entry.text):
            return number
        digest = entry.hash
    return 0 if (number, digest) == (chain.length, chain.head or START) else number + 1


def _append(chain: AuditChain, texts: Iterable[str]) -> None:
    entries = []
    for text in texts:
        chain.length, chain.head = chain.length + 1, link(chain.head or START, text)
        entries.append(AuditEntry(chain=chain, number=chain.length, text=text, hash=chain.head))
    AuditEntry.objects.bulk_create(entries, batch_size=1_000)


def _changes(cursor: AuditCursor, now: datetime) -> Iterator[tuple[int, str]]:
    found = ConfigChange.objects.filter(pk__gt=cursor.changes_up_to, at__lt=now - SETTLES_IN)
    for change in found.order_by("pk")[:AT_ONCE]:
        cursor.changes_up_to = change.pk
        fields = {
            "what": NOT_CHANGED.get(change.kind, "changed"),
            "at": change.at,
            "actor": change.actor,
            "kind": change.kind,
            "row": change.row,
            "before": change.before,
            "after": change.after,
        }
        yield change.workspace_id, text_of(fields)


def _ends(cursor: AuditCursor, now: datetime) -> Iterator[tuple[int, str]]:
    asked = {"after": cursor.steps_up_to, "until": now - SETTLES_IN, "most": AT_ONCE}
    for pk, workspace_id, *values in rows(ENDS, asked):
        cursor.steps_up_to = pk
        fields = dict(zip(NAMES, map(_plain, values), strict=True))
        yield workspace_id, text_of({"what": "ended", **fields})


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | datetime) else str(value)


def _sign(chain: AuditChain, *, now: datetime) -> None:
    said = signed_text(
        workspace=chain.workspace.slug,
        number=chain.length,
        digest=chain.head,
        signed_at=now.isoformat(),
    )
    AuditSignature.objects.create(
        chain=chain,
        number=chain.length,
        hash=chain.head,
        signed_at=now,
        signature=sign(said),
    )
    chain.signed_at = now
    chain.save(update_fields=["signed_at"])


def sign(said: bytes) -> str:
    """The installation's signature of `said`, in hexadecimal."""
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(str(_key().private)))
    return private.sign(said).hex()


def public_key() -> str:
    """What this installation's signatures are checked with, in hexadecimal."""
    return _key().public


def _key() -> AuditKey:
    if key := AuditKey.objects.first():
        return key
    made = Ed25519PrivateKey.generate()
    private, public = made.private_bytes_raw().hex(), made.public_key().public_bytes_raw().hex()
    return AuditKey.objects.get_or_create(pk=1, defaults={"private": private, "public": public})[0]
