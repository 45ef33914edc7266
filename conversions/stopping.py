"""Whether this worker may begin something new: asked to stop, it finishes what is under way."""

import threading

_asked = threading.Event()


def may_go_on() -> bool:
    """Whether one more batch or one more request may be begun."""
    return not _asked.is_set()


def begin_nothing_more(**_signal: object) -> None:
    """The worker is shutting down. What is left over is found by its colleagues or its successor."""
    _asked.set()
