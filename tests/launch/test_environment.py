"""Which variables count, and what `.env` adds."""

from pathlib import Path

import environ
import pytest

from launch.environment import with_env_file, without_settings

LINES = """\
# a comment
PLAIN=value
export EXPORTED=yes
EMPTY=
SINGLE='it "is" $quoted'
DOUBLE="it \\"is\\" \\$quoted\\n"
HASH=abc #def
  INDENTED=no
SPACED = no
URL=postgres://u:p@host/db?sslmode=require
nonsense
"""


def test_env_files_are_read_as_the_settings_read_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(LINES)
    theirs: dict[str, str] = {}
    monkeypatch.setattr(environ.Env, "ENVIRON", theirs)
    environ.Env.read_env(tmp_path / ".env")

    ours = with_env_file({}, root=tmp_path)

    assert ours == theirs
    assert ours["HASH"] == "abc #def"


@pytest.mark.parametrize(
    ("environment", "seen"),
    [
        ({}, "file"),
        ({"NAME": "environment"}, "environment"),
        ({"NAME": ""}, ""),
        ({"CONNECTOR_ENV_FILE": ""}, None),
        ({"CONNECTOR_ENV_FILE": "missing"}, None),
        ({"CONNECTOR_ENV_FILE": "other"}, "other file"),
    ],
)
def test_the_environment_wins_over_the_file(
    tmp_path: Path, environment: dict[str, str], seen: str | None
) -> None:
    (tmp_path / ".env").write_text("NAME=file\n")
    (tmp_path / "other").write_text("NAME=other file\n")

    assert with_env_file(environment, root=tmp_path).get("NAME") == seen


def test_settings_and_proxies_are_taken_away_and_the_rest_stays() -> None:
    hostile = {
        "DEBUG": "1",
        "META_APP_SECRET": "x",
        "SHOPIFY_API_SECRET": "x",
        "PGOPTIONS": "x",
        "https_proxy": "x",
        "DATABASE_URL": "x",
    }
    harmless = {"PATH": "/bin", "HOME": "/root", "LANG": "C", "TEST_REDIS_URL": "x", "PAGER": "x"}

    assert without_settings(hostile | harmless) == harmless
