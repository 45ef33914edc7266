"""Switching the script for shoppers' browsers on and off, for a store."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from purchases.browser import read_browser_half
from stores.models import Store

COLUMNS = ["browser", "collect_key"]


def set_browser_half(store: Store, settings: Mapping[str, Any]) -> None:
    """Set how `store` uses the script (purchases.browser); with none, nothing is collected any more.

    The caller saves `COLUMNS`. The public key stays the same for good: scripts in shops have it.
    Raises BrowserError.
    """
    if settings:
        read_browser_half(settings)
        store.collect_key = store.collect_key or secrets.token_urlsafe(16)
    store.browser = dict(settings)
