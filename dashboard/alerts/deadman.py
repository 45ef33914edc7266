"""The dead-man's switch: a watcher outside hears of us each minute, and speaks up when it does not."""

from __future__ import annotations

import requests
import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = (2, 5)


def ping() -> None:
    """Tell ALERT_PING_URL, if there is one, that everything was just looked at."""
    if not settings.ALERT_PING_URL:
        return
    try:
        answer = requests.get(
            settings.ALERT_PING_URL, timeout=PATIENCE_SECONDS, allow_redirects=False
        )
        answer.raise_for_status()
    except requests.RequestException as error:  # the next minute's is as good
        log.warning("deadman.unheard", error=type(error).__name__)
