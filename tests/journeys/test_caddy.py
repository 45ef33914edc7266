"""The proxy of deploy/Caddyfile before the web server: what it keeps out, and what it lets through."""

import json
import os
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from installation import ROOT, SECRETS, Stack, a_story, free_port, wait_for

from sandbox.shops import ShopifyShop

CADDY = Path(sys.executable).parent / "caddy"
MEGABYTE = 1024 * 1024
WEBHOOKS = "/webhooks/shopify/"
READ_BODY = 2  # seconds, in place of the 15 of the Caddyfile: nobody waits for tests

pytestmark = pytest.mark.skipif(not CADDY.exists(), reason="there is no Caddy for this system")


class Proxy:
    """Caddy as deploy/Caddyfile sets it up, for `localhost` and with a certificate of its own making."""

    def __init__(self, *, folder: Path, web: str) -> None:
        self.folder, self.port = folder, free_port()
        self.environment = os.environ | {
            "HOST": f"localhost:{self.port}",
            "WEB": web,
            "XDG_DATA_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
        }
        self.authority = folder / "caddy/pki/authorities/local/root.crt"

    def __enter__(self) -> "Proxy":
        settings = self.folder / "caddy.json"
        settings.write_text(json.dumps(self.adapted()))
        with (self.folder / "caddy.log").open("wb") as log:
            self.process = subprocess.Popen(
                [CADDY, "run", "--config", settings], env=self.environment, stdout=log, stderr=log
            )
        wait_for(self.is_up)
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()

    def adapted(self) -> Any:
        """The Caddyfile as Caddy reads it, without what would reach beyond this test."""
        command = [CADDY, "adapt", "--adapter", "caddyfile", "--config", ROOT / "deploy/Caddyfile"]
        done = subprocess.run(command, env=self.environment, capture_output=True, check=True)
        settings = json.loads(done.stdout)
        (server,) = settings["apps"]["http"]["servers"].values()
        assert server["read_timeout"] <= 15 * 10**9
        server |= {
            "read_timeout": READ_BODY * 10**9,
            "automatic_https": {"disable_redirects": True},
        }
        authority = {"certificate_authorities": {"local": {"install_trust": False}}}
        settings["apps"]["pki"] = authority
        return settings | {"admin": {"disabled": True}}

    def is_up(self) -> bool:
        try:
            return self.authority.exists() and bool(self.get("/healthz").status_code)
        except requests.RequestException:
            return False

    def get(self, path: str, **options: Any) -> requests.Response:
        address = f"https://localhost:{self.port}{path}"
        return requests.get(address, verify=str(self.authority), timeout=10, **options)

    def connect(self, *, protocol: str = "http/1.1") -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.authority))
        context.set_alpn_protocols([protocol])
        plain = socket.create_connection(("localhost", self.port), timeout=15)
        return context.wrap_socket(plain, server_hostname="localhost")

    def log(self) -> str:
        return (self.folder / "caddy.log").read_text()

    def answered(self) -> list[dict[str, Any]]:
        """The requests of its log."""
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line["msg"] == "handled request"]


@pytest.fixture(scope="module")
def stack(make_stack: Callable[..., Stack]) -> Stack:
    return make_stack(settings={"ALLOWED_HOSTS": "127.0.0.1,localhost"})


@pytest.fixture(scope="module")
def proxy(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with Proxy(folder=tmp_path_factory.mktemp("p"), web=f"127.0.0.1:{stack.port}") as proxy:
        yield proxy


@pytest.fixture
def shop(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> ShopifyShop:
    """A shop that delivers by way of the proxy."""
    monkeypatch.setenv("SSL_CERT_FILE", str(proxy.authority))
    address = f"https://localhost:{proxy.port}{WEBHOOKS}"
    return ShopifyShop("lyon.myshopify.com", SECRETS["SHOPIFY_API_SECRET"], address)


@pytest.mark.parametrize("size", [10, 10 * MEGABYTE])
def test_a_signature_survives_the_proxy(shop: ShopifyShop, size: int) -> None:
    assert shop.deliver("orders/paid", b" " * size).status == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_byte_beyond_ten_megabytes_is_refused_before_or_behind_the_proxy(
    stack: Stack, shop: ShopifyShop, chunked: bool
) -> None:
    """By the web server when it sees the length; 502, or cut off, where the proxy is still sending."""
    unread = stack.unread()

    status = shop.deliver("orders/paid", b" " * (10 * MEGABYTE + 1), chunked=chunked).status

    assert status in ((413,) if chunked else (413, 502, None))
    assert stack.unread() == unread


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/readyz?verbose"])
def test_what_is_for_the_host_alone_is_not_shown_to_strangers(proxy: Proxy, path: str) -> None:
    assert proxy.get(path).status_code == 404


def test_the_proxy_refuses_a_head_without_measure(proxy: Proxy) -> None:
    assert proxy.get("/healthz", headers={"X-Padding": "x" * 30_000}).status_code == 431


@pytest.mark.case("H21")
def test_senders_of_a_byte_a_second_take_no_thread_and_are_given_up(
    proxy: Proxy, stack: Stack, shop: ShopifyShop
) -> None:
    """Eight would hold all threads of a web process; of these the web server never hears."""
    unread = stack.unread()
    head = (
        f"POST {WEBHOOKS}slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n".encode()
    )
    with ExitStack() as open_ones:
        for _ in range(24):
            open_ones.enter_context(proxy.connect()).sendall(head + b"x")

        told = shop.tell(a_story())
        given_up = wait_for(
            lambda: [one for one in proxy.answered() if "slow" in one["request"]["uri"]][23:]
        )

    assert {delivery.status for delivery in told} == {200}
    assert {one["status"] for one in given_up} == {499}
    assert stack.unread() == unread + len(told)
    assert "slow" not in (stack.folder / "web.log").read_text()


@pytest.mark.case("H30")
def test_thousands_of_streams_that_are_reset_at_once_harm_nobody_else(
    proxy: Proxy, shop: ShopifyShop
) -> None:
    def attack(_number: int) -> None:
        with proxy.connect(protocol="h2") as connection:
            assert connection.selected_alpn_protocol() == "h2"
            with suppress(OSError):  # it may be thrown out
                connection.sendall(rapid_resets(1_000))

    with ThreadPoolExecutor(8) as attackers:
        attacks = attackers.map(attack, range(8))
        statuses = [shop.tell(a_story())[0].status for _ in range(20)]
        assert list(attacks) == [None] * 8

    assert statuses == [200] * 20
    assert proxy.get("/healthz").status_code == 200


def rapid_resets(count: int) -> bytes:
    """An HTTP/2 connection of nothing but requests that are taken back at once (RFC 9113, RFC 7541)."""
    path, authority = WEBHOOKS.encode(), b"localhost"
    fields = b"\x83\x87\x04%c%b\x01%c%b" % (len(path), path, len(authority), authority)
    streams = (
        frame(1, 0x4, stream, fields) + frame(3, 0, stream, struct.pack(">I", 8))
        for stream in range(1, 2 * count, 2)
    )
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + b"".join(streams)


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def test_the_proxys_log_holds_no_secret_address_no_query_and_no_whole_address(proxy: Proxy) -> None:
    secrets = ("a-woo-token", "an-invitation", "somebody@example.com")
    proxy.get(f"/webhooks/woocommerce/{secrets[0]}/")
    proxy.get(f"/join/{secrets[1]}/?email={secrets[2]}", headers={"Cookie": f"a={secrets[0]}"})

    wait_for(lambda: "/join/" in proxy.log())

    assert [secret for secret in secrets if secret in proxy.log()] == []
    assert {one["request"]["remote_ip"] for one in proxy.answered()} <= {"127.0.0.0", "::"}


class Mirror(BaseHTTPRequestHandler):
    """A web server that answers with the head that reached it."""

    def do_GET(self) -> None:
        said = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *said: object) -> None:
        """Say nothing."""


def test_what_a_client_says_of_itself_in_the_proxys_name_is_dropped(tmp_path: Path) -> None:
    said = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as mirror:
        Thread(target=mirror.serve_forever, daemon=True).start()
        with Proxy(folder=tmp_path, web=f"127.0.0.1:{mirror.server_port}") as proxy:
            heard = proxy.get("/", headers=said).json()
        mirror.shutdown()

    assert heard["X-Forwarded-For"] in ("127.0.0.1", "::1")
    assert heard["X-Forwarded-Proto"] == "https"
