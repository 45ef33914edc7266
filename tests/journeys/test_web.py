"""The web server as it is deployed, met byte by byte: framing, limits, a broker or a database gone."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from installation import SECRETS, Stack, a_story, wait_for

from sandbox.shops.shopify import signature

MEGABYTE = 1024 * 1024
BODY = b'{"id":1}'


@pytest.fixture(scope="module")
def black_hole() -> Iterator[str]:
    """The address of a broker that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture(scope="module")
def stack(make_stack: Callable[..., Stack], black_hole: str) -> Stack:
    return make_stack(broker_url=black_hole)


def talk(stack: Stack, *pieces: bytes, hang_up: bool = False) -> tuple[int, bytes]:
    """Send the pieces as they are; the status and body of the first answer (0: none came)."""
    with socket.create_connection(("127.0.0.1", stack.port), timeout=15) as connection:
        heard = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
            while more := connection.recv(65536):
                heard += more
        except ConnectionError:
            pass  # the server had said what it had to say
    if not heard:
        return 0, b""
    head, _, body = heard.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def head(*lines: str, host: str = "127.0.0.1", body: bytes = BODY) -> bytes:
    """The head of a signed webhook, with more header lines."""
    said = [
        "POST /webhooks/shopify/ HTTP/1.1",
        f"Host: {host}",
        "Connection: close",
        "X-Shopify-Topic: orders/paid",
        "X-Shopify-Shop-Domain: lyon.myshopify.com",
        f"X-Shopify-Hmac-Sha256: {signature(SECRETS['SHOPIFY_API_SECRET'], body)}",
        *lines,
    ]
    return "\r\n".join([*said, "", ""]).encode("latin-1")


def code(body: bytes) -> str:
    return str(json.loads(body)["error"]["code"])


def test_a_plain_delivery_is_taken(stack: Stack) -> None:
    assert talk(stack, head("Content-Length: 8"), BODY)[0] == 200


def test_a_host_that_is_not_ours_is_refused_in_the_one_shape(stack: Stack) -> None:
    status, body = talk(stack, head("Content-Length: 8", host="evil.example"), BODY)

    assert (status, code(body)) == (400, "bad_host")


def test_a_body_cut_short_is_refused(stack: Stack) -> None:
    status, body = talk(stack, head("Content-Length: 100"), BODY, hang_up=True)

    assert (status, code(body)) == (400, "truncated_body")


def test_two_lengths_are_refused(stack: Stack) -> None:
    status, _ = talk(stack, head("Content-Length: 8", "Content-Length: 9"), BODY)

    assert status == 400


def test_a_length_and_chunks_are_refused(stack: Stack) -> None:
    status, _ = talk(
        stack, head("Content-Length: 8", "Transfer-Encoding: chunked"), b"8\r\n" + BODY
    )

    assert status == 400


def test_a_chunk_whose_size_is_no_number_is_refused(stack: Stack) -> None:
    status, _ = talk(stack, head("Transfer-Encoding: chunked"), b"ZZ\r\n", BODY, b"\r\n0\r\n\r\n")

    assert status == 400


def test_chunks_that_end_too_soon_are_not_taken_for_a_body(stack: Stack) -> None:
    status, _ = talk(stack, head("Transfer-Encoding: chunked"), b"8\r\n" + BODY, hang_up=True)

    assert status in (0, 400)


def test_a_body_without_a_length_is_none(stack: Stack) -> None:
    status, body = talk(stack, head(), BODY)

    assert (status, code(body)) == (401, "invalid_signature")


def test_what_follows_a_body_is_not_part_of_it(stack: Stack) -> None:
    status, _ = talk(stack, head("Content-Length: 8"), BODY + b"garbage")

    assert status == 200


def test_header_names_are_known_in_any_case_but_not_with_underscores(stack: Stack) -> None:
    right, wrong = (
        head("Content-Length: 8").replace(b"X-Shopify-Hmac-Sha256", name)
        for name in (b"x-sHOPIFY-hmac-SHA256", b"X_Shopify_Hmac_Sha256")
    )

    assert talk(stack, right, BODY)[0] == 200
    assert talk(stack, wrong, BODY)[0] in (400, 401)


def test_a_byte_beyond_ten_megabytes_is_refused_before_it_is_sent(stack: Stack) -> None:
    status, body = talk(stack, head(f"Content-Length: {10 * MEGABYTE + 1}"))

    assert (status, code(body)) == (413, "body_too_large")


def test_a_hundred_megabytes_are_refused_before_they_are_read(stack: Stack) -> None:
    pieces = [b" " * MEGABYTE] * 100
    status, body = talk(stack, head(f"Content-Length: {100 * MEGABYTE}"), *pieces)

    assert (status, code(body) if body else "body_too_large") in (
        (413, "body_too_large"),
        (0, "body_too_large"),
    )


@pytest.mark.case("H15")
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells")
def test_a_hundred_megabytes_that_are_refused_are_not_held_in_memory(stack: Stack) -> None:
    talk(stack, head("Content-Length: 8"), BODY)
    before = stack.memory("web")

    for _time in range(3):
        talk(stack, head(f"Content-Length: {100 * MEGABYTE}"), *[b" " * MEGABYTE] * 100)
        talk(
            stack,
            head("Transfer-Encoding: chunked"),
            *[b"100000\r\n" + b" " * MEGABYTE + b"\r\n"] * 100,
        )

    assert stack.memory("web") - before < 20 * MEGABYTE


@pytest.mark.parametrize(
    "lines",
    [["X-Padding: " + "x" * 20_000], [f"X-Line-{number}: x" for number in range(120)]],
)
def test_a_head_without_measure_is_refused(stack: Stack, lines: list[str]) -> None:
    status, _ = talk(stack, head("Content-Length: 8", *lines), BODY)

    assert status in (400, 431)


@pytest.mark.parametrize("chunked", [False, True])
def test_ten_megabytes_are_taken_and_a_byte_more_is_not(stack: Stack, chunked: bool) -> None:
    shop = stack.shopify()
    bodies = [b" " * (10 * MEGABYTE), b" " * (10 * MEGABYTE + 1)]

    statuses = [shop.deliver("orders/paid", body, chunked=chunked).status for body in bodies]

    assert statuses == [200, 413]


def test_the_server_goes_on_after_all_that(stack: Stack) -> None:
    answers = [talk(stack, b"nonsense\r\n\r\n")[0], stack.shopify().tell(a_story())[0].status]

    assert answers == [400, 200]


class TestBrokerInABlackHole:
    def test_a_shop_never_waits_for_it(self, stack: Stack) -> None:
        deliveries = [stack.shopify().deliver("orders/paid", b'{"id":%d}' % n) for n in range(5)]

        assert [delivery.status for delivery in deliveries] == [200] * 5

    def test_a_worker_that_finds_no_broker_processes_what_is_stored(self, stack: Stack) -> None:
        story = a_story()
        stack.start("worker")

        stack.shopify().tell(story)

        wait_for(lambda: stack.arrived(story.order_id), within=15)
        stack.kill("worker")

    def test_it_is_no_reason_to_be_taken_out_of_service(self, stack: Stack) -> None:
        report = stack.ready()

        assert report["broker"].startswith("silent")
        assert report["migrations"] == "ok"


class TestDatabaseGone:
    @pytest.fixture(autouse=True)
    def no_database(self, stack: Stack) -> Iterator[None]:
        self.admit(stack, False)
        yield
        self.admit(stack, True)
        assert wait_for(lambda: stack.shopify().tell(a_story())[0].status == 200)

    def admit(self, stack: Stack, allowed: bool) -> None:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {stack.database} ALLOW_CONNECTIONS {allowed}")
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [stack.database],
            )

    def test_a_shop_is_asked_to_send_it_again(self, stack: Stack) -> None:
        answers = [talk(stack, head("Content-Length: 8"), BODY) for _ in range(3)]

        assert [(status, code(body)) for status, body in answers] == [(503, "try_again")] * 3

    def test_the_process_lives_and_is_not_ready(self, stack: Stack) -> None:
        assert stack.is_up()
        assert stack.status("/readyz") == 503
