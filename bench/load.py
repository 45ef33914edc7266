"""A load generator: many kept-alive connections from one thread, requests made beforehand."""

import re
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")


@dataclass(frozen=True)
class Load:
    """What a run has shown; times in seconds."""

    rate: float
    latencies: tuple[float, ...]
    statuses: dict[int, int]

    def percentile(self, share: float) -> float:
        """The latency that `share` of the requests did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def closed_loop(port: int, requests: Sequence[bytes], *, connections: int = 16) -> Load:
    """Send all requests as fast as answers come, each connection one at a time."""
    selector = selectors.DefaultSelector()
    left = iter(requests)
    latencies: list[float] = []
    statuses: dict[int, int] = {}
    for _ in range(connections):
        selector.register(socket.create_connection(("127.0.0.1", port)), selectors.EVENT_READ)
    begun = time.perf_counter()
    sent_at: dict[socket.socket, float] = {}
    received: dict[socket.socket, bytes] = {}
    for key in list(selector.get_map().values()):
        if not _send(key.fileobj, left, sent_at):
            selector.unregister(key.fileobj)
    while selector.get_map():
        for key, _ in selector.select():
            sock = key.fileobj
            answer = received.pop(sock, b"") + (part := sock.recv(65536))
            if part and not _is_whole(answer):
                received[sock] = answer
                continue
            latencies.append(time.perf_counter() - sent_at[sock])
            status = int(answer[9:12]) if answer else 0
            statuses[status] = statuses.get(status, 0) + 1
            if not answer or not _send(sock, left, sent_at):
                selector.unregister(sock)
                sock.close()
    return Load(len(latencies) / (time.perf_counter() - begun), tuple(latencies), statuses)


def exchange(sock: socket.socket, request: bytes) -> bytes:
    """Send one request on a kept-alive connection; the whole answer."""
    sock.sendall(request)
    answer = b""
    while not _is_whole(answer):
        if not (part := sock.recv(65536)):
            break
        answer += part
    return answer


def _send(sock: socket.socket, left: Iterator[bytes], sent_at: dict[socket.socket, float]) -> bool:
    request = next(left, None)
    if request is None:
        return False
    sent_at[sock] = time.perf_counter()
    sock.sendall(request)
    return True


def _is_whole(answer: bytes) -> bool:
    head, ended, body = answer.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    return bool(ended) and len(body) >= (int(length[1]) if length else 0)
