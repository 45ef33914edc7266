"""An end for a whole exchange: a socket's own time-out is for each read, and a drip renews it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


def shut_after(seconds: float, sock: socket.socket) -> threading.Timer:
    """Shut `sock` when the time is over, unless the timer that this returns is cancelled."""

    def shut() -> None:
        with suppress(OSError):  # it ended by itself a moment ago
            # Not the TLS one, which would change the object under its reader.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, shut)
    timer.daemon = True
    timer.start()
    return timer
