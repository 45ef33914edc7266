"""What is the store's whatever the mapping, laid over the rules of its mappings."""

from __future__ import annotations

from msgspec.structs import replace

from purchases.browser import BrowserError, read_browser_half
from purchases.consent import ConsentError, read_consent
from purchases.mapping import Rules, RulesError
from stores.models import PixelMapping, Store


def rules_in_force(mapping: PixelMapping, *, store: Store) -> Rules:
    """The rules by which orders of `store` are judged. Raises RulesError."""
    rules = mapping.rules()
    try:
        if store.consent:
            rules = replace(rules, consent=read_consent(store.consent))
        if store.browser:
            rules = replace(rules, browser_wait=read_browser_half(store.browser).wait)
    except ConsentError as error:
        raise RulesError(f"consent.{error.key}", error.message) from error
    except BrowserError as error:
        raise RulesError(f"browser.{error.key}", error.message) from error
    return rules
