"""`python -m sandbox.shops`: orders posted from a terminal."""

import json
from collections.abc import Iterator

import pytest
from shop_door import Door, closed_port_url, open_door

from sandbox.shops.__main__ import main


@pytest.fixture
def door() -> Iterator[Door]:
    with open_door() as door:
        yield door


def test_the_command_posts_orders_and_prints_a_line_for_each_request(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(
        ["shopify", "--url", door.url, "--domain", "lyon.myshopify.com", "--secret", "hush",
         "--count", "2", "--kind", "card"]
    )  # fmt: skip

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert [json.loads(each.body)["name"] for each in door.received] == [
        "#1001", "#1001", "#1002", "#1002",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines] == ["200"] * 4
    assert lines[0].endswith("#1001 purchase (bought on the web, paid by card)")


def test_the_command_says_what_was_not_taken(capsys: pytest.CaptureFixture[str]) -> None:
    url = closed_port_url()

    code = main(
        ["woocommerce", "--url", url, "--source", "https://kitchen.example/", "--secret", "hush",
         "--count", "1", "--kind", "renewal"]
    )  # fmt: skip

    assert code == 1
    assert capsys.readouterr().err == f"Not taken by {url}: 1 requests.\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--url", "http://127.0.0.1:1/"], "a secret is needed to sign with"),
        (["--url", "127.0.0.1", "--secret", "hush"], "starts with http:// or https://"),
        (["--url", "http://127.0.0.1:1/", "--kind", "barter"], "invalid choice: 'barter'"),
    ],
)
def test_a_wrong_command_line_is_answered_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.delenv("SHOPIFY_API_SECRET", raising=False)

    with pytest.raises(SystemExit) as stopped:
        main(["shopify", "--domain", "lyon.myshopify.com", *arguments])

    assert stopped.value.code == 2
    assert complaint in capsys.readouterr().err
