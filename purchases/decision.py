"""`decide`: is this order to be reported now, later, or never, and why.

The clock comes in from outside; the reason goes to the merchant. Every reason is a word of the closed
list in docs/glossary.md.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from purchases.browser import COLLECTED
from purchases.consent import Permission, permission_of
from purchases.mapping import Rules, mismatch
from purchases.order import IMPORTED_AFTER, Order, Sale, Source, Standing
from purchases.triggers import REFUNDED, waits_for

# Meta refuses a whole request if one event is older than 7 days (62 for physical_store); the hour is
# for retries. https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api
META_ACCEPTS_FOR = timedelta(days=7) - timedelta(hours=1)
META_ACCEPTS_STORE_SALES_FOR = timedelta(days=62) - timedelta(hours=1)
# Meta matches a browser's event and a server's only if both come within 48 h; a later one is counted
# again. https://developers.facebook.com/documentation/ads-commerce/conversions-api/deduplicate-pixel-and-server-events
BROWSER_EVENT_MATCHES_FOR = timedelta(hours=48) - timedelta(hours=1)
TIME_TO_SEND = timedelta(hours=1)  # what a hold leaves
CLOCK_SKEW = timedelta(minutes=5)
NO_SALES = (
    Standing.DRAFT,
    Standing.TRASHED,
    Standing.CANCELLED,
    Standing.REFUNDED,
    Standing.VOIDED,
)
NOT_SO = {"cancelled": "not_cancelled", "draft": "not_draft", REFUNDED: "not_refunded"}
STAFF = (Source.ADMIN, Source.DRAFT)


class Report(Struct, frozen=True, kw_only=True):
    """Owed to Meta now."""


class Wait(Struct, frozen=True, kw_only=True):
    """Not yet: `reason` is what is waited for."""

    reason: str


class Skip(Struct, frozen=True, kw_only=True):
    """Never, unless the shop changes the order: `reason` says why."""

    reason: str


Decision = Report | Wait | Skip


def decide(order: Order, *, rules: Rules, now: datetime) -> Decision:
    """What a mapping with `rules` makes of `order` at `now` (aware)."""
    if rules.tells_no_sale:
        return _decide_on_no_sale(order, rules, now)
    if reason := _never(order, rules) or mismatch(order, rules.when) or _not_now(order, rules, now):
        return Skip(reason=reason)
    if reason := waits_for(order, rules.trigger):
        return Wait(reason=reason)
    if reason := _not_ours(order, rules):
        return Skip(reason=reason)
    return _permitted(order, rules) or _held(order, rules, now) or Report()


def _decide_on_no_sale(order: Order, rules: Rules, now: datetime) -> Decision:
    reason = mismatch(order, rules.when) or _unwanted(order, rules) or _not_so(order, rules)
    reason = reason or ("too_old" if now >= cut_off(order, rules=rules) else "")
    reason = reason or _not_ours(order, rules)
    return Skip(reason=reason) if reason else _permitted(order, rules) or Report()


def held_until(order: Order, *, rules: Rules) -> datetime:
    """When an order that is due may go: counted from the sale, or from its payment if that is known;
    and not before its buyer's browser has told of it, or has had the time to.

    Never so late that Meta would not take it.
    """
    due = max(order.placed_at, order.paid_at or order.placed_at) + rules.held_for
    if _awaits_browser(order, rules):
        due = max(due, order.entered_at + timedelta(seconds=rules.browser_wait))
    return min(due, cut_off(order, rules=rules) - TIME_TO_SEND)


def happened_at(order: Order, *, rules: Rules) -> datetime:
    """When what the event tells of happened: the sale, or the change that the shop wrote down."""
    return order.updated_at if _came_later(rules) else order.placed_at


def cut_off(order: Order, *, rules: Rules) -> datetime:
    """The moment from which Meta may refuse the order for its age, or count it a second time."""
    if _came_later(rules):
        return order.updated_at + META_ACCEPTS_FOR
    if order.source == Source.POS:
        return order.placed_at + META_ACCEPTS_STORE_SALES_FOR
    if order.tracked_in_browser or rules.shares_event_id:
        return order.placed_at + BROWSER_EVENT_MATCHES_FOR
    return order.placed_at + META_ACCEPTS_FOR


def _never(order: Order, rules: Rules) -> str:
    if order.standing in NO_SALES:
        return order.standing.value
    if order.sale is Sale.UNCLASSIFIED and Sale.UNCLASSIFIED not in rules.when.subscription:
        return "unclassified_subscription"
    return _unwanted(order, rules)


def _came_later(rules: Rules) -> bool:
    return rules.tells_no_sale and rules.trigger != Standing.DRAFT


def _not_so(order: Order, rules: Rules) -> str:
    """Why what an event of no sale would tell has not happened, or ""."""
    is_so = order.given_back > 0 if rules.tells_refunds else order.standing == rules.trigger
    return "" if is_so else NOT_SO[str(rules.trigger)]


def _not_ours(order: Order, rules: Rules) -> str:
    """Why the order is another sender's, by the moment of its sale: no matter when it was paid."""
    if rules.only_watches:
        return "watched"
    if rules.cut_over_at and order.placed_at < rules.cut_over_at:
        return "before_cut_over"
    return ""


def _permitted(order: Order, rules: Rules) -> Wait | Skip | None:
    """What the buyer's consent, or the lack of it, makes of an order that is due; None for nothing."""
    match permission_of(order, rules.consent):
        case Permission.REFUSED:
            return Skip(reason="consent_refused")
        case Permission.AWAITED:
            return Wait(reason="consent")
    return None


def _held(order: Order, rules: Rules, now: datetime) -> Wait | None:
    held = rules.hold or _awaits_browser(order, rules)
    held = held and now < held_until(order, rules=rules)
    return Wait(reason="hold") if held else None


def _awaits_browser(order: Order, rules: Rules) -> bool:
    """Whether a script runs at the checkout that the order came from, and has told nothing yet."""
    return bool(rules.browser_wait and order.checkout_token and not order.attribute(COLLECTED))


def _unwanted(order: Order, rules: Rules) -> str:
    if order.test and "test" in rules.skip:
        return "test_order"
    if order.source in STAFF and "staff" in rules.skip:
        return "staff_order"
    if order.entered_at - order.placed_at > IMPORTED_AFTER and "imported" in rules.skip:
        return "imported"
    if order.total == 0 and "zero_value" in rules.skip:
        return "zero_value"
    return ""


def _not_now(order: Order, rules: Rules, now: datetime) -> str:
    if max(order.placed_at, order.entered_at) > now + CLOCK_SKEW:
        return "future_time"
    if order.tracked_elsewhere and rules.when_tracked_elsewhere == "skip":
        return "tracked_elsewhere"
    if now >= cut_off(order, rules=rules):
        return "too_old"
    return ""
