"""What must not stand in a log, wherever it comes from."""

import io
import json
import logging
import logging.config
from collections.abc import Iterator

import pytest
import structlog
from django.test import Client

from connector.logs import MAX_FIELD, logging_config, scrub


@pytest.fixture
def lines(settings: object) -> Iterator[io.StringIO]:
    """The log as production writes it."""
    heard = io.StringIO()
    config = logging_config("json")
    config["handlers"]["stderr"]["stream"] = heard
    logging.config.dictConfig(config)
    yield heard
    logging.config.dictConfig(settings.LOGGING)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("access_token=EAAxyz", "access_token=[redacted]"),
        ('{"access_token": "abc", "x": 1}', '{"access_token": "[redacted]", "x": 1}'),
        ("GET /?hmac=0123&shop=lyon", "GET /?hmac=[redacted]&shop=lyon"),
        ("Authorization: Bearer abc.def-123", "Authorization: [redacted]"),
        ("token EAAB" + "x" * 30, "token [redacted]"),
        ("shpat_0123456789abcdef", "[redacted]"),
        ("ck_" + "0a" * 20, "[redacted]"),
        ("postgres://connector:pass-word@db:5432/x", "postgres[redacted]db:5432/x"),
        ("redis://:pass-word@localhost:6379/0", "redis[redacted]localhost:6379/0"),
        ("buyer zoe.o+x@example.co.uk wrote", "buyer [redacted] wrote"),
        ("an ordinary line about order 1001", "an ordinary line about order 1001"),
    ],
)
def test_secrets_and_addresses_are_scrubbed(said: str, kept: str) -> None:
    assert scrub(None, "", {"event": said}) == {"event": kept}


def test_a_value_that_is_no_text_is_scrubbed_too() -> None:
    line = {"headers": {"access_token": "abc"}, "people": ["zoe@example.com"], "count": 3}

    assert scrub(None, "", line) == {
        "headers": "{'access_token': '[redacted]'}",
        "people": "['[redacted]']",
        "count": 3,
    }


def test_a_field_is_cut_at_its_longest() -> None:
    assert len(scrub(None, "", {"event": "x" * 1_000_000})["event"]) == MAX_FIELD


def test_a_line_is_one_json_document_with_its_fields(lines: io.StringIO) -> None:
    structlog.stdlib.get_logger("shop").info("delivery.received", store="lyon\nfake", count=1)

    (line,) = lines.getvalue().splitlines()
    said = json.loads(line)
    assert (said["event"], said["store"], said["count"]) == ("delivery.received", "lyon\nfake", 1)
    assert said["level"] == "info"


def test_a_librarys_line_and_its_traceback_are_scrubbed(lines: io.StringIO) -> None:
    try:
        raise ConnectionError("https://graph.example/?access_token=EAAsecret")
    except ConnectionError:
        logging.getLogger("library").exception("failed for %s", "zoe@example.com")

    said = json.loads(lines.getvalue())
    assert said["event"] == "failed for [redacted]"
    assert "EAAsecret" not in lines.getvalue()
    assert "ConnectionError" in said["exception"]


def test_a_line_about_a_request_names_its_route_and_not_its_path(
    lines: io.StringIO, db: None
) -> None:
    Client().get("/join/a-link-that-opens/")
    Client().get("/what-somebody-typed/é\n/")

    said = lines.getvalue()
    assert "/join/<str:token>/" in said
    assert "an address that leads nowhere" in said
    assert "a-link-that-opens" not in said
    assert "what-somebody-typed" not in said
