"""The wall between our network and what a merchant types: nothing private, nothing endless, no leaks."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sandbox.tls import make_certificate, server_context
from stores import outbound
from stores.fleet.address import AddressError, shop_url
from stores.outbound import OutboundError, fetch
from stores.public_ip import is_public, read_ip

PUBLIC = "93.184.215.14"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class Server:
    """Answers every connection with `answer`, and keeps what was said to it."""

    def __init__(self, answer: Callable[[socket.socket], None], *, tls: ssl.SSLContext | None):
        self.heard: list[bytes] = []
        self.names: list[str | None] = []
        self._answer, self._tls = answer, tls
        if tls:
            tls.sni_callback = lambda sock, name, context: self.names.append(name)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self._tls:
                    sock = self._tls.wrap_socket(sock, server_side=True)
                self.heard.append(sock.recv(65536))
                self._answer(sock)
            except OSError:
                pass  # the client has seen enough
            finally:
                sock.close()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def serve(settings: Any) -> Iterator[Callable[..., Server]]:
    """Starts servers on loopback, which is allowed here as in development."""
    settings.WOOCOMMERCE_ALLOW_PRIVATE = True
    servers: list[Server] = []

    def start(
        answer: bytes | Callable[[socket.socket], None] = HELLO,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> Server:
        said = answer if callable(answer) else lambda sock: sock.sendall(answer)
        servers.append(Server(said, tls=tls))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def no_packets(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was connected to; nothing is."""
    tried: list[Any] = []

    def connect(address: Any, timeout: float) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    return tried


def knows(**names: Sequence[str]) -> outbound.Resolve:
    """A resolver that knows `names` (shop is shop.example)."""

    def resolve(host: str, port: int) -> Sequence[str]:
        try:
            return names[host.partition(".")[0]]
        except KeyError:
            raise socket.gaierror from None

    return resolve


PRIVATE_HOSTS = [
    "127.0.0.1",
    "127.1",
    "0",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "localhost",
    "shop.localhost",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "169.254.169.254",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b::169.254.169.254]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:a9fe:a9fe::1]",
    "[64:ff9b:1::7f00:1]",
    "[fec0::1]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[2001:db8::1]",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "198.18.0.1",
    "0.0.0.1",
    "240.0.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "192.0.0.170",
    "192.88.99.1",
    "metadata.google.internal",
    "shop.home.arpa",
]


@pytest.mark.parametrize("host", PRIVATE_HOSTS)
def test_a_private_address_is_refused_as_typed_and_as_fetched(
    host: str, no_packets: list[Any]
) -> None:
    with pytest.raises(AddressError):
        shop_url(f"https://{host}", allow_private=False)
    with pytest.raises(OutboundError, match="address_not_allowed"):
        fetch("GET", f"https://{host}/wp-json/", resolve=knows())

    assert no_packets == []


@pytest.mark.parametrize(
    "host", [host.strip("[]") for host in PRIVATE_HOSTS if read_ip(host.strip("[]"))]
)
def test_a_name_that_resolves_to_a_private_address_is_refused(
    host: str, no_packets: list[Any]
) -> None:
    with pytest.raises(OutboundError, match="address_not_allowed"):
        fetch("GET", "https://shop.example/", resolve=knows(shop=[PUBLIC, host]))

    assert no_packets == []


@pytest.mark.parametrize(
    "text", [PUBLIC, "2606:4700::6810:84e5", f"::ffff:{PUBLIC}", f"64:ff9b::{PUBLIC}"]
)
def test_a_public_address_is_public_in_each_of_its_spellings(text: str) -> None:
    address = read_ip(text)

    assert address is not None
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://shop.example", "must be https"),
        ("ftp://shop.example", "is not an address such as https://shop.example"),
        ("file:///etc/passwd", "is not an address such as https://shop.example"),
        ("gopher://shop.example", "is not an address such as https://shop.example"),
        ("https://me@shop.example", "holds a user name or a password: leave them out"),
        ("https://shop.example%0d%0aX:", "has a host that is no name"),
        ("https://shop.example/%0d%0aX:1", "has a path that no shop has"),
        ("https://shop.example/a/../b", "has a path that no shop has"),
        ("https://shop.example/\\@10.0.0.1", "has a path that no shop has"),
        ("https://shop.example\\@10.0.0.1", "holds a user name or a password: leave them out"),
        ("https://shop.example/\r\nX: 1", "is not an address such as https://shop.example"),
        ("https://shop.example.", "has a host that is no name"),
        (f"https://{'a' * 64}.example", "has a host that is no name"),
        (f"https://{'a.' * 127}example", "has a host that is no name"),
        *[
            (f"https://shop.example:{port}", f"names port {port}: shops are reached at 443 only")
            for port in (22, 25, 80, 6379, 5432, 11211, 8080, 0)
        ],
    ],
)
def test_an_address_that_is_no_shops_is_refused_in_words(
    url: str, problem: str, no_packets: list[Any]
) -> None:
    with pytest.raises(AddressError) as refused:
        shop_url(url, allow_private=False)

    assert str(refused.value) == problem


@pytest.mark.parametrize("url", ["HTTPS://Shop.Example/", "https://shop.example:443"])
def test_an_address_has_one_spelling(url: str) -> None:
    assert shop_url(url, allow_private=False) == "https://shop.example"


@pytest.mark.parametrize("url", ["https://shop.example:8443/", "http://shop.example/"])
def test_only_https_at_its_own_port_is_fetched(url: str, no_packets: list[Any]) -> None:
    with pytest.raises(OutboundError, match="address_not_allowed"):
        fetch("GET", url, resolve=knows(shop=[PUBLIC]))

    assert no_packets == []


def test_our_own_name_and_our_own_address_are_no_shop(settings: Any, no_packets: list[Any]) -> None:
    settings.APP_URL = "https://connector.example"
    known = knows(connector=[PUBLIC], shop=["198.51.99.1", PUBLIC])

    for name in ("connector", "shop"):
        with pytest.raises(OutboundError, match="address_not_allowed"):
            fetch("GET", f"https://{name}.example/", resolve=known)
    assert no_packets == []


def test_the_connection_goes_to_the_address_that_was_checked(
    serve: Callable[..., Server], settings: Any, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path, "kitchen.example")
    settings.SHOPS_CA_FILE = str(certificate)
    server = serve(tls=server_context(certificate))
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.66"]

    answer = fetch("GET", f"https://kitchen.example:{server.port}/wp-json/", resolve=rebinding)

    assert (answer.status, answer.body) == (200, b"hi")
    assert asked == ["kitchen.example"]
    assert server.names == ["kitchen.example"]
    head = server.heard[0].decode().split("\r\n")
    assert head[0] == "GET /wp-json/ HTTP/1.1"
    assert f"Host: kitchen.example:{server.port}" in head
    assert "Accept-Encoding: identity" in head


@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_of_another_name_or_of_nobody_is_refused(
    serve: Callable[..., Server], settings: Any, tmp_path: Path, trusted: bool
) -> None:
    certificate = make_certificate(tmp_path, "other.example" if trusted else "kitchen.example")
    if trusted:
        settings.SHOPS_CA_FILE = str(certificate)
    server = serve(tls=server_context(certificate))

    with pytest.raises(OutboundError, match="certificate_refused"):
        fetch(
            "GET", f"https://kitchen.example:{server.port}/", resolve=knows(kitchen=["127.0.0.1"])
        )


@pytest.mark.parametrize("location", ["https://elsewhere.example/", "file:///etc/passwd", "/again"])
def test_a_redirect_is_not_followed(serve: Callable[..., Server], location: str) -> None:
    server = serve(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n".encode())

    with pytest.raises(OutboundError, match="redirect_refused") as refused:
        fetch("GET", f"http://127.0.0.1:{server.port}/")

    assert refused.value.location == location
    assert len(server.heard) == 1


def test_no_proxy_of_the_environment_is_used(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server = serve()

    assert fetch("GET", f"http://127.0.0.1:{server.port}/").status == 200


def test_no_cookie_is_kept(serve: Callable[..., Server]) -> None:
    server = serve(HELLO.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n"))

    for _ in range(2):
        fetch("GET", f"http://127.0.0.1:{server.port}/")

    assert b"cookie" not in server.heard[1].lower()


@pytest.mark.parametrize("announced", [True, False])
def test_an_endless_answer_is_cut_at_ten_megabytes(
    serve: Callable[..., Server], announced: bool
) -> None:
    def pour(sock: socket.socket) -> None:
        length = f"Content-Length: {10**10}\r\n" if announced else ""
        sock.sendall(f"HTTP/1.1 200 OK\r\n{length}\r\n".encode())
        while True:
            sock.sendall(b"x" * 65536)

    server = serve(pour)

    with pytest.raises(OutboundError, match="answer_too_large"):
        fetch("GET", f"http://127.0.0.1:{server.port}/")


def test_nothing_is_inflated(serve: Callable[..., Server]) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    server = serve(head.encode() + bomb)

    assert fetch("GET", f"http://127.0.0.1:{server.port}/").body == bomb


@pytest.mark.parametrize("where", ["head", "body", "chunks"])
def test_a_dripping_answer_ends_at_the_deadline(serve: Callable[..., Server], where: str) -> None:
    heads = {
        "head": b"HTTP/1.1 200 OK\r\nX: ",
        "body": b"HTTP/1.1 200 OK\r\n\r\n",
        "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n",
    }

    def drip(sock: socket.socket) -> None:
        sock.sendall(heads[where])
        while True:
            sock.sendall(b"x")
            time.sleep(0.05)

    server = serve(drip)

    with pytest.raises(OutboundError, match="deadline"):
        fetch("GET", f"http://127.0.0.1:{server.port}/", deadline=0.5)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"220 smtp.internal ESMTP secret-banner\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n",
    ],
)
def test_what_the_other_side_said_is_not_repeated(
    serve: Callable[..., Server], answer: bytes
) -> None:
    server = serve(answer)

    with pytest.raises(OutboundError) as refused:
        fetch("GET", f"http://127.0.0.1:{server.port}/")

    assert refused.value.args == ("no_connection",)
    assert refused.value.__cause__ is None


def test_a_name_that_nobody_knows_has_a_reason_of_its_own() -> None:
    with pytest.raises(OutboundError, match="name_not_found"):
        fetch("GET", "https://shop.example/", resolve=knows())


def test_a_port_where_nobody_listens_is_no_connection(serve: Callable[..., Server]) -> None:
    server = serve()
    server.stop()
    server.stop = lambda: None  # type: ignore[method-assign]

    with pytest.raises(OutboundError, match="no_connection"):
        fetch("GET", f"http://127.0.0.1:{server.port}/")
