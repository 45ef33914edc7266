"""The fault proxy: passes everything on, and each toxic does what its name says."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from chaos.proxy import Proxy, Toxic


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that answers what it is told, until its client has said all."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                while piece := connection.recv(65536):
                    connection.sendall(piece)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    proxy = Proxy(echo)
    yield proxy
    proxy.close()


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=20)


def eventually(condition: Callable[[], bool]) -> None:
    """The proxy works on a thread of its own: fails if it does not come to that."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline


def read(connection: socket.socket, size: int) -> bytes:
    """So many bytes, or as many as come before the end."""
    got = b""
    while len(got) < size and (piece := connection.recv(size - len(got))):
        got += piece
    return got


def test_without_a_toxic_everything_passes(proxy: Proxy) -> None:
    said = bytes(range(256)) * 1_000

    with connect(proxy) as connection:
        connection.sendall(said)

        assert read(connection, len(said)) == said


@pytest.mark.parametrize(
    "toxic",
    [
        Toxic(kind="latency", seconds=0.05, jitter=0.05),
        Toxic(kind="bandwidth", rate=100_000),
        Toxic(kind="slicer", size=7, seconds=0.0),
        Toxic(kind="slicer", stream="upstream", size=100, seconds=0.0),
        Toxic(kind="slow_close", seconds=0.05),
        Toxic(kind="reset_peer", toxicity=0.0),
    ],
    ids=lambda toxic: f"{toxic.kind} {toxic.stream} {toxic.toxicity}",
)
def test_what_only_slows_down_loses_nothing(proxy: Proxy, toxic: Toxic) -> None:
    proxy.add(toxic)

    with connect(proxy) as connection:
        connection.sendall(b"0123456789" * 100)

        assert read(connection, 1_000) == b"0123456789" * 100


def test_limit_data_ends_after_so_many_bytes(proxy: Proxy) -> None:
    proxy.add(Toxic(kind="limit_data", size=12))

    with connect(proxy) as connection:
        connection.sendall(b"0123456789" * 10)

        assert read(connection, 100) == b"012345678901"


def test_reset_peer_resets(proxy: Proxy) -> None:
    proxy.add(Toxic(kind="reset_peer"))

    with connect(proxy) as connection:
        connection.sendall(b"hello")

        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_timeout_takes_everything_and_answers_nothing_until_it_ends(proxy: Proxy) -> None:
    proxy.add(Toxic(kind="timeout", stream="upstream"))

    with connect(proxy) as connection:
        connection.sendall(b"hello")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        proxy.clear()
        connection.settimeout(20)

        assert connection.recv(1) == b""


def test_down_refuses_and_ends_what_stands_and_up_listens_at_the_same_place(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        connection.sendall(b"hello")
        read(connection, 5)
        proxy.down()

        with pytest.raises(ConnectionResetError):
            connection.recv(1)
        with pytest.raises(ConnectionRefusedError):
            connect(proxy)

    proxy.up()
    with connect(proxy) as connection:
        connection.sendall(b"again")

        assert read(connection, 5) == b"again"


def test_it_knows_whether_somebody_waits_for_an_answer(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        connection.sendall(b"hello")
        read(connection, 5)
        eventually(lambda: not proxy.busy())
        proxy.add(Toxic(kind="timeout"))
        connection.sendall(b"hello")
        eventually(proxy.busy)

        proxy.clear()
        eventually(lambda: not proxy.busy())
