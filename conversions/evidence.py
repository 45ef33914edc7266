"""The proof of a buyer's consent: what their order said of it, in which words, and when we saw it.

It outlives the bodies and the payloads, and holds nothing else of the buyer.
"""

from __future__ import annotations

from collections.abc import Sequence

from conversions.entries import Entry
from purchases.consent import evidence
from stores.sql import run

KEEP = """
INSERT INTO conversions_consentevidence (store_id, order_id, said)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[])
ON CONFLICT (store_id, order_id, said) DO UPDATE SET last_seen_at = now()
"""


def keep_evidence(entries: Sequence[Entry]) -> None:
    """Keep what the orders say, where a store asks for consent. Must run inside a transaction."""
    found = {
        (*entry.key[:2], said)
        for entry in entries
        if entry.rules.consent and (said := evidence(entry.sighting.order))
    }
    if found:
        run(KEEP, [list(column) for column in zip(*sorted(found), strict=True)])
