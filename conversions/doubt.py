"""Events that were posted and never answered: which they are, and a person's word on them.

What Meta did with them stands in Events Manager, where only people look. The trail says who decided
(`EventTransition.actor`).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from django.db import transaction
from django.db.models import QuerySet

from conversions import ledger
from conversions.models import ConversionEvent, State
from stores.sql import rows, run

AT_ONCE = 1_000


class Verdict(StrEnum):
    """What the person says."""

    ACCEPTED = "accepted"  # seen at Meta: never sent again
    # With the same event id, while Meta would discard a second one; not once its buyer has said no.
    RESEND = "resend"
    GIVE_UP = "give_up"  # neither seen nor wanted


MOVES = {
    Verdict.ACCEPTED: """
UPDATE conversions_conversionevent
SET state = 'accepted', reason = 'seen_by_a_person', accepted_at = now(), held = FALSE
WHERE id = ANY(%s) AND state = 'in_doubt'
""",
    Verdict.RESEND: """
UPDATE conversions_conversionevent
SET reason = 'sent_again_by_a_person', held = FALSE, crashes = 0, not_before = now()
WHERE id = ANY(%s) AND state = 'in_doubt' AND cut_off > now() + interval '75 seconds'
  AND EXISTS (SELECT 1 FROM conversions_eventpayload AS payload
              WHERE payload.event_id = conversions_conversionevent.id)
""",
    Verdict.GIVE_UP: """
UPDATE conversions_conversionevent
SET state = 'expired', reason = 'given_up_by_a_person', held = FALSE
WHERE id = ANY(%s) AND state = 'in_doubt'
""",
}


def in_doubt(events: QuerySet[ConversionEvent]) -> QuerySet[ConversionEvent]:
    """Those of `events` that are in doubt, the one whose time runs out first at the top."""
    found = events.filter(state=State.IN_DOUBT).select_related("store", "pixel")
    return found.order_by("cut_off", "pk")


def settle(event_ids: Sequence[int], *, verdict: Verdict, actor: str) -> int:
    """Carry the verdict out for those of the events that are in doubt; returns how many they were.

    `actor` is who says so, without a name or an address: "user 5". Part by part, each in a transaction
    of its own and locked in the order in which everybody locks.
    """
    parts = [event_ids[start : start + AT_ONCE] for start in range(0, len(event_ids), AT_ONCE)]
    return sum(_settle(part, verdict, actor) for part in parts)


@transaction.atomic
def _settle(event_ids: Sequence[int], verdict: Verdict, actor: str) -> int:
    rows("SELECT set_config('connector.actor', %s, TRUE)", [actor[:40]])
    ledger.lock(event_ids)
    return run(MOVES[verdict], [list(event_ids)])
