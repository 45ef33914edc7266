"""Settings, read by a new process: what is refused, and the secrets that are made once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
GIVEN = {
    "DATABASE_URL": "postgres://somebody:secret@db.example/connector",
    "SECRET_KEY": "s" * 50,
    "FIELD_ENCRYPTION_KEYS": "ab" * 32,
    "APP_URL": "https://connector.example",
    "ALLOWED_HOSTS": "connector.example",
}


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    clean = {"PATH": os.environ["PATH"], "CONNECTOR_ENV_FILE": ""}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=clean | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "missing", ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "APP_URL", "ALLOWED_HOSTS"]
)
def test_production_without_a_secret_or_an_address_says_so_in_one_sentence(missing: str) -> None:
    given = {name: value for name, value in GIVEN.items() if name != missing}

    process = start("manage.py", "check", **given)
    said = process.communicate(timeout=60)

    assert process.returncode == 1
    assert said[0] == ""
    assert said[1].startswith(f"Settings: {missing} is not set: ")
    assert said[1].count("\n") == 1


def test_production_with_everything_starts() -> None:
    process = start("manage.py", "check", "--fail-level", "WARNING", **GIVEN)

    assert (process.communicate(timeout=60)[1], process.returncode) == ("", 0)


def test_local_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    ask = "from connector import settings; print(settings.SECRET_KEY, *settings.FIELD_ENCRYPTION_KEYS)"

    racers = [start("-c", ask, DATA_DIR=str(tmp_path / "data")) for _ in range(4)]
    answers = {racer.communicate(timeout=60)[0].strip() for racer in racers}
    later = start("-c", ask, DATA_DIR=str(tmp_path / "data")).communicate(timeout=60)[0].strip()

    file = tmp_path / "data" / "keys.json"
    assert answers == {later}
    assert later == " ".join(json.loads(file.read_text()).values())
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["keys.json"]
