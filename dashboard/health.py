"""How a store is, in one sentence: pure, so that a page and a mail can say the same."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from dashboard.words import number


class StoreFacts(Struct, frozen=True, kw_only=True):
    """What is known of a store's last days. All numbers count orders, but for the deliveries."""

    connected: bool
    heard_of: bool  # whether its shop has ever sent anything
    days: int
    orders: int
    by_state: dict[str, int]  # an order with two datasets may count in two states
    unpaid: int  # of those that wait
    unconsented: int  # likewise
    held: int  # behind a paused dataset
    lost: int  # expired although they were owed
    unreadable_deliveries: int


class Health(Struct, frozen=True, kw_only=True):
    """`level` is `good`, `idle` or `bad`; `sentence` is for the merchant."""

    level: str
    sentence: str


def store_health(facts: StoreFacts) -> Health:
    """What to say of a store first: what needs somebody, else that nothing does."""
    if not facts.connected:
        return Health(level="idle", sentence=_("Disconnected: none of its deliveries is kept."))
    if needs := _needs(facts):
        return Health(level="bad", sentence=_needy(sum(count for count, _text in needs), needs))
    if not facts.heard_of:
        sentence = _("The shop has not sent anything yet. The store's page says how to connect it.")
        return Health(level="idle", sentence=sentence)
    if not facts.orders:
        sentence = _("No order in the last %(days)s days.") % {"days": facts.days}
        return Health(level="idle", sentence=sentence)
    return Health(level="good", sentence=_accounted_for(facts))


def _needs(facts: StoreFacts) -> list[tuple[int, str]]:
    """What somebody should look at: how many, and in words."""
    rejected = facts.by_state.get("rejected", 0)
    found = [
        (facts.held, _("%(count)s held by a paused dataset")),
        (rejected, _("%(count)s rejected by Meta")),
        (facts.lost, _("%(count)s not sent in time")),
        (
            facts.unreadable_deliveries,
            ngettext(
                "%(count)s delivery that cannot be read",
                "%(count)s deliveries that cannot be read",
                facts.unreadable_deliveries,
            ),
        ),
    ]
    return [(count, text % {"count": number(count)}) for count, text in found if count]


def _needy(count: int, needs: list[tuple[int, str]]) -> str:
    sentence = ngettext("%(count)s needs you: %(list)s.", "%(count)s need you: %(list)s.", count)
    return sentence % {"count": number(count), "list": ", ".join(text for _count, text in needs)}


def _accounted_for(facts: StoreFacts) -> str:
    """Every order has a named state; those that still move are said."""
    sentence = ngettext(
        "The only order of the last %(days)s days is accounted for",
        "All %(orders)s orders of the last %(days)s days are accounted for",
        facts.orders,
    ) % {"orders": number(facts.orders), "days": facts.days}
    waiting = facts.by_state.get("waiting", 0) - facts.unpaid - facts.unconsented
    on_the_way = facts.by_state.get("pending", 0)
    in_doubt = facts.by_state.get("in_doubt", 0)
    moving = [
        (facts.unpaid, ngettext("%(n)s waits for payment", "%(n)s wait for payment", facts.unpaid)),
        (
            facts.unconsented,
            ngettext(
                "%(n)s waits for the buyer's consent",
                "%(n)s wait for the buyers' consent",
                facts.unconsented,
            ),
        ),
        (waiting, ngettext("%(n)s is held back", "%(n)s are held back", waiting)),
        (on_the_way, ngettext("%(n)s is on its way", "%(n)s are on their way", on_the_way)),
        (in_doubt, ngettext("%(n)s is in doubt", "%(n)s are in doubt", in_doubt)),
    ]
    said = [text % {"n": number(count)} for count, text in moving if count > 0]
    return "; ".join([sentence, ", ".join(said)]) + "." if said else sentence + "."
