"""The mappings and templates of a fleet file: which keys and values they may have by now.

What a rule means, and most of what is wrong with one, is `purchases.mapping.read_rules`'s to say.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from purchases.mapping import RulesError, read_rules
from purchases.triggers import NO_PURCHASE
from stores.fleet.document import Place
from stores.fleet.entries import MappingEntry

RULE_KEYS = (
    "when",
    "event",
    "trigger",
    "skip",
    "send_from",
    "hold",
    "value",
    "leave_out",
    "currency",
    "refunds",
    "event_id",
    "content_id",
    "also_send",
    "predicted_ltv",
    "action_source",
    "whatsapp",
    "when_tracked_elsewhere",
)
LIST_KEYS = ("skip", "leave_out", "also_send")  # where [] is said, and means none
MAP_KEYS = ("trigger", "action_source")  # which may be keys and values
MAPPING_KEYS = ("pixel", "template", "enabled", *RULE_KEYS)
WHATSAPP_KEYS = ("page_id", "without")
WHEN_LISTS = ("country", "source", "subscription", "tag", "sku")
WHEN_KEYS = ("country", "source", "subscription", "min_value", "tag", "sku", "customer")

AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,4})?")
QUOTED_TEMPLATE = re.compile(r"""template:(["'])(.*)\1""")


def read_template(place: Place) -> dict[str, Any]:
    """The settings that a template shares."""
    return _read_settings(place.keys(known=RULE_KEYS))


def read_mapping(
    place: Place, *, pixels: Collection[str], templates: Mapping[str, Mapping[str, Any]]
) -> MappingEntry:
    """A mapping to one of `pixels`, which may build on one of `templates`."""
    keys = place.keys(known=MAPPING_KEYS)
    template = _read_name(place, keys, "template", of=templates) if "template" in keys else ""
    settings = _read_settings(keys)
    _check_together(place, {**templates.get(template, {}), **settings})
    return MappingEntry(
        pixel=_read_name(place, keys, "pixel", of=pixels),
        template=template,
        enabled="enabled" not in keys or keys["enabled"].flag() is not False,
        settings=settings,
    )


def _check_together(place: Place, settings: Mapping[str, Any]) -> None:
    """Each setting may be right, and two of them wrong together. What is wrong alone was told of."""
    sound = {key: value for key, value in settings.items() if _flaw(_alone(key, value)) is None}
    if flaw := _flaw(sound):
        place.wrong(f"{flaw.key}: {flaw.message}")


def _alone(key: str, value: object) -> dict[str, object]:
    # What is no sale must not be without an event of its own.
    return {key: value, "event": "Other"} if value in NO_PURCHASE else {key: value}


def _flaw(settings: Mapping[str, object]) -> RulesError | None:
    try:
        read_rules(settings)
    except RulesError as error:
        return error
    return None


def _read_name(place: Place, keys: Mapping[str, Place], key: str, *, of: Collection[str]) -> str:
    if key not in keys:
        place.lacks(key)
        return ""
    name = keys[key].text()
    if name and name not in of:
        keys[key].wrong(f"there is no {key} {name!r} in this file")
    return name


def _read_settings(keys: Mapping[str, Place]) -> dict[str, Any]:
    """What is said of the RULE_KEYS, in their order and in one form."""
    settings: dict[str, Any] = {}
    for key in RULE_KEYS:
        if key not in keys:
            continue
        place = keys[key]
        if key == "when":
            settings[key] = _read_when(place)
        elif key == "whatsapp":
            settings[key] = _read_whatsapp(place)
        elif key in LIST_KEYS:
            settings[key] = _read_list(place, key)
        elif key in MAP_KEYS and place.is_mapping:
            settings[key] = _read_map(key, place)
        elif word := _read_word(key, place):
            settings[key] = word
    return settings


def _read_whatsapp(place: Place) -> dict[str, Any]:
    keys = place.keys(known=WHATSAPP_KEYS)
    if "page_id" not in keys:
        place.lacks("page_id")
        return {}
    whatsapp: dict[str, Any] = {"page_id": keys["page_id"].text()}
    if whatsapp["page_id"] and not _is_allowed(keys["page_id"], {"whatsapp": whatsapp}):
        return {}
    if "without" in keys:
        names = {item.text(): item for item in keys["without"].items()}
        whatsapp["without"] = [name for name in names if name]
        _is_allowed(keys["without"], {"whatsapp": whatsapp})
    return whatsapp


def _read_map(key: str, place: Place) -> dict[str, str]:
    """Keys and values, in the order of the keys: the database keeps no other."""
    entries = place.entries()
    words: dict[str, str] = {}
    for name, entry in sorted(entries.items()):
        if (word := entry.text()) and _is_allowed(entry, {key: {name: word}}):
            words[name] = word
    if len(words) == len(entries):
        _is_allowed(place, {key: words})
    return words


def _read_word(key: str, place: Place) -> str:
    word = place.text()
    if quoted := QUOTED_TEMPLATE.fullmatch(word):
        word = f"template:{quoted[2]}"
    return word if word and _is_allowed(place, _alone(key, word)) else ""


def _read_when(place: Place) -> dict[str, Any]:
    """The conditions; those that are empty hold always, as if they were not there."""
    keys = place.keys(known=WHEN_KEYS)
    when: dict[str, Any] = {}
    for condition in WHEN_LISTS:
        if condition in keys and (words := _read_list(keys[condition], "when", condition)):
            when[condition] = words
    if "min_value" in keys and (amount := keys["min_value"].text()):
        if AMOUNT.fullmatch(amount):
            when["min_value"] = f"{Decimal(amount).normalize():f}"
        else:
            keys["min_value"].wrong("must be an amount such as 10 or 19.90")
    word = keys["customer"].text() if "customer" in keys else ""
    if word not in ("", "any") and _is_allowed(keys["customer"], {"when": {"customer": word}}):
        when["customer"] = word
    return when


def _read_list(place: Place, *path: str) -> list[str]:
    """The words of the list under `path`, each once."""
    words: dict[str, None] = {}
    for item in place.items():
        if not (word := item.text()):
            continue
        setting: Any = [word]
        for key in reversed(path):
            setting = {key: setting}
        if _is_allowed(item, setting):
            words[word] = None
    return list(words)


def _is_allowed(place: Place, settings: Mapping[str, object]) -> bool:
    if flaw := _flaw(settings):
        place.wrong(flaw.message)
    return flaw is None
