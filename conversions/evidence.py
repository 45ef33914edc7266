"""The proof of a buyer's consent: what their order said of it, in which words, and when we saw it.

It outlives the bodies and the payloads, and holds nothing else of the buyer but their country.
"""

from __future__ import annotations

from collections.abc import Sequence

from conversions.entries import Entry
from purchases.consent import Answer, Consent, answer_of, country_of, evidence
from purchases.order import Order
from stores.sql import run

KEEP = """
INSERT INTO conversions_consentevidence (store_id, order_id, said)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[])
ON CONFLICT (store_id, order_id, said) DO UPDATE SET last_seen_at = now()
"""

KEEP_ANSWERS = """
INSERT INTO conversions_orderconsent AS kept
    (store_id, order_id, country, answer, waited, placed_at, order_updated_at)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bool[], %s::timestamptz[],
                     %s::timestamptz[])
ON CONFLICT (store_id, order_id) DO UPDATE
SET country = EXCLUDED.country, answer = EXCLUDED.answer, waited = kept.waited OR EXCLUDED.waited,
    order_updated_at = EXCLUDED.order_updated_at
WHERE kept.order_updated_at <= EXCLUDED.order_updated_at
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
    answers = {
        entry.key[:2]: _answer(*entry.key[:2], entry.sighting.order, entry.rules.consent)
        for entry in entries
        if entry.rules.consent
    }
    if answers:
        columns = zip(*(answers[key] for key in sorted(answers)), strict=True)
        run(KEEP_ANSWERS, [list(column) for column in columns])


def _answer(store_id: int, order_id: str, order: Order, consent: Consent) -> tuple[object, ...]:
    answer = answer_of(order, consent)
    return (
        store_id,
        order_id,
        country_of(order),
        answer.value,
        answer is Answer.MISSING and consent.policy == "required",
        order.placed_at,
        order.updated_at,
    )
