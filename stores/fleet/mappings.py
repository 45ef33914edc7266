"""The mappings and templates of a fleet file: which keys and values they may have by now.

What a rule means, and most of what is wrong with one, is `purchases.mapping.read_rules`'s to say.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from purchases.mapping import RulesError, read_rules
from stores.fleet.document import Place
from stores.fleet.entries import MappingEntry

RULE_KEYS = ("when", "trigger", "value", "event_id", "content_id", "when_tracked_elsewhere")
MAPPING_KEYS = ("pixel", "template", "enabled", *RULE_KEYS)
WHEN_KEYS = ("country", "source", "min_value")
# What the format will take and does not take yet: refused by name, never ignored.
LATER_WHEN_KEYS = ("tag", "sku", "customer")
LATER_CHOICES = {"trigger": ("completed",), "value": ("net", "margin")}

AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,4})?")
QUOTED_TEMPLATE = re.compile(r"""template:(["'])(.*)\1""")


def read_template(place: Place) -> dict[str, Any]:
    """The settings that a template shares."""
    return _read_settings(place.keys(known=RULE_KEYS))


def read_mapping(
    place: Place, *, pixels: Collection[str], templates: Collection[str]
) -> MappingEntry:
    """A mapping to one of `pixels`, which may build on one of `templates`."""
    keys = place.keys(known=MAPPING_KEYS)
    return MappingEntry(
        pixel=_read_name(place, keys, "pixel", of=pixels),
        template=_read_name(place, keys, "template", of=templates) if "template" in keys else "",
        enabled="enabled" not in keys or keys["enabled"].flag() is not False,
        settings=_read_settings(keys),
    )


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
        if key == "when" and key in keys:
            settings[key] = _read_when(keys[key])
        elif key in keys and (word := _read_word(key, keys[key])):
            settings[key] = word
    return settings


def _read_word(key: str, place: Place) -> str:
    if key == "trigger" and place.is_mapping:
        place.wrong("a trigger by payment method is not supported yet")
        return ""
    word = place.text()
    if word in LATER_CHOICES.get(key, ()):
        place.wrong(f"{word} is not supported yet")
        return ""
    if quoted := QUOTED_TEMPLATE.fullmatch(word):
        word = f"template:{quoted[2]}"
    return word if word and _is_allowed(place, {key: word}) else ""


def _read_when(place: Place) -> dict[str, Any]:
    """The conditions; those that are empty hold always, as if they were not there."""
    keys = place.keys(known=WHEN_KEYS, later=LATER_WHEN_KEYS)
    when: dict[str, Any] = {}
    for condition in ("country", "source"):
        if words := _read_list(keys.get(condition), condition):
            when[condition] = words
    if "min_value" in keys and (amount := keys["min_value"].text()):
        if AMOUNT.fullmatch(amount):
            when["min_value"] = f"{Decimal(amount).normalize():f}"
        else:
            keys["min_value"].wrong("must be an amount such as 10 or 19.90")
    return when


def _read_list(place: Place | None, condition: str) -> list[str]:
    words: dict[str, None] = {}
    for item in place.items() if place else ():
        if (word := item.text()) and _is_allowed(item, {"when": {condition: [word]}}):
            words[word] = None
    return list(words)


def _is_allowed(place: Place, settings: Mapping[str, object]) -> bool:
    try:
        read_rules(settings)
    except RulesError as error:
        place.wrong(error.message)
        return False
    return True
