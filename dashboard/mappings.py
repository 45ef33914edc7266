"""A store's mappings as a page tells them: each rule in words, and what is odd about them together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from msgspec import Struct

from dashboard.consent_form import POLICIES
from dashboard.mapping_form import LABELS, SALES, SOURCES
from purchases.mapping import Rules, RulesError, When, covers
from purchases.triggers import Trigger
from stores.fleet.entries import MappingEntry
from stores.models import PixelMapping, Store


class Told(Struct, frozen=True, kw_only=True):
    """One mapping in words; `problem` says why it cannot be in force, "" if it can."""

    mapping: PixelMapping
    orders: str
    moment: str
    value: str
    ids: str
    problem: str
    watches: bool = False  # nothing is sent yet
    sends_from: datetime | None = None  # only orders from then on


def told_mappings(*, store: Store) -> list[Told]:
    """The store's mappings in their order; one query."""
    mappings = list(store.mappings.select_related("pixel", "template").order_by("position"))
    return list(_told(mappings))


def _told(mappings: Sequence[PixelMapping]) -> Iterator[Told]:
    earlier: list[tuple[tuple[int, str], When]] = []
    for mapping in mappings:
        try:
            rules = mapping.rules()
        except RulesError as error:
            yield Told(mapping=mapping, orders="", moment="", value="", ids="", problem=str(error))
            continue
        target = (mapping.pixel_id, rules.event)
        hidden = any(told == target and covers(wider, rules.when) for told, wider in earlier)
        if mapping.enabled:
            earlier.append((target, rules.when))
        yield Told(
            mapping=mapping,
            orders=orders_in_words(rules.when),
            moment=moment_in_words(rules.trigger),
            value=_value(rules),
            watches=rules.only_watches,
            sends_from=rules.cut_over_at,
            ids=_("Event ID: %(event)s. Product IDs: %(content)s.")
            % {"event": rules.event_id, "content": rules.content_id},
            problem=_("It never matches: a mapping above takes all its orders to the same dataset.")
            if hidden and mapping.enabled
            else "",
        )


def next_place(store: Store) -> int:
    """Where a new mapping stands: after all others."""
    last = store.mappings.order_by("-position").values_list("position", flat=True).first()
    return 0 if last is None else last + 1


@transaction.atomic
def add_mapping(mapping: PixelMapping) -> None:
    """Put it below the store's others; two that are added at once wait for each other."""
    Store.objects.select_for_update().get(pk=mapping.store_id)
    mapping.position = next_place(mapping.store)
    mapping.save()


def entries_with(mapping: PixelMapping | None, *, store: Store) -> list[MappingEntry]:
    """The store's mappings as they would be with this one, which may be new or changed."""
    rows = {row.position: row for row in store.mappings.select_related("pixel", "template")}
    if mapping:
        rows[mapping.position] = mapping
    return [
        MappingEntry(
            pixel=row.pixel.pixel_id,
            enabled=row.enabled,
            settings=(row.template.settings if row.template else {}) | row.settings,
        )
        for _position, row in sorted(rows.items())
    ]


def orders_in_words(when: When) -> str:
    """Which orders: `Orders to FR, BE, from 10 on.`."""
    parts = [
        _("to %(list)s") % {"list": ", ".join(when.country)} if when.country else "",
        _("from: %(list)s") % {"list": ", ".join(str(SOURCES[each]) for each in when.source)}
        if when.source
        else "",
        ", ".join(str(SALES[each]) for each in when.subscription),
        _("of %(amount)s or more") % {"amount": when.min_value} if when.min_value else "",
        _("tagged %(list)s") % {"list": ", ".join(when.tag)} if when.tag else "",
        _("with %(list)s") % {"list": ", ".join(when.sku)} if when.sku else "",
        str(LABELS[when.customer]) if when.customer != "any" else "",
    ]
    said = "; ".join(part for part in parts if part)
    return _("Orders %(conditions)s.") % {"conditions": said} if said else _("All orders.")


def moment_in_words(trigger: Trigger) -> str:
    """When they are sent: `Sent when paid.`."""
    if isinstance(trigger, tuple):
        each = ", ".join(f"{method}: {word}" for method, word in trigger)
        return _("Sent by way of paying – %(each)s.") % {"each": each}
    kind, _colon, name = trigger.partition(":")
    words = {
        "paid": _("Sent when the money has arrived."),
        "created": _("Sent when the order is placed."),
        "completed": _("Sent when all of it is shipped or handed over."),
        "status": _("Sent when the shop's status is %(name)s."),
        "tag": _("Sent when the order is tagged %(name)s."),
        "draft": _("Sent when a draft is made."),
        "cancelled": _("Sent when the order is cancelled."),
        "refunded": _("Sent when something is given back."),
    }
    return words[kind] % {"name": name} if name else words[kind]


def cut_over(now: datetime) -> str:
    """What `send_from` says to go live soon: an order must not be placed after it, and be read by the
    rules of before it."""
    soon = now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=2)
    return soon.isoformat()


def consent_in_words(store: Store) -> str:
    """What is asked of buyers: `Consent: not without the buyer's yes, in EEA, GB.`."""
    asked = store.consent.get("policy", "")
    said = str(POLICIES.get(asked, asked))
    if regions := store.consent.get("regions"):
        return _("%(policy)s – in %(regions)s.") % {"policy": said, "regions": ", ".join(regions)}
    return _("%(policy)s.") % {"policy": said}


def gaps_in_words(told: Sequence[Told]) -> list[str]:
    """Which orders no mapping takes, as far as the conditions say."""
    at_work = [each for each in told if each.mapping.enabled and each.orders]
    if not at_work:
        return [_("No mapping is in force: nothing is sent to Meta.")]
    rules = [each.mapping.rules().when for each in at_work]
    gaps = []
    if all(when.country for when in rules):
        countries = sorted({country for when in rules for country in when.country})
        gap = _("Orders to other countries than %(list)s match no mapping.")
        gaps.append(gap % {"list": ", ".join(countries)})
    if least := min((when.min_value or 0 for when in rules), default=0):
        gaps.append(_("Orders below %(amount)s match no mapping.") % {"amount": least})
    return gaps


def _value(rules: Rules) -> str:
    said = _("Value: %(value)s.") % {"value": LABELS[rules.value]}
    if rules.hold:
        said += " " + _("Held back for %(hold)s.") % {"hold": rules.hold}
    return said
