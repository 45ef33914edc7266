"""The store's policy of consent, laid over the rules of its mappings."""

from __future__ import annotations

from msgspec.structs import replace

from purchases.consent import ConsentError, read_consent
from purchases.mapping import Rules, RulesError
from stores.models import PixelMapping, Store


def rules_in_force(mapping: PixelMapping, *, store: Store) -> Rules:
    """The rules by which orders of `store` are judged. Raises RulesError."""
    rules = mapping.rules()
    if not store.consent:
        return rules
    try:
        return replace(rules, consent=read_consent(store.consent))
    except ConsentError as error:
        raise RulesError(f"consent.{error.key}", error.message) from error
