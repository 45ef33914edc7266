"""The difference between what is and what a file wants, and what to think about before applying it.

Pure: two `Fleet`s in, changes and sentences out. No value of a secret is in any of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from purchases.mapping import Rules, When, covers, read_rules
from stores.fleet.entries import Fleet, MappingEntry, PixelEntry, SecretEntry, StoreEntry
from stores.fleet.text import plain_pixel, plain_settings, plain_store

PLATFORM_NAMES = {"shopify": "Shopify", "woocommerce": "WooCommerce"}
SIGNS = {"add": "+", "change": "~", "disconnect": "-", "remove": "-"}
# Ids that shops count up by themselves, so that two shops have the same ones. Shopify's order ids
# are unique among all its shops, an order key is random.
COUNTED_IDS = {
    "woocommerce": ("order_id", "order_name", "order_number"),
    "shopify": ("order_name", "order_number"),
}


class Change(Struct, frozen=True, kw_only=True):
    """One thing that will be different. `fields` holds {"from", "to"} or {"secret": "changed"}."""

    action: str  # a key of SIGNS
    kind: str  # workspace, pixel, template, store
    key: str
    title: str = ""
    fields: Mapping[str, Mapping[str, Any]] = {}


def differences(now: Fleet | None, wanted: Fleet, *, kept: frozenset[str]) -> list[Change]:
    """What has to change in `now` (None: there is no such workspace) for it to be `wanted`.

    The pixels that are `kept` for the past are not removed; stores are only disconnected.
    """
    changes = [
        *_workspace(now, wanted),
        *_pixels(now, wanted),
        *_templates(now, wanted),
        *_stores(now, wanted),
    ]
    if now:
        changes += _removals(now, wanted, kept)
    return changes


def warnings(
    now: Fleet | None, wanted: Fleet, *, kept: frozenset[str], shopify_is_on: bool
) -> list[str]:
    """What is allowed and probably not meant. `kept` are the pixels that stay without being wanted."""
    staying = _staying(now, wanted)
    kept -= {mapping.pixel for store in staying for mapping in store.mappings}
    found = [
        f"store {store.key} was connected on screen and is not in the file; it stays as it is, and"
        " export writes it"
        for store in staying
    ]
    found += [
        f"pixel {pixel_id} is not in the file; it stays because earlier orders or a disconnected"
        " store refer to it, and no store sends to it"
        for pixel_id in sorted(kept)
    ]
    if not shopify_is_on and any(store.platform == "shopify" for store in wanted.stores.values()):
        found.append("SHOPIFY_API_SECRET is not set: deliveries of the Shopify stores are refused")
    found += _colliding_ids(wanted)
    for store in wanted.stores.values():
        found += _overlaps(store, wanted)
    return found


def _staying(now: Fleet | None, wanted: Fleet) -> list[StoreEntry]:
    """The stores that the file does not know, and that no file has made."""
    return [
        store
        for store in (now.stores.values() if now else ())
        if store.connected and store.by_hand and store.key not in wanted.stores
    ]


def in_words(change: Change) -> str:
    """One line: `~ store lyon: name "A" → "B"`."""
    line = f"{SIGNS[change.action]} {change.kind} {change.key}"
    if change.title:
        line += f" ({change.title})"
    if change.action == "disconnect":
        line += ": disconnected; its ledger stays"
    said = [_field_in_words(name, field) for name, field in change.fields.items()]
    return f"{line}: {', '.join(said)}" if said else line


def _workspace(now: Fleet | None, wanted: Fleet) -> Iterator[Change]:
    if now is None:
        yield Change(action="add", kind="workspace", key=wanted.slug, title=wanted.name)
    elif now.name != wanted.name:
        fields = _compared({"name": now.name}, {"name": wanted.name})
        yield Change(action="change", kind="workspace", key=wanted.slug, fields=fields)


def _pixels(now: Fleet | None, wanted: Fleet) -> Iterator[Change]:
    for pixel in wanted.pixels.values():
        before = now.pixels.get(pixel.id) if now else None
        if before is None:
            yield Change(action="add", kind="pixel", key=pixel.id, title=pixel.name)
        elif fields := _pixel_fields(before, pixel):
            yield Change(action="change", kind="pixel", key=pixel.id, fields=fields)


def _pixel_fields(before: PixelEntry, after: PixelEntry) -> dict[str, Mapping[str, Any]]:
    fields = _compared(plain_pixel(before), plain_pixel(after))
    fields |= _changed_secrets(
        {"access_token": before.access_token}, {"access_token": after.access_token}
    )
    if before.broken_reason:  # whoever applies a file has looked at it: try again
        fields["broken_reason"] = {"from": before.broken_reason, "to": None}
    return fields


def _templates(now: Fleet | None, wanted: Fleet) -> Iterator[Change]:
    for name, settings in wanted.templates.items():
        before = now.templates.get(name) if now else None
        if before is None:
            yield Change(action="add", kind="template", key=name)
        elif fields := _compared(plain_settings(before), plain_settings(settings)):
            yield Change(action="change", kind="template", key=name, fields=fields)


def _stores(now: Fleet | None, wanted: Fleet) -> Iterator[Change]:
    for store in wanted.stores.values():
        before = now.stores.get(store.key) if now else None
        if before is None:
            title = f"{PLATFORM_NAMES[store.platform]}, {store.address}"
            yield Change(action="add", kind="store", key=store.key, title=title)
        elif fields := _store_fields(before, store):
            yield Change(action="change", kind="store", key=store.key, fields=fields)


def _store_fields(before: StoreEntry, after: StoreEntry) -> dict[str, Mapping[str, Any]]:
    fields = _compared(_flat_mappings(before), _flat_mappings(after))
    fields |= _changed_secrets(before.secrets, after.secrets)
    if not before.connected:
        fields["connected"] = {"from": False, "to": True}
    return fields


def _flat_mappings(store: StoreEntry) -> dict[str, Any]:
    plain = plain_store(store)
    mappings = plain.pop("mappings", [])
    return plain | {f"mappings[{place}]": mapping for place, mapping in enumerate(mappings)}


def _removals(now: Fleet, wanted: Fleet, kept: frozenset[str]) -> Iterator[Change]:
    for store in now.stores.values():
        if store.connected and store.key not in wanted.stores and not store.by_hand:
            yield Change(action="disconnect", kind="store", key=store.key)
    for pixel_id in sorted(now.pixels.keys() - wanted.pixels.keys() - kept):
        yield Change(action="remove", kind="pixel", key=pixel_id)
    for name in sorted(now.templates.keys() - wanted.templates.keys()):
        yield Change(action="remove", kind="template", key=name)


def _compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {
        name: {"from": before.get(name), "to": after.get(name)}
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    }


def _changed_secrets(
    before: Mapping[str, SecretEntry], after: Mapping[str, SecretEntry]
) -> dict[str, Mapping[str, Any]]:
    return {
        name: {"secret": "changed"}
        for name in before.keys() & after.keys()
        if before[name].value != after[name].value
    }


def _colliding_ids(wanted: Fleet) -> Iterator[str]:
    """Meta counts one of two purchases with the same event id at a pixel."""
    users: dict[tuple[str, str], set[str]] = {}
    for store in wanted.stores.values():
        for mapping in store.mappings:
            event_id = _rules(mapping, wanted).event_id
            if mapping.enabled and event_id in COUNTED_IDS[store.platform]:
                users.setdefault((mapping.pixel, event_id), set()).add(store.key)
    for (pixel, event_id), stores in sorted(users.items()):
        if len(stores) > 1:
            yield (
                f"stores {', '.join(sorted(stores))} share pixel {pixel} and count their {event_id}"
                " by themselves: of two orders with the same one Meta would count one; use event_id:"
                ' template:"{shop}-{order_id}"'
            )


def _overlaps(store: StoreEntry, wanted: Fleet) -> Iterator[str]:
    """The first mapping of a pixel that matches counts: one behind a wider one never does."""
    earlier: list[tuple[int, tuple[str, str], When]] = []
    for place, mapping in enumerate(store.mappings):
        if not mapping.enabled:
            continue
        rules = _rules(mapping, wanted)
        when, target = rules.when, (mapping.pixel, rules.event)
        for other, told, wider in earlier:
            if told == target and covers(wider, when):
                yield (
                    f"store {store.key}: mappings[{place}] can never match,"
                    f" mappings[{other}] takes all its orders to the same pixel"
                )
                break
        earlier.append((place, target, when))


def _rules(mapping: MappingEntry, wanted: Fleet) -> Rules:
    return read_rules({**wanted.templates.get(mapping.template, {}), **mapping.settings})


def _field_in_words(name: str, field: Mapping[str, Any]) -> str:
    if "secret" in field:
        return f"{name} (changed)"
    return f"{name} {_value_in_words(field['from'])} → {_value_in_words(field['to'])}"


def _value_in_words(value: Any) -> str:
    return "nothing" if value is None else msgspec.json.encode(value).decode()
