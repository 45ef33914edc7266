"""A `Fleet` as text: always the same text for the same fleet, with references in place of secrets."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from stores.fleet.entries import Fleet, MappingEntry, PixelEntry, SecretEntry, StoreEntry
from stores.fleet.file import ADDRESS_KEYS, BROWSER_KEYS, CONSENT_KEYS, STORE_RULES
from stores.fleet.mappings import LIST_KEYS, MAP_KEYS, RULE_KEYS, WHATSAPP_KEYS, WHEN_KEYS


def as_yaml(fleet: Fleet) -> str:
    """The fleet file."""
    yaml = YAML()
    yaml.width = 4096  # a text is one line: broken ones are hard to compare
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = io.StringIO()
    yaml.dump(_styled(as_plain(fleet)), text)
    return text.getvalue()


def as_plain(fleet: Fleet) -> dict[str, Any]:
    """The fleet as JSON has it; what is not said has no key."""
    return {
        "version": 1,
        "workspace": {"slug": fleet.slug, "name": fleet.name},
        "pixels": [plain_pixel(fleet.pixels[pixel_id]) for pixel_id in sorted(fleet.pixels)],
        "templates": {
            name: plain_settings(fleet.templates[name]) for name in sorted(fleet.templates)
        },
        "stores": [plain_store(fleet.stores[key]) for key in sorted(fleet.stores)],
    }


def plain_pixel(pixel: PixelEntry) -> dict[str, Any]:
    """One of `pixels`."""
    token = _reference(pixel.access_token, "pixel", pixel.id, "access_token")
    return _said(
        id=pixel.id,
        name=pixel.name,
        access_token=token,
        test_event_code=pixel.test_event_code,
        ambiguous_sends="hold"
        if pixel.ambiguous_sends == "hold"
        else "",  # the other is meant anyway
    )


def plain_store(store: StoreEntry) -> dict[str, Any]:
    """One of `stores`."""
    references = {
        name: _reference(secret, "store", store.key, name) for name, secret in store.secrets.items()
    }
    return _said(
        key=store.key,
        name=store.name,
        platform=store.platform,
        **{ADDRESS_KEYS[store.platform]: store.address},
        **references,
        consent={key: store.consent[key] for key in CONSENT_KEYS if key in store.consent},
        browser={key: store.browser[key] for key in BROWSER_KEYS if key in store.browser},
        mappings=[plain_mapping(mapping) for mapping in store.mappings],
    )


def plain_mapping(mapping: MappingEntry) -> dict[str, Any]:
    """One of a store's `mappings`."""
    return {
        **_said(pixel=mapping.pixel, template=mapping.template),
        **({} if mapping.enabled else {"enabled": False}),
        **plain_settings(mapping.settings),
    }


def plain_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A template, or what a mapping says itself: in order, and templates of ids in their quotes."""
    plain = {key: _quoted(settings[key]) for key in RULE_KEYS if key in settings}
    for key in MAP_KEYS:
        if isinstance(said := plain.get(key), dict):
            plain[key] = dict(sorted(said.items()))
    if "whatsapp" in plain:
        said = plain["whatsapp"]
        plain["whatsapp"] = {key: said[key] for key in WHATSAPP_KEYS if key in said}
    if "when" in plain:
        plain["when"] = {key: plain["when"][key] for key in WHEN_KEYS if key in plain["when"]}
        if amount := plain["when"].get("min_value"):
            plain["when"]["min_value"] = float(amount) if "." in amount else int(amount)
    return plain


def _reference(secret: SecretEntry, *where: str) -> str:
    """`${NAME}`; a literal secret gets a name of its own, that nobody else's can be."""
    made_up = "_".join(part.replace("_", "__").replace("-", "_") for part in where[:2])
    return f"${{{secret.name or f'{made_up}_{where[2]}'.upper()}}}" if secret.value else ""


def _quoted(value: Any) -> Any:
    kind, _, template = value.partition(":") if isinstance(value, str) else ("", "", "")
    return f'template:"{template}"' if kind == "template" else value


def _said(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in ("", [], {})}


def _styled(value: Any, *, key: str = "") -> Any:
    """`value` with the style of the contract's example: ids in quotes, lists of words in one line."""
    if isinstance(value, dict):
        styled = CommentedMap({name: _styled(item, key=name) for name, item in value.items()})
        if key in STORE_RULES:
            styled.fa.set_flow_style()
        return styled
    if isinstance(value, list):
        sequence = CommentedSeq(_styled(item) for item in value)
        if key in ("country", "source", "subscription", "without", "regions", *LIST_KEYS):
            sequence.fa.set_flow_style()
        return sequence
    if key in ("id", "pixel", "page_id"):
        return DoubleQuotedScalarString(value)
    return value
